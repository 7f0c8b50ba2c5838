"""Serving over HTTP: what may be bound, who may call."""

import hmac
import os
import socket
import sys
from pathlib import Path
from typing import Literal

import uvicorn
from mcp.server.transport_security import TransportSecuritySettings
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from delegate_mcp.config.loading import load_settings
from delegate_mcp.config.settings import ServerSettings
from delegate_mcp.domain.errors import ConfigError
from delegate_mcp.holder import AppHolder
from delegate_mcp.providers.registry import PROVIDERS
from delegate_mcp.server import build_server
from delegate_mcp.wiring import open_app

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
LOOPBACK_HOSTS = ["127.0.0.1:*", "localhost:*", "[::1]:*"]


class BearerToken:
    """ASGI middleware: without the right bearer token nothing is answered but 401."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what carries the token."""
        if scope["type"] == "http":
            given = dict(scope["headers"]).get(b"authorization", b"")
            if not hmac.compare_digest(given, self._expected):
                refusal = PlainTextResponse("A bearer token is needed.", 401, {"WWW-Authenticate": "Bearer"})
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


def check_binding(host: str, server: ServerSettings) -> None:
    """Refuse to be reachable from other machines without a token and a list of host names. ConfigError says how."""
    if host in LOOPBACK:
        return
    missing = [
        what
        for what, given in (
            ("a token: set DELEGATE_MCP_TOKEN to a long random text", server.token is not None),
            (
                "the names it is reached by: DELEGATE_MCP_SERVER__ALLOWED_HOSTS='[\"delegate.lan:*\"]'",
                bool(server.allowed_hosts),
            ),
        )
        if not given
    ]
    if missing:
        raise ConfigError(f"Not started: serving on {host} beyond this machine needs {' and '.join(missing)}.")


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


async def serve_http(transport: Literal["http", "sse"], host: str, port: int) -> int:
    """Serve any number of clients until a signal ends the process."""
    names = [row.name for row in PROVIDERS]
    settings = load_settings(os.environ, cwd=Path.cwd(), user_home=Path.home(), providers=names).settings.server
    check_binding(host, settings)
    security = TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=[*LOOPBACK_HOSTS, *settings.allowed_hosts],
        allowed_origins=[f"http://{name}" for name in (*LOOPBACK_HOSTS, *settings.allowed_hosts)]
        + [f"https://{name}" for name in settings.allowed_hosts],
    )
    async with AppHolder(open_app) as holder:
        server = build_server(holder)
        app: ASGIApp = (
            server.streamable_http_app(host=host, transport_security=security)
            if transport == "http"
            else server.sse_app(host=host, transport_security=security)
        )
        if settings.token is not None:
            app = BearerToken(app, settings.token.get_secret_value())
        # uvicorn's own logging writes to stdout and would show requests; warnings go to stderr by the root logger.
        http = uvicorn.Server(uvicorn.Config(app, host=host, port=port, log_config=None, access_log=False))
        with socket.create_server((host, port), family=_family(host)) as listening:
            where = f"http://{host}:{listening.getsockname()[1]}/{'mcp' if transport == 'http' else 'sse'}"
            sys.stderr.write(f"delegate-mcp serves {transport} at {where}\n")
            sys.stderr.flush()
            await http.serve([listening])  # ends on SIGTERM and SIGINT by itself
    return 0
