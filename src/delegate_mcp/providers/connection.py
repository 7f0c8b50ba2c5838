"""The HTTP client of one provider: made at first use, kept alive, without proxies or redirects on this machine."""

import ssl
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cache, partial
from typing import Any, cast

import anyio
import httpx
from anyio.abc import AsyncResource

from delegate_mcp.domain.errors import ProviderError
from delegate_mcp.providers import failures
from delegate_mcp.providers.home import HomeTransport, is_loopback, socket_file
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
    tls = base_url.startswith("https:")
    if row.local:
        file = socket_file(base_url)
        verify = _certificates() if tls else False
        inner = transport or httpx.AsyncHTTPTransport(verify=verify, trust_env=False, uds=file)
        transport, base_url = HomeTransport(inner, row.own_hosts), "http://localhost/v1/" if file else base_url
    return httpx.AsyncClient(
        base_url=base_url,
        headers=headers | once,
        transport=transport,
        trust_env=beyond,
        verify=_certificates() if beyond or tls else False,
        follow_redirects=False,
        event_hooks={"request": [_close_what_no_handshake_ends] if tls else [], "response": [_bound_errors]},
    )


class Passed(httpx.AsyncByteStream):
    """A body as `through` passes it on."""

    def __init__(
        self, body: httpx.AsyncByteStream, through: Callable[[AsyncIterable[bytes]], AsyncIterator[bytes]]
    ) -> None:
        self._body = body
        self._through = through

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._through(self._body)

    async def aclose(self) -> None:
        """Close it."""
        await self._body.aclose()


def connect_limit(seconds: float) -> httpx.Timeout:
    """A limit on connecting only: waiting for tokens is timed by the caller, who knows the deadline."""
    return httpx.Timeout(None, connect=seconds)


def on_this_machine(url: str) -> bool:
    """Whether the address is a loopback one, or names a socket file."""
    return socket_file(url) is not None or is_loopback(httpx.URL(url).host)


def usable_key(row: ProviderRow, api_key: str | None) -> str:
    """The key as a header can carry it, empty for none. Raises ProviderError where it cannot."""
    key = (api_key or "").strip()
    if not (key.isascii() and (key.isprintable() or not key)):
        raise failures.unusable_key(row)
    return key


@asynccontextmanager
async def listing(row: ProviderRow) -> AsyncGenerator[None]:
    """Bounds the listing of models in time."""
    try:
        with anyio.fail_after(LISTING_S):
            yield
    except TimeoutError:
        raise ProviderError.timeout(f"{row.title}: no list of models within {LISTING_S:.0f} s") from None


async def _bound_errors(response: httpx.Response) -> None:
    """Of the body of a failed response no more is read than an error needs; SDKs read it to its end."""
    if not response.is_success and isinstance(response.stream, httpx.AsyncByteStream):
        response.stream = Passed(response.stream, partial(_beginning, most=_LARGEST_ERROR_BYTES))


async def _beginning(body: AsyncIterable[bytes], most: int) -> AsyncIterator[bytes]:
    async for part in body:
        yield part[:most]
        most -= len(part)
        if most <= 0:
            return


async def _close_what_no_handshake_ends(request: httpx.Request) -> None:
    """A TLS handshake that is cancelled leaves its socket open in httpcore (1.0.9): it is closed here."""
    connections: list[AsyncResource] = []

    async def trace(event: str, info: Mapping[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            connections.append(cast("AsyncResource", info["return_value"]))
        elif event.endswith(".start_tls.failed"):
            with anyio.CancelScope(shield=True):
                for connection in connections:
                    await connection.aclose()

    request.extensions = {**request.extensions, "trace": trace}


@cache
def _certificates() -> ssl.SSLContext:
    """Reading the certificates takes some 20 ms: once for all providers."""
    return httpx.create_ssl_context()
