"""Calls under way in this process: one task each, which outlives the host's patience but not its cancel."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import anyio
from anyio.abc import TaskGroup

from delegate_mcp.domain.errors import DelegateError

T = TypeVar("T")


@dataclass(slots=True)
class Progress:
    """How far a call is: only ever grows, as the protocol asks."""

    tokens: int = 0
    label: str = ""
    ticks: int = 0

    @property
    def message(self) -> str:
        """What a person reads of it."""
        return f"{self.label}: {self.tokens} tokens" if self.tokens else self.label

    def tell(self, label: str, tokens: int) -> None:
        """Note who writes and how much is written."""
        if label != self.label or tokens != self.tokens:
            self.label, self.tokens = label, tokens
            self.ticks += 1


@dataclass(slots=True, eq=False)
class RunningCall(Generic[T]):
    """One call's task."""

    call_id: str
    progress: Progress = field(default_factory=Progress)
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    done: anyio.Event = field(default_factory=anyio.Event)
    result: T | None = None
    error: BaseException | None = None

    def outcome(self) -> T:
        """The result of a call that is done; raises its error."""
        if self.error is not None:
            raise self.error
        if self.result is None:
            raise DelegateError(f"Call {self.call_id} was cancelled; nothing more will come of it.")
        return self.result


@dataclass(slots=True, eq=False)
class Calls(Generic[T]):
    """The calls of this process by id."""

    tasks: TaskGroup
    running: dict[str, RunningCall[T]] = field(default_factory=dict[str, "RunningCall[T]"])

    def start(self, call_id: str, work: Callable[[RunningCall[T]], Awaitable[T]]) -> RunningCall[T]:
        """Begin a call in the background."""
        call: RunningCall[T] = RunningCall(call_id)
        self.running[call_id] = call

        async def run() -> None:
            try:
                with call.scope:
                    call.result = await work(call)
            except Exception as error:  # noqa: BLE001 - handed to whoever waits for the call
                call.error = error
            finally:
                call.done.set()
                del self.running[call_id]

        self.tasks.start_soon(run, name=f"call {call_id}")
        return call

    async def end(self) -> None:
        """Cancel every call under way and wait until it has settled its records."""
        under_way = tuple(self.running.values())
        for call in under_way:
            call.scope.cancel()
        for call in under_way:
            await call.done.wait()
