"""Runs a client to its end in its own process group, which is ended by its id when the time is over."""

import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import anyio

GENEROUS_S = 120
"""Long enough for a busy machine: no test here waits for time to pass."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended and what it printed."""

    code: int
    stdout: str
    stderr: str


async def run_program(
    argv: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path, stdin: str = "", timeout_s: float = GENEROUS_S
) -> Finished:
    """Start, feed, wait, and give back all of it; TimeoutError after `timeout_s`."""
    process = await anyio.open_process([str(word) for word in argv], env=env, cwd=cwd, start_new_session=True)
    output: dict[str, bytes] = {}
    try:
        with anyio.fail_after(timeout_s):
            async with process, anyio.create_task_group() as tasks:
                for name, stream in (("stdout", process.stdout), ("stderr", process.stderr)):
                    assert stream is not None
                    tasks.start_soon(_collect, name, stream, output)
                assert process.stdin is not None
                with suppress(anyio.BrokenResourceError):  # a program may end without reading what it is given
                    await process.stdin.send(stdin.encode())
                await process.stdin.aclose()
                await process.wait()
    finally:
        end_group(process.pid)
    assert process.returncode is not None
    return Finished(process.returncode, output["stdout"].decode(), output["stderr"].decode())


def end_group(pid: int) -> None:
    """End what a program started in its own group left behind."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGTERM)


async def _collect(name: str, stream: anyio.abc.ByteReceiveStream, output: dict[str, bytes]) -> None:
    output[name] = b"".join([chunk async for chunk in stream])
