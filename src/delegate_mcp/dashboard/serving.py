"""The page over HTTP, for this machine's browser alone: loopback names, a secret path, a policy without exceptions."""

import hmac
import json
import logging
import socket
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from types import FrameType

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from delegate_mcp.app import App
from delegate_mcp.dashboard.data import dashboard_data
from delegate_mcp.dashboard.page import page
from delegate_mcp.domain.errors import DelegateError, InputError

OWN_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_AGAIN_S = 5.0
"""A ledger that cannot be followed is tried again after so long."""
logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Changes:
    """Counts the ledger's changes, and wakes the pages that wait for the next one."""

    count: int = 0
    over: bool = False
    _next: anyio.Event = field(default_factory=anyio.Event)

    async def follow(self, app: App) -> None:
        """Count what other processes and machines write, until cancelled."""
        while True:
            try:
                await app.ledger.changed()
            except DelegateError as error:
                logger.warning("The dashboard does not follow the ledger now: %s", error)
                await app.clock.sleep(_AGAIN_S)
            self.count += 1
            self._wake()

    async def after(self, seen: int) -> int | None:
        """The count once it is no longer what was seen; None: there will be no more."""
        while self.count == seen and not self.over:
            await self._next.wait()
        return None if self.over else self.count

    def end(self) -> None:
        """Let every page go."""
        self.over = True
        self._wake()

    def _wake(self) -> None:
        self._next.set()
        self._next = anyio.Event()


def dashboard_app(app: App, token: str, changes: Changes) -> ASGIApp:
    """The page at `/TOKEN/`, its `data?period=` and its `events`; anything else is not there."""
    document = page()

    async def show(_: Request) -> Response:
        return HTMLResponse(document.html)

    async def data(request: Request) -> Response:
        try:
            told = await dashboard_data(app, request.query_params.get("period", "7d"), "dashboard")
        except InputError as error:
            return _json({"error": str(error)}, 400)
        except DelegateError as error:
            return _json({"error": str(error)}, 503)
        return _json(told, 200)

    async def events(_: Request) -> Response:
        async def stream() -> AsyncGenerator[bytes]:
            seen: int | None = changes.count
            yield b"retry: 2000\n\n"
            while (seen := await changes.after(seen)) is not None:
                yield f"data: {seen}\n\n".encode()

        return StreamingResponse(stream(), media_type="text/event-stream")

    routes = [Route("/", show), Route("/data", data), Route("/events", events)]
    return _Guard(Starlette(routes=routes), token, document.policy)


class DashboardServer(uvicorn.Server):
    """Serves the page until `end`, or until the first Ctrl+C: pages that listen would otherwise be waited for."""

    def __init__(self, app: App, token: str) -> None:
        self._ours = app
        self._changes = Changes()
        served = dashboard_app(app, token, self._changes)
        super().__init__(
            uvicorn.Config(served, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=2)
        )

    async def serve_on(self, listening: socket.socket) -> None:
        """Serve, and follow the ledger meanwhile."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._changes.follow, self._ours)
            await self.serve([listening])
            tasks.cancel_scope.cancel()

    def end(self) -> None:
        """Let the pages go, then end."""
        self._changes.end()
        self.should_exit = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The same for a signal."""
        self._changes.end()
        super().handle_exit(sig, frame)


class _Guard:
    """ASGI middleware: answers only requests that name this machine and know the token."""

    def __init__(self, inner: ASGIApp, token: str, policy: str) -> None:
        self._inner = inner
        self._token = token.encode()
        self._headers = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
        self._headers.append((b"content-security-policy", policy.encode()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._headers]
            await send(message)

        _, token, rest = (*scope["path"].split("/", 2), "", "")[:3]
        if not _is_own(dict(scope["headers"]).get(b"host", b"")):  # a page that had its name point here
            answer: ASGIApp = PlainTextResponse("This is not the name of this machine.", 421)
        elif not hmac.compare_digest(token.encode(), self._token) or "/" in rest:
            answer = PlainTextResponse("Not found. The whole address stands where the dashboard was started.", 404)
        else:
            scope = {**scope, "path": f"/{rest}", "raw_path": None}
            answer = self._inner
        await answer(scope, receive, send_guarded)


def _is_own(host: bytes) -> bool:
    name, _, port = host.decode("latin-1").lower().rpartition(":")
    return host.decode("latin-1").lower() in OWN_NAMES or (name in OWN_NAMES and port.isdecimal())


def _json(value: object, status: int) -> Response:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Response(text, status, media_type="application/json")
