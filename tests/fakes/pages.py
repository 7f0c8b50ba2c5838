"""A stand-in for the web: names with addresses, and pages answered by a handler. Nothing is connected to."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import httpx

from delegate_mcp.intake.pages import Page, fetch_pages

Handler = Callable[[httpx.Request], httpx.Response | Awaitable[httpx.Response]]

PUBLIC = "93.184.216.34"


def html(body: str) -> httpx.Response:
    """A page of HTML."""
    return httpx.Response(200, html=f"<html><body>{body}</body></html>")


def redirect(to: str, status: int = 302) -> httpx.Response:
    """A redirect."""
    return httpx.Response(status, headers={"location": to})


@dataclass
class FakeWeb:
    """Answers by `host/path`; notes what was asked of whom."""

    pages: dict[str, Handler | httpx.Response] = field(default_factory=dict[str, Handler | httpx.Response])
    names: dict[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    """Addresses by host; a host that is not here has a public one, one without any is unknown."""
    down: set[str] = field(default_factory=set[str])
    """Addresses that refuse connections."""
    asked: list[httpx.Request] = field(default_factory=list[httpx.Request])
    resolved: list[str] = field(default_factory=list[str])

    async def resolve(self, host: str, _port: int) -> Sequence[str]:
        """What a name server would say."""
        self.resolved.append(host)
        addresses = self.names.get(host, (PUBLIC,))
        if not addresses:
            raise OSError(host)
        return addresses

    async def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer one request as the server at its address would."""
        self.asked.append(request)
        if request.url.host in self.down:
            raise httpx.ConnectError("refused", request=request)
        answer = self.pages.get(request.headers["host"] + request.url.path, httpx.Response(404))
        if isinstance(answer, httpx.Response):
            return answer
        given = answer(request)
        return given if isinstance(given, httpx.Response) else await given

    def fetch(
        self, *, allow_private: bool = False, **limits: float
    ) -> Callable[[Sequence[str]], Awaitable[tuple[Page, ...]]]:
        """`fetch_pages` against this web."""
        return partial(
            fetch_pages,
            allow_private=allow_private,
            transport=httpx.MockTransport(self.handle),
            resolve=self.resolve,
            **limits,  # pyright: ignore[reportArgumentType] - numbers, whole where whole is asked for
        )
