"""Programs that run: started in a group of their own, ended with all their children, found alive or gone."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import anyio
from anyio.abc import Process

if sys.platform == "win32":
    from delegate_mcp.platforms import windows as system
else:
    from delegate_mcp.platforms import posix as system


async def start_process(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    stdin: int | IO[bytes] | None = subprocess.PIPE,
    stdout: int | IO[bytes] | None = subprocess.PIPE,
    stderr: int | IO[bytes] | None = subprocess.PIPE,
) -> Process:
    """Start a program as the leader of its own process group, for `end_process` to end.

    It is told to end when our process dies: on Linux through setpriv where that is installed, on Windows through a
    job; on macOS it is not, and notices only its closed pipes. Raises OSError where it cannot be started.
    """
    return await system.open_in_group(argv, env=env, cwd=cwd, stdin=stdin, stdout=stdout, stderr=stderr)


async def end_process(process: Process, grace_s: float = 1.0) -> None:
    """End a process of `start_process` with all its children, and close its pipes.

    Cannot be cancelled; safe to call on what has ended.
    """
    with anyio.CancelScope(shield=True):
        await end_group(process, grace_s)
        await process.aclose()


async def end_group(process: Process, grace_s: float = 1.0) -> None:
    """End a process with all its children, also those that a leader which is gone left behind; its pipes stay open.

    Asks first, where the system has a way to ask, and kills what is still there after `grace_s`.
    """
    await system.end_group(process, grace_s)


def start_detached(argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, stderr: IO[bytes]) -> bytes:
    """Start a program that outlives us and our terminal; it calls `detach` first. Raises OSError.

    Waits for the line on stdout with which it says that it is up, and gives that; empty where it ended before. On
    POSIX systems what is started ends at once and its child goes on, so that nobody has a zombie to bury.
    """
    process = system.start_apart(argv, env, cwd, stderr)
    with process.stdout or open(os.devnull, "rb") as said:  # noqa: PTH123 - it has a stdout
        line = said.readline()
    system.part_with(process)
    return line


def detach() -> None:
    """To be called by what `start_detached` starts, before it does anything else."""
    system.detach()


def end_pid(pid: int, *, force: bool = False) -> None:
    """Ask a process to end, or end it; nothing happens where it is gone."""
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, system.KILL if force else signal.SIGTERM)


def process_started(pid: int) -> str:
    """A word that tells a process from a later one of the same id; empty where the system gives none (Linux does)."""
    with suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(") ")[2].split()[19]
    return ""


def termination_signals() -> tuple[signal.Signals, ...]:
    """The signals by which a system asks a process to end, where the event loop can hear them."""
    return system.TERMINATION


def pid_alive(pid: int) -> bool:
    """Whether a process of that id exists, whoever owns it."""
    return pid > 0 and system.pid_alive(pid)


def limit_own_memory(size: int) -> None:
    """Let this process take no more than that; its next allocation fails. Only Linux keeps such a limit."""
    system.limit_own_memory(size)
