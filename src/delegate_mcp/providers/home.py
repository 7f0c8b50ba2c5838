"""The way to models at home: requests that can only reach this machine, or a host that its owner named as his own.

The address is judged when a connection is made, not when the settings are read: a name that pointed here then may
point elsewhere now. An own host's name is resolved once, and the address that answered then is kept. No proxy, no
redirect.
"""

import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence

import anyio
import httpx

from delegate_mcp.domain.errors import ErrorKind, ProviderError

UNIX = "unix:"
"""How a base_url begins that names a socket file: `unix:/run/user/1000/llama.sock`."""
_LOOPBACK = ("127.0.0.1", "::1")

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a name."""


def socket_file(base_url: str) -> str | None:
    """The socket file that a base_url names, or None."""
    return base_url.removeprefix(UNIX).rstrip("/") if base_url.startswith(UNIX) else None


def is_loopback(host: str) -> bool:
    """Whether a host is written as an address of this machine; a name other than `localhost` may be anybody's."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def at_home(base_url: str, own_hosts: Iterable[str]) -> bool:
    """Whether a base_url may be asked in private, judged by how it is written."""
    if socket_file(base_url):
        return True
    try:
        host = httpx.URL(base_url).host
    except httpx.InvalidURL:
        return False
    return is_loopback(host) or host in {own.lower() for own in own_hosts}


class HomeTransport(httpx.AsyncBaseTransport):
    """Sends to this machine and to own hosts, and refuses every other address. ProviderError where it refuses."""

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        own_hosts: Iterable[str] = (),
        *,
        resolve: Resolve | None = None,
    ) -> None:
        self._inner = inner
        self._own = frozenset(host.lower() for host in own_hosts)
        self._resolve = resolve or _resolve
        self._pinned: dict[str, Sequence[str]] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it to the address that was judged, under the name it was written to."""
        url = request.url
        addresses = self._pinned.get(url.host) or await self._judged(url.host, url.port or 0)
        request.extensions = {**request.extensions, "sni_hostname": url.host}
        failed: httpx.ConnectError | None = None
        for address in addresses:
            request.url = url.copy_with(host=address)  # the Host header was written before and stays
            try:
                response = await self._inner.handle_async_request(request)
            except httpx.ConnectError as error:  # nothing was sent
                failed = error
                continue
            self._pinned[url.host] = (address,)
            return response
        raise failed or httpx.ConnectError(f"{url.host} has no address", request=request)

    async def aclose(self) -> None:
        """Close connections."""
        await self._inner.aclose()

    async def _judged(self, host: str, port: int) -> Sequence[str]:
        if host == "localhost":  # this machine's own name: asked of nobody
            return _LOOPBACK
        if host in self._own:
            try:
                return await self._resolve(host, port)
            except OSError as error:
                raise httpx.ConnectError(f"{host} has no address") from error
        if is_loopback(host):
            return (host,)
        raise ProviderError(
            ErrorKind.NETWORK,
            f"{host} is neither this machine nor listed in privacy.own_hosts: nothing was sent there",
        )


async def _resolve(host: str, port: int) -> Sequence[str]:
    found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]
