"""Calls that write and check in the same tree take turns, those of other server processes too."""

import hashlib
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from anyio import to_thread

from delegate_mcp.dispatch.clock import Clock
from delegate_mcp.intake.sandbox import Roots
from delegate_mcp.platforms.files import FileLock, private_dir

_LOOK_S = 0.1
WAITING = "waiting for another call's check"


@asynccontextmanager
async def alone(
    locks: Path, roots: Roots, *, clock: Clock, deadline: float, tell: Callable[[str, int], None]
) -> AsyncGenerator[None]:
    """Be the only one there. TimeoutError: another was there until the deadline (on the steady clock)."""
    lock = await to_thread.run_sync(_lock, locks, roots)
    try:
        waited = False
        while not lock.take():
            if clock.steady() >= deadline:
                raise TimeoutError
            if not waited:
                tell(WAITING, 0)
                waited = True
            await clock.sleep(_LOOK_S)
        yield
    finally:
        lock.free()


def _lock(locks: Path, roots: Roots) -> FileLock:
    name = hashlib.sha256(os.fsencode(roots.roots[0])).hexdigest()[:16]
    return FileLock(private_dir(locks) / f"{name}.lock")
