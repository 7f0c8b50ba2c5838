"""What ended calls show is written down beside them, and read again every few seconds at most.

Nobody waits for it: an answer is delivered first, and a ledger that cannot take a lesson costs no call.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from math import inf

import anyio
from anyio.abc import TaskGroup

from delegate_mcp.dispatch.clock import Clock
from delegate_mcp.dispatch.turn import Course
from delegate_mcp.domain.errors import LedgerError
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.standing import Standing, Standings, Verdict
from delegate_mcp.ledger.base import Ledger
from delegate_mcp.routing.equals import Experience, LearningMode
from delegate_mcp.routing.evidence import Ended, pieces_of

READ_EVERY_S = 5.0
"""What other processes have learned is known here after so long."""
logger = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True, eq=False)
class Lessons:
    """Of this process."""

    ledger: Ledger
    clock: Clock
    tasks: TaskGroup
    mode: LearningMode
    seed: int | None
    deadline_s: float
    """Of a call."""
    _standings: Standings = field(default_factory=dict[tuple[ModelId, str], Standing])
    _read_at: float = -inf
    _under_way: int = 0
    _written: anyio.Event = field(default_factory=anyio.Event)

    async def experience(self) -> Experience:
        """What use has taught, as of a few seconds ago."""
        if self.mode != "off" and self.clock.steady() - self._read_at >= READ_EVERY_S:
            self._read_at = self.clock.steady()  # who plans meanwhile goes by what was known before
            self._standings = await self.ledger.standings()
        return Experience(mode=self.mode, standings=self._standings, seed=self.seed)

    def ended(self, course: Course, task_type: str) -> None:
        """Learn from a call that is over, beside what goes on."""
        call = Ended(
            task_type=task_type,
            attempts=course.attempts,
            deadline_s=self.deadline_s,
            schema=course.brief.json_schema is not None,
            proved=course.proved,
        )
        pieces = pieces_of(call)
        if pieces and self.mode != "off":
            self._soon(partial(self.ledger.learn, course.call_id, pieces, self.clock.now()))

    def judged(self, call_id: str, verdict: Verdict) -> None:
        """Learn what the director says of an earlier call, beside what goes on."""
        self._soon(partial(self.ledger.judge, call_id, verdict, "", self.clock.now()))

    async def written(self) -> None:
        """Wait until all of it is in the ledger."""
        while self._under_way:
            await self._written.wait()

    def _soon(self, write: Callable[[], Awaitable[object]]) -> None:
        self._under_way += 1
        self.tasks.start_soon(self._write, write)

    async def _write(self, write: Callable[[], Awaitable[object]]) -> None:
        try:
            with anyio.CancelScope(shield=True):
                await write()
        except LedgerError as error:
            logger.warning("What a call has shown was not kept: %s", error)
        finally:
            self._under_way -= 1
            self._read_at = -inf
            self._written.set()
            self._written = anyio.Event()
