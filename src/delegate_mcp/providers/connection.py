"""The HTTP client of one provider: made at first use, kept alive, without proxies or redirects on this machine."""

import ipaddress
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import cache

import anyio
import httpx

from delegate_mcp.domain.errors import ProviderError
from delegate_mcp.providers import failures
from delegate_mcp.providers.registry import ProviderRow

LISTING_S = 20.0
"""Seconds that a list of models may take."""

_LARGEST_ERROR_BYTES = 65_536


def http_client(
    row: ProviderRow, base_url: str, headers: dict[str, str], transport: httpx.AsyncBaseTransport | None
) -> httpx.AsyncClient:
    """A client for that address. Proxies of the environment are used for services of the network only."""
    beyond = not (row.local or on_this_machine(base_url))
    # llama.cpp's server may close a kept connection at the moment the next request arrives on it, which then is lost;
    # connecting anew costs next to nothing on this machine.
    once = {"Connection": "close"} if row.local else {}
    return httpx.AsyncClient(
        base_url=base_url,
        headers=headers | once,
        transport=transport,
        trust_env=beyond,
        verify=_certificates() if beyond or base_url.startswith("https:") else False,
        follow_redirects=False,
    )


def connect_limit(seconds: float) -> httpx.Timeout:
    """A limit on connecting only: waiting for tokens is timed by the caller, who knows the deadline."""
    return httpx.Timeout(None, connect=seconds)


def on_this_machine(url: str) -> bool:
    """Whether the address is a loopback one."""
    host = httpx.URL(url).host
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def usable_key(row: ProviderRow, api_key: str | None) -> str:
    """The key as a header can carry it, empty for none. Raises ProviderError where it cannot."""
    key = (api_key or "").strip()
    if not (key.isascii() and (key.isprintable() or not key)):
        raise failures.unusable_key(row)
    return key


async def error_body(response: httpx.Response) -> bytes:
    """The body of a failed response, no more of it than an error needs."""
    body = b""
    async for part in response.aiter_bytes():
        body += part
        if len(body) > _LARGEST_ERROR_BYTES:
            break
    return body


@asynccontextmanager
async def listing(row: ProviderRow) -> AsyncGenerator[None]:
    """Bounds the listing of models in time."""
    try:
        with anyio.fail_after(LISTING_S):
            yield
    except TimeoutError:
        raise ProviderError.timeout(f"{row.title}: no list of models within {LISTING_S:.0f} s") from None


@cache
def _certificates() -> ssl.SSLContext:
    """Reading the certificates takes some 20 ms: once for all providers."""
    return httpx.create_ssl_context()
