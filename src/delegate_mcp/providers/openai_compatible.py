"""Every service with an OpenAI-compatible API, over httpx."""

import time
from functools import cached_property

import anyio
import httpx

from delegate_mcp.domain.listed import ListedModel
from delegate_mcp.domain.outcome import Completion
from delegate_mcp.domain.usage import RateLimit
from delegate_mcp.providers import failures, rate_limits
from delegate_mcp.providers.base import Ask, Report
from delegate_mcp.providers.chat import Answer, request_body
from delegate_mcp.providers.connection import connect_limit, http_client, usable_key
from delegate_mcp.providers.json_view import parse
from delegate_mcp.providers.list_request import fetch_list
from delegate_mcp.providers.quota_facts import quota_of
from delegate_mcp.providers.registry import ProviderRow

QUOTA_S = 1.0
"""Seconds that a service may take to tell what is left: an answer waits for it."""


class OpenAICompatibleProvider:
    """One registry row of the wire `openai`."""

    def __init__(
        self,
        row: ProviderRow,
        *,
        base_url: str,
        api_key: str | None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._row = row
        self._base_url = base_url.rstrip("/") + "/"
        self._api_key = api_key
        self._transport = transport

    @property
    def name(self) -> str:
        """The registry row's name."""
        return self._row.name

    async def complete(self, ask: Ask, report: Report) -> Completion:
        """Answer once, over one streamed request."""
        answer = Answer(self._row, ask, report)
        headers = httpx.Headers()
        try:
            request = self._client.build_request(
                "POST",
                "chat/completions",
                json=request_body(self._row, ask),
                timeout=connect_limit(ask.connect_timeout_s),
            )
            response = await self._client.send(request, stream=True)
            headers = response.headers
            try:
                await self._raise_for_status(response)
                await answer.read(headers.get("content-type", ""), response.aiter_bytes())
            finally:
                await response.aclose()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            if not answer.ended:  # a connection that breaks after the end has lost nothing
                sent = answer.used() if headers else None
                raise failures.from_transport(self._row, error, sent) from error
        return answer.completion(rate_limits.from_headers(self._row.name, headers, time.time()))

    async def list_models(self) -> tuple[ListedModel, ...]:
        """What the service offers right now."""
        return await fetch_list(self._row, self._base_url, self._headers, self._transport)

    async def quota(self) -> tuple[RateLimit, ...]:
        """What the service tells of the account's limits where it can be asked; empty where not, or where it fails."""
        if not self._row.quota_path:
            return ()
        try:
            with anyio.fail_after(QUOTA_S):
                response = await self._client.get(self._row.quota_path)
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL):
            return ()  # an aside of the first call: that call itself tells what is wrong
        return quota_of(self.name, parse(response.content)) if response.is_success else ()

    async def aclose(self) -> None:
        """Close connections."""
        if "_client" in self.__dict__:
            await self._client.aclose()

    async def _raise_for_status(self, response: httpx.Response) -> None:
        if not response.is_success:
            body = await response.aread()
            raise failures.from_response(self._row, response.status_code, response.headers, body, now=time.time())

    @cached_property
    def _client(self) -> httpx.AsyncClient:
        return http_client(self._row, self._base_url, self._headers, self._transport)

    @property
    def _headers(self) -> dict[str, str]:
        key = usable_key(self._row, self._api_key)
        return dict(self._row.extra_headers) | ({"Authorization": f"Bearer {key}"} if key else {})
