"""`delegate-mcp serve`: the server on stdio, streamable HTTP or SSE."""

import argparse
import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import anyio
from anyio.abc import TaskGroup

from delegate_mcp.holder import AppHolder
from delegate_mcp.platforms import termination_signals
from delegate_mcp.server import build_server

if TYPE_CHECKING:
    from delegate_mcp.app import App


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--transport", choices=("stdio", "http", "sse"), default="stdio", help="default: stdio")
    parser.add_argument("--host", default="127.0.0.1", help="address to bind (http, sse); default: 127.0.0.1")
    parser.add_argument("--port", type=int, default=8765, help="port to bind (http, sse); default: 8765")


async def run(args: argparse.Namespace) -> int:
    """Serve until the host closes the connection or a signal ends the process."""
    if args.transport == "stdio":
        return await serve_stdio()
    from delegate_mcp.cli.serving_http import serve_http

    return await serve_http(args.transport, args.host, args.port)


async def serve_stdio() -> int:
    """Serve one host on stdin and stdout."""
    async with AppHolder(_open_app) as holder, anyio.create_task_group() as tasks:
        server = build_server(holder)
        tasks.start_soon(end_on_signal, holder)
        await server.run_stdio_async()
        tasks.cancel_scope.cancel()
    return 0


async def _open_app(tasks: TaskGroup, changed: Callable[[], Awaitable[None]]) -> "App":
    """Load what calls need at the first call, not before `initialize` is answered."""
    from delegate_mcp.wiring import open_app

    return await open_app(tasks, changed)


async def end_on_signal(holder: AppHolder) -> None:
    """When the system asks the process to end: settle every call, end every child, and go."""
    signals = termination_signals()
    if not signals:
        return
    with anyio.open_signal_receiver(*signals) as received:
        async for signal in received:
            await holder.aclose()
            # The thread that reads stdin cannot be woken, so an orderly return would wait for the host's next line.
            os._exit(128 + signal)
