"""The model host of this machine: found where its state file says, or started by whoever needs it first."""

import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import anyio
import anyio.to_thread

from delegate_mcp.domain.errors import ProviderError
from delegate_mcp.local.runtime_dir import PROTOCOL, TAKEN, UP, HostState, RuntimeDir
from delegate_mcp.local.talk import GoneError, Talk
from delegate_mcp.platforms import FileLock, end_pid, pid_alive, process_started, start_detached

FOUND_WITHIN_S = 30.0
"""A host is found or started in this time, or it cannot be."""
# What lives on this machine answers at once; a process that was stopped does not.
_ANSWERS_S = 3.0
# Told to end, a host first ends its engines.
_ENDS_S = 1.5
_POLL_S = 0.02
_TOLD_CHARS = 300


class Link:
    """The connection by which the host knows that a user is here."""

    def __init__(self, state: HostState, here: Talk) -> None:
        self.state = state
        self._here = here

    async def ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Talk:
        """Another request to the same host. GoneError."""
        return await Talk.ask(self.state.port, self.state.secret, method, path, body)

    async def ended(self) -> None:
        """Returns when the host has ended."""
        with suppress(GoneError):
            while True:
                await self._here.line()

    async def aclose(self) -> None:
        """Leave."""
        await self._here.aclose()


async def find_or_start(directory: Path, environ: Mapping[str, str], user: Mapping[str, object]) -> Link:
    """Be a user of the host. ProviderError, ForeignStateError, OSError."""
    place = RuntimeDir(directory)
    with anyio.move_on_after(FOUND_WITHIN_S):
        while True:
            state = place.read()
            if state is not None:
                with suppress(GoneError):
                    return await _register(state, user)
            said = await anyio.to_thread.run_sync(_start, place, environ, state, abandon_on_cancel=True)
            if said == TAKEN and state is not None and state == place.read():
                await end_host(place, state)
            elif said != UP:
                await anyio.sleep(_POLL_S)
    raise ProviderError.timeout(
        f"the model host of this machine did not answer in {FOUND_WITHIN_S:.0f} s; `delegate-mcp local stop` ends it"
    )


async def end_host(place: RuntimeDir, state: HostState) -> None:
    """End a host by its process: one that does not answer, or that speaks another protocol."""
    for force in (False, True):
        if _is(state):  # else it has ended, and its id may be another's now
            end_pid(state.pid, force=force)
        if await freed(place.living, _ENDS_S):
            return


async def freed(lock: FileLock, within_s: float) -> bool:
    """Whether the host has ended: the lock that it lives by is free."""
    until = anyio.current_time() + within_s
    while not lock.take():
        if anyio.current_time() >= until:
            return False
        await anyio.sleep(_POLL_S)
    lock.free()
    return True


def _is(state: HostState) -> bool:
    return pid_alive(state.pid) and process_started(state.pid) == state.pid_started


async def _register(state: HostState, user: Mapping[str, object]) -> Link:
    """GoneError where it does not answer, refuses the secret, speaks another protocol or is another process."""
    if state.protocol != PROTOCOL:
        raise GoneError
    with anyio.move_on_after(_ANSWERS_S):
        here = await Talk.ask(state.port, state.secret, "POST", "/register", user)
        try:
            if here.accepted and (await here.line()).get("pid") == state.pid:
                return Link(state, here)
        except BaseException:
            await here.aclose()
            raise
        await here.aclose()
    raise GoneError


def _start(place: RuntimeDir, environ: Mapping[str, str], stale: HostState | None) -> bytes:
    """Start a host, unless another process is at it. What it said: UP, TAKEN or nothing. Waits; ProviderError."""
    lock = place.starting
    if not lock.take():
        return b""
    try:
        if place.read() != stale:
            return b""  # somebody else has started one meanwhile
        argv = [sys.executable, "-P", "-m", "delegate_mcp.local.host", str(place.path)]
        with place.open_log() as log:
            said = start_detached(argv, env=environ, cwd=place.path, stderr=log)
        if said not in {UP, TAKEN}:
            raise ProviderError.network(f"the model host ended as it started: {_last_words(place)}")
        return said
    finally:
        lock.free()


def _last_words(place: RuntimeDir) -> str:
    lines = place.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1][:_TOLD_CHARS] if lines else "it said nothing"
