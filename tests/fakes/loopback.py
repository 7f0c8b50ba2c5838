"""Serves an ASGI app on a free loopback port while a block runs: what the stand-in services stand on."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import uvicorn
from starlette.types import ASGIApp
from uvicorn.server import ServerState

PATIENCE_S = 1.0


@asynccontextmanager
async def loopback(app: ASGIApp) -> AsyncGenerator[str]:
    """Yield the base URL. The port is listening before the block begins, so no client comes too early.

    Uvicorn's own loop looks for its end every tenth of a second; hundreds of tests would wait for that.
    """
    config = uvicorn.Config(app, log_config=None, lifespan="off", ws="none")
    config.load()
    state = ServerState()

    def talk() -> asyncio.Protocol:
        return config.http_protocol_class(config=config, server_state=state, app_state={})  # type: ignore[call-arg] - uvicorn names one of several classes

    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = await asyncio.get_running_loop().create_server(talk, sock=listening)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.close()
            with anyio.CancelScope(shield=True):
                await _end(state)


async def _end(state: ServerState) -> None:
    """Hang up on who is idle, wait a little for answers under way, and end those that go on."""
    for connection in tuple(state.connections):
        connection.shutdown()
    with anyio.move_on_after(PATIENCE_S):
        await _ended(state)
    for task in state.tasks:
        task.cancel()
    await _ended(state)


async def _ended(state: ServerState) -> None:
    while state.connections or state.tasks:  # noqa: ASYNC110 - uvicorn tells nobody
        await anyio.sleep(0.001)
