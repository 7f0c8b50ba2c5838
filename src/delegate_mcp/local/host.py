"""`python -m delegate_mcp.local.host DIRECTORY`: the one model host of a user on this machine.

It holds the lock of that directory as long as it lives, and tells in its state file where it answers. It ends when it
is idle, when its last user is gone, and when it is told to; its engines end with it, however it ends.
"""

import os
import secrets
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

import anyio
from anyio.abc import SocketListener, SocketStream

from delegate_mcp import __version__
from delegate_mcp.local.control_api import ControlApi
from delegate_mcp.local.engines import LOOPBACK
from delegate_mcp.local.room import MachineRoom
from delegate_mcp.local.runtime_dir import PROTOCOL, TAKEN, UP, HostState, RuntimeDir
from delegate_mcp.local.supervisor import Supervisor
from delegate_mcp.local.wire import answer_connection, port_of
from delegate_mcp.platforms import FileLock, detach, process_started, termination_signals

_OUT = 1
_TICK_S = 0.25
# A host that is about to end holds the lock while its engines end.
_LOCK_S = 1.0


def main(directory: str) -> None:
    """Be the host, unless there is one."""
    detach()
    place = RuntimeDir(Path(directory))
    living = place.living
    if not _take(living):
        os.write(_OUT, TAKEN)
        return
    anyio.run(_serve, place)


def _take(lock: FileLock) -> bool:
    until = time.monotonic() + _LOCK_S
    while not lock.take():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


async def _serve(place: RuntimeDir) -> None:
    secret = secrets.token_urlsafe(32)
    environ = dict(os.environ)
    async with Supervisor(MachineRoom(environ), environ, time.monotonic) as supervisor:
        # anyio's own way asks the system's name services for the address.
        listener = await SocketListener.from_socket(socket.create_server((LOOPBACK, 0)))
        state = HostState(
            protocol=PROTOCOL,
            version=__version__,
            pid=os.getpid(),
            pid_started=process_started(os.getpid()),
            port=port_of(listener),
            secret=secret,
            started_at=time.time(),
        )
        told = anyio.Event()
        api = ControlApi(supervisor, state, told.set)

        async def answer(stream: SocketStream) -> None:
            await answer_connection(stream, secret, api.handle)

        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, answer)
            tasks.start_soon(_on_signal, told)
            place.write(state)
            try:
                _say_up()
                while not told.is_set() and supervisor.over() is None:
                    with anyio.move_on_after(_TICK_S):
                        await told.wait()
            finally:
                place.clear()  # first of all: whoever looks from now on starts another
            tasks.cancel_scope.cancel()


def _say_up() -> None:
    with suppress(OSError):  # whoever started us has ended meanwhile
        os.write(_OUT, UP)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, _OUT)  # the end of the pipe tells whoever started us that we go on by ourselves
    os.close(nowhere)


async def _on_signal(told: anyio.Event) -> None:
    signals = termination_signals()
    if not signals:
        return
    with anyio.open_signal_receiver(*signals) as received:
        async for _ in received:
            told.set()


if __name__ == "__main__":
    main(sys.argv[1])
