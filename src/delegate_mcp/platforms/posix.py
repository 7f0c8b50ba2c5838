"""Linux and macOS: process groups, signals, locks and modes of files."""

import fcntl
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO

import anyio
from anyio.abc import Process

assert sys.platform != "win32"  # noqa: S101 - told to the type checker, which then does not read on

KILL = signal.SIGKILL
TERMINATION = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_GROUP_POLL_S = 0.02


async def open_in_group(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path | None,
    stdin: int | IO[bytes] | None,
    stdout: int | IO[bytes] | None,
    stderr: int | IO[bytes] | None,
) -> Process:
    """Start a program as the leader of a session, on Linux one that ends with us."""
    return await anyio.open_process(
        [*_dying_with_us(argv[0], env), *argv],
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        env=env,
        cwd=cwd,
        start_new_session=True,
    )


async def end_group(process: Process, grace_s: float) -> None:
    """Ask the whole group to end, and kill what is still there after `grace_s`."""
    if _signal_group(process.pid, signal.SIGTERM):
        with anyio.move_on_after(grace_s):
            await process.wait()
            while _group_lives(process.pid):  # noqa: ASYNC110 - the end of a whole group is no event anywhere
                await anyio.sleep(_GROUP_POLL_S)
        _signal_group(process.pid, signal.SIGKILL)


def start_apart(argv: Sequence[str], env: Mapping[str, str], cwd: Path, stderr: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start our own program away from our terminal."""
    return subprocess.Popen(  # noqa: S603 - our own program
        list(argv),
        env=env,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        start_new_session=True,
    )


def part_with(process: subprocess.Popen[bytes]) -> None:
    """Bury what was started: its child goes on."""
    process.wait()


def detach() -> None:
    """Go on as a child, and end what was started."""
    if os.fork():
        os._exit(0)


def pid_alive(pid: int) -> bool:
    """Whether a process of that id exists, whoever owns it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def only_ours(found: os.stat_result) -> bool:
    """Whether it belongs to this user and nobody else may read or write it."""
    return found.st_uid == os.getuid() and not found.st_mode & 0o077


def limit_own_memory(size: int) -> None:
    """Let this process take no more than that; macOS keeps no such limit."""
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (size, resource.getrlimit(resource.RLIMIT_AS)[1]))


def locked(handle: int) -> bool:
    """Whether the lock of that open file is ours now."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _signal_group(group: int, number: int) -> bool:
    """Signal every process of a group; False where none is left. The id is not given anew while one lives."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:  # macOS says so of a group of zombies
        return False
    return True


def _group_lives(group: int) -> bool:
    """Whether more than zombies is left of a group: the first process of a container may never bury them."""
    if sys.platform != "linux" or not _signal_group(group, 0):
        return _signal_group(group, 0)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            state, _, its_group, *_ = stat.read_bytes().rpartition(b") ")[2].split()
            if int(its_group) == group and state not in {b"Z", b"X"}:
                return True
    return False


def _dying_with_us(program: str, env: Mapping[str, str]) -> tuple[str, ...]:
    """The start of an argv that has Linux end the program when our process dies; empty where that is not to be had.

    Not around a program that does not exist, whose absence would otherwise become setpriv's own failure.
    """
    if shutil.which(program, path=env.get("PATH", os.defpath)) is None:
        return ()
    return _setpriv()


@cache
def _setpriv() -> tuple[str, ...]:
    found = shutil.which("setpriv") if sys.platform == "linux" else None
    if found is None or Path(found).resolve().name != "setpriv":  # busybox has one without --pdeathsig
        return ()
    return (found, "--pdeathsig", "TERM", "--")
