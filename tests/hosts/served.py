"""The server over HTTP as its own process, on a free port, until a block ends."""

import socket
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio

from tests.hosts.person import SERVER, Person
from tests.hosts.program import GENEROUS_S, end_group

PATHS = {"http": "/mcp", "sse": "/sse"}


@asynccontextmanager
async def served(person: Person, transport: str) -> AsyncGenerator[str]:
    """Yield the address to connect to."""
    port = _free_port()
    command = [str(SERVER), "serve", "--transport", transport, "--port", str(port)]
    env = person.env(**person.server_env)
    process = await anyio.open_process(
        command, env=env, cwd=person.project, stdout=subprocess.DEVNULL, stderr=None, start_new_session=True
    )
    async with process:
        try:
            with anyio.fail_after(GENEROUS_S):
                while not await _accepts(port):
                    assert process.returncode is None, f"the server ended with {process.returncode}; see its stderr"
            yield f"http://127.0.0.1:{port}{PATHS[transport]}"
        finally:
            end_group(process.pid)


async def _accepts(port: int) -> bool:
    try:
        stream = await anyio.connect_tcp("127.0.0.1", port)
    except OSError:
        await anyio.sleep(0.05)  # nothing else tells when another process listens
        return False
    await stream.aclose()
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
