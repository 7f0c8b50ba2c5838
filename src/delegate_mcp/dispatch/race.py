"""Two candidates side by side: the second starts where the first one's first token is late; who speaks first stays."""

from collections import deque
from dataclasses import dataclass, field

import anyio
from anyio.abc import TaskGroup

from delegate_mcp.dispatch.turn import Course, Turns
from delegate_mcp.domain.outcome import Completion
from delegate_mcp.domain.plan import Candidate


@dataclass(slots=True, eq=False)
class Runner:
    """One candidate in the race."""

    candidate: Candidate
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    completion: Completion | None = None
    spoke: bool = False
    ended: bool = False


class Race:
    """One race of one call."""

    def __init__(self, turns: Turns, course: Course, tasks: TaskGroup) -> None:
        self._turns = turns
        self._course = course
        self._tasks = tasks
        self._runners: list[Runner] = []
        self._moved = anyio.Event()

    def start(self, candidate: Candidate) -> Runner:
        """Give a candidate its turn beside those that run."""
        runner = Runner(candidate)
        self._runners.append(runner)
        self._tasks.start_soon(self._run, runner)
        return runner

    async def first_sign(self, runner: Runner, within_s: float) -> bool:
        """Whether the runner spoke or ended within that time."""
        with anyio.move_on_after(within_s):
            while not (runner.spoke or runner.ended):
                await self._move()
        return runner.spoke or runner.ended

    async def finish(self, waiting: deque[Candidate]) -> Runner | None:
        """The runner that answered, or None. Who was stopped for another that then failed goes back into `waiting`."""
        stopped: list[Runner] = []
        while not all(runner.ended for runner in self._runners):
            speaking = next((runner for runner in self._runners if runner.spoke or runner.completion), None)
            if speaking is not None:
                late = [runner for runner in self._runners if runner is not speaking and runner not in stopped]
                for runner in late:
                    runner.scope.cancel()
                stopped += late
            await self._move()
        winner = next((runner for runner in self._runners if runner.completion is not None), None)
        if winner is None:
            waiting.extendleft(runner.candidate for runner in stopped)
        return winner

    async def _run(self, runner: Runner) -> None:
        def spoke() -> None:
            if not runner.spoke:
                runner.spoke = True
                self._tell()

        with runner.scope:
            runner.completion = await self._turns.take(self._course, runner.candidate, spoke)
        runner.ended = True
        self._tell()

    async def _move(self) -> None:
        await self._moved.wait()

    def _tell(self) -> None:
        self._moved.set()
        self._moved = anyio.Event()
