"""Groq, over its own SDK; the stream is read by the reader that all chat-completions services share.

The SDK's reader ends quietly where a stream is cut and hides the `[DONE]` that tells it from an answer that is whole.
"""

import re
import time
from functools import cached_property
from typing import Any

import groq
import httpx

from delegate_mcp.domain.errors import ProviderError
from delegate_mcp.domain.listed import ListedModel
from delegate_mcp.domain.outcome import Completion
from delegate_mcp.domain.usage import Usage
from delegate_mcp.providers import failures, rate_limits
from delegate_mcp.providers.base import Ask, Report
from delegate_mcp.providers.chat import Answer, request_body
from delegate_mcp.providers.connection import connect_limit, http_client, usable_key
from delegate_mcp.providers.list_request import fetch_list
from delegate_mcp.providers.registry import ProviderRow

_SDK_PATH = re.compile(r"(/openai(/v1)?)?/*$")
"""What the SDK itself appends to the base URL; people copy it along."""

_THINKS_ALOUD = re.compile(r"qwen")
"""Models whose reasoning comes inside the answer unless it is asked for apart."""


class GroqProvider:
    """The registry row of the wire `groq`."""

    def __init__(
        self, row: ProviderRow, *, base_url: str, api_key: str, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._row = row
        self._base_url = _SDK_PATH.sub("", base_url)
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
        body: dict[str, Any] = request_body(self._row, ask)
        if _THINKS_ALOUD.search(ask.model):
            body["reasoning_format"] = "parsed"
        create = self._client.chat.completions.with_streaming_response.create
        try:
            async with create(
                model=body.pop("model"),
                messages=body.pop("messages"),
                stream=True,
                extra_body=body,
                timeout=connect_limit(ask.connect_timeout_s),
            ) as response:
                headers = response.headers
                await answer.read(headers.get("content-type", ""), response.iter_bytes())
        except (groq.APIError, httpx.HTTPError, httpx.InvalidURL) as error:
            if not answer.ended:  # a connection that breaks after the end has lost nothing
                raise self._failure(error, answer.used() if headers else None) from error
        return answer.completion(rate_limits.from_headers(self._row.name, headers, time.time()))

    async def list_models(self) -> tuple[ListedModel, ...]:
        """What Groq offers right now."""
        headers = {"Authorization": f"Bearer {usable_key(self._row, self._api_key)}"}
        return await fetch_list(self._row, self._base_url, headers, self._transport)

    async def aclose(self) -> None:
        """Close connections."""
        if "_client" in self.__dict__:
            await self._client.close()

    def _failure(self, error: Exception, usage: Usage | None = None) -> ProviderError:
        match error:
            case groq.APIStatusError(response=response):
                return failures.from_response(
                    self._row, response.status_code, response.headers, response.content, now=time.time()
                )
            case groq.APIConnectionError(__cause__=httpx.HTTPError() as cause):
                return failures.from_transport(self._row, cause, usage)
            case groq.APIResponseValidationError():
                return ProviderError.bad_answer(f"{self._row.title}: the answer is not of the API's form")
            case _:
                return failures.from_transport(self._row, error, usage)

    @cached_property
    def _client(self) -> groq.AsyncGroq:
        key = usable_key(self._row, self._api_key)
        client = http_client(self._row, self._base_url, {}, self._transport)
        return groq.AsyncGroq(api_key=key, base_url=self._base_url, max_retries=0, http_client=client)
