"""Runs a check: in a process group of its own that never outlives it, within its time, of its output the end kept."""

from dataclasses import dataclass
from subprocess import DEVNULL, STDOUT

import anyio
from anyio.abc import ByteReceiveStream

from delegate_mcp.answering.check_command import CheckCommand
from delegate_mcp.platforms.processes import end_group, end_process, start_process

_KEPT_BYTES = 64_000
_DRAIN_S = 2.0
"""For what still stands in the pipe when the process has ended."""


@dataclass(frozen=True, slots=True)
class Checked:
    """How it ended."""

    passed: bool
    told: str
    """In a few words: its exit status, or that its time was up."""
    output: str
    """The end of what it printed."""
    seconds: float


async def run_check(command: CheckCommand, time_s: float) -> Checked:
    """Run it. OSError: it cannot be started. Cancelled, late or done: its processes have ended when this returns."""
    tail = _Tail()
    began = anyio.current_time()
    process = await start_process(command.argv, env=command.env, cwd=command.directory, stdin=DEVNULL, stderr=STDOUT)
    code: int | None = None
    try:
        with anyio.move_on_after(time_s):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(tail.read, process.stdout)
                code = await process.wait()
                await end_group(process)  # what it left behind would hold its pipe open
                tasks.cancel_scope.deadline = anyio.current_time() + _DRAIN_S
    finally:
        await end_process(process)
    seconds = anyio.current_time() - began
    told = f"not done after {time_s:.0f} s" if code is None else f"exit status {code}"
    return Checked(code == 0, told, tail.text(), seconds)


class _Tail:
    """The end of an output of any length."""

    def __init__(self) -> None:
        self._data = b""

    async def read(self, stream: ByteReceiveStream | None) -> None:
        async for chunk in stream or ():  # pyright: ignore[reportGeneralTypeIssues]
            self._data = (self._data + chunk)[-_KEPT_BYTES:]

    def text(self) -> str:
        """Whole lines, where any is whole."""
        text = self._data.decode("utf-8", "replace")
        return text.partition("\n")[2] or text if len(self._data) == _KEPT_BYTES else text
