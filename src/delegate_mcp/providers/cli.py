"""CLIs as backends: one process for each call, in a group of its own that never outlives it."""

import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import anyio
from anyio.abc import ByteReceiveStream, Process

from delegate_mcp.domain.errors import ErrorKind, ProviderError
from delegate_mcp.domain.listed import ListedModel
from delegate_mcp.domain.outcome import Completion
from delegate_mcp.platforms import end_group, end_process, find_program, start_process
from delegate_mcp.providers.base import Ask, Report
from delegate_mcp.providers.cli_answer import CliAnswer
from delegate_mcp.providers.cli_rows import CLI_BY_NAME, CliCall, environment, instructions
from delegate_mcp.providers.registry import ProviderRow

_LONGEST_LINE = 10_000_000
_MOST_BYTES = 256_000_000
_LAST_S = 0.4
"""So long before the deadline a CLI is ended, so that the call ends by it; too short for anybody else to be asked."""
_LAST_GRACE_S = 0.3
_DRAIN_S = 2.0
"""For what still stands in the pipes when the process has ended."""


class CliProvider:
    """One CLI that the person has installed and logged in to; `command` names another executable than the row's.

    `grace_s` is what its processes have to end by themselves before they are killed.
    """

    def __init__(
        self,
        row: ProviderRow,
        *,
        command: str | None,
        environ: Mapping[str, str],
        bill_api: bool = False,
        grace_s: float = 1.0,
    ) -> None:
        self._row = row
        self._cli = CLI_BY_NAME[row.name]
        self._command = command or row.command
        self._environ = environ
        self._bill_api = bill_api
        self._grace_s = grace_s

    @property
    def name(self) -> str:
        """The registry row's name."""
        return self._row.name

    async def complete(self, ask: Ask, report: Report) -> Completion:
        """Ask once. Cancelled, failed or done: its whole process group has ended when this returns."""
        in_time = anyio.CancelScope(deadline=anyio.current_time() + ask.deadline_s - _LAST_S)
        program = self._program()
        if ask.edit_in is not None and not ask.edit_in.is_dir():
            raise ProviderError(ErrorKind.BAD_REQUEST, f"there is no directory {ask.edit_in} to edit in")
        system, prompt, schema = instructions(self._cli, ask)
        answer = self._cli.answer(
            row=self._row,
            mending=self._cli.mending,
            ask=ask,
            bill_api=self._bill_api,
            now=time.time(),
            schema_native=schema is not None,
        )
        with tempfile.TemporaryDirectory(prefix="delegate-", ignore_cleanup_errors=True) as folder:
            scratch = Path(folder)
            # An empty directory: the CLIs put what they find around them into the request.
            work = ask.edit_in or scratch / "work"
            work.mkdir(exist_ok=True)
            edit = ask.edit_in is not None
            call = CliCall(model=ask.model, system=system, schema=schema, edit=edit, scratch=scratch)
            report(0)
            process = await self._start(program, call, work)
            code = 0
            try:
                with in_time:
                    code = await _converse(process, prompt.encode("utf-8", "replace"), answer, report, self._grace_s)
            finally:
                grace_s = min(self._grace_s, _LAST_GRACE_S) if in_time.cancelled_caught else self._grace_s
                await end_process(process, grace_s)
        if in_time.cancelled_caught:
            text = f"{self._row.title}: not done after {ask.deadline_s:.0f} s"
            raise ProviderError(ErrorKind.TIMEOUT, text, usage=answer.used())
        return answer.completion(code)

    async def list_models(self) -> tuple[ListedModel, ...]:
        """The names that the CLI takes for its models."""
        self._program()
        return tuple(ListedModel(model=model) for model in self._cli.models)

    async def aclose(self) -> None:
        """Nothing is kept between calls."""

    def _program(self) -> tuple[str, ...]:
        program = find_program(self._command, self._environ)
        if program is None:
            raise self._unusable(f"{self._row.title} is not installed (`{self._command}` is not on PATH)")
        return program

    async def _start(self, program: tuple[str, ...], call: CliCall, work: Path) -> Process:
        env = environment(self._cli, self._row, call, self._environ, bill_api=self._bill_api)
        try:
            return await start_process([*program, *self._cli.argv(call)], env=env, cwd=work)
        except OSError as error:
            raise self._unusable(f"{self._row.title} cannot be started ({error.strerror})") from error

    def _unusable(self, what: str) -> ProviderError:
        text = f"{what}: install it with `{self._cli.mending.install}`, or correct providers.{self.name}.command"
        return ProviderError(ErrorKind.AUTH, text)


async def _converse(process: Process, prompt: bytes, answer: CliAnswer, report: Report, grace_s: float) -> int:
    """Write the prompt and read both outputs until the process has ended; its exit code."""
    failures: list[ProviderError] = []
    code = 0

    def taken(line: bytes) -> None:
        answer.line(line)
        report(answer.tokens)

    async with anyio.create_task_group() as tasks:

        async def read(stream: ByteReceiveStream | None, take: Callable[[bytes], None]) -> None:
            try:
                await _each_line(stream, take)
            except ProviderError as failure:
                failures.append(failure)
                tasks.cancel_scope.cancel()

        tasks.start_soon(read, process.stdout, taken)
        tasks.start_soon(read, process.stderr, answer.log_line)
        tasks.start_soon(_write, process, prompt)
        code = await process.wait()
        await end_group(process, grace_s)  # what it left behind would hold its pipes open
        tasks.cancel_scope.deadline = anyio.current_time() + _DRAIN_S
    if failures:
        raise failures[0]
    return code


async def _write(process: Process, prompt: bytes) -> None:
    """Stdin is closed in any case: a CLI waits for its end."""
    if process.stdin is None:
        return
    try:
        await process.stdin.send(prompt)
        await process.stdin.aclose()
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        pass  # it ended without reading all; its answer says why


async def _each_line(stream: ByteReceiveStream | None, take: Callable[[bytes], None]) -> None:
    """Give each line to `take`; a last one without its end too."""
    held: list[bytes] = []
    size = total = 0
    async for chunk in stream or ():  # pyright: ignore[reportGeneralTypeIssues]
        total += len(chunk)
        *whole, rest = chunk.split(b"\n")
        for piece in whole:
            take(b"".join((*held, piece)))
            held, size = [], 0
        held.append(rest)
        size += len(rest)
        if size > _LONGEST_LINE or total > _MOST_BYTES:
            raise ProviderError.bad_answer("the CLI wrote more than an answer can hold")
    if size:
        take(b"".join(held))
