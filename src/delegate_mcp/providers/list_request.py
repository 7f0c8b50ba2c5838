"""One request for a service's list of models: the cheapest there is, it costs no token. Bounded in time and size."""

import time

import anyio.to_thread
import httpx

from delegate_mcp.domain.errors import ProviderError
from delegate_mcp.domain.listed import ListedModel
from delegate_mcp.providers import failures
from delegate_mcp.providers.connection import http_client, listing
from delegate_mcp.providers.json_view import parse
from delegate_mcp.providers.model_lists import form_of, read_list
from delegate_mcp.providers.registry import ProviderRow

LARGEST_LIST_BYTES = 32_000_000
"""Ten thousand models, described at length."""
_ERROR_BYTES = 65_536


async def fetch_list(
    row: ProviderRow, base_url: str, headers: dict[str, str], transport: httpx.AsyncBaseTransport | None
) -> tuple[ListedModel, ...]:
    """The chat models that the service lists now. ProviderError where no list comes, or it is too long."""
    async with listing(row):
        try:
            async with http_client(row, base_url.rstrip("/") + "/", headers, transport) as client:
                response, body = await get_bounded(client, form_of(row.name).path)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise failures.from_transport(row, error) from error
    if not response.is_success:
        raise failures.from_response(row, response.status_code, response.headers, body[:_ERROR_BYTES], now=time.time())
    if len(body) > LARGEST_LIST_BYTES:
        raise ProviderError.bad_answer(f"{row.title}: the list of models is longer than {LARGEST_LIST_BYTES:,} bytes")
    models = await read_body(row.name, body)
    if models is None:
        raise ProviderError.bad_answer(f"{row.title}: the list of models is not of its form")
    return models


async def get_bounded(client: httpx.AsyncClient, path: str) -> tuple[httpx.Response, bytes]:
    """The response and its body, of which no more is read than tells that it is too long."""
    parts: list[bytes] = []
    size = 0
    async with client.stream("GET", client.base_url.join(path)) as response:
        async for part in response.aiter_bytes():
            parts.append(part)
            size += len(part)
            if size > LARGEST_LIST_BYTES:
                break
    return response, b"".join(parts)


async def read_body(provider: str, body: bytes) -> tuple[ListedModel, ...] | None:
    """The models in it; None: it is no list. In a worker thread: thousands would hold up answers that are under way."""
    return await anyio.to_thread.run_sync(lambda: read_list(provider, parse(body)))
