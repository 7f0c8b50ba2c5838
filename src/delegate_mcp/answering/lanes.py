"""Many questions of one call asked at once, over all models that take them: a lane a model, one queue for all.

A model that has no room gives its question back and waits for its minute to end, so that another may take it. What one
model cannot answer another is asked; what nobody can is left out.
"""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import anyio

from delegate_mcp.answering.material import Part, halves
from delegate_mcp.answering.sizes import Reader
from delegate_mcp.dispatch.dispatcher import Dispatcher, nobody_listens
from delegate_mcp.dispatch.turn import LEAST_TIME_S, Course
from delegate_mcp.domain.brief import Brief
from delegate_mcp.domain.errors import ErrorKind
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.outcome import Completion

AT_ONCE = {"local": 2, "free": 4, "subscription": 2, "paid": 4}
"""Questions to one model at once, by its tier."""
_TRIES = 2
"""So often a model is asked the same."""
_STRIKES = 3
"""A model that fails so often in a row is asked nothing more."""
_LASTING = {ErrorKind.AUTH, ErrorKind.MODEL_GONE}
_LOOK_AGAIN_S = 1.0


@dataclass(slots=True, eq=False)
class Lanes:
    """The questions about the parts of one text, on their way."""

    dispatcher: Dispatcher
    course: Course
    brief_of: Callable[[Part], Brief]
    answered: list[tuple[Part, Completion]] = field(default_factory=list[tuple[Part, Completion]])
    stopped: bool = False
    """Nothing more is to be asked: at a limit where the caller wanted that, or since our request is wrong."""
    _pending: deque[Part] = field(default_factory=deque[Part])
    _at_work: int = 0
    _tries: Counter[tuple[Part, ModelId]] = field(default_factory=Counter[tuple[Part, ModelId]])
    _strikes: Counter[ModelId] = field(default_factory=Counter[ModelId])
    _changed: anyio.Event = field(default_factory=anyio.Event)

    async def ask(self, parts: Sequence[Part], readers: Sequence[Reader]) -> list[Part]:
        """Have all of them answered, into `answered`; the parts that nobody has read."""
        self._pending.extend(parts)
        total = len(parts)
        async with anyio.create_task_group() as tasks:

            async def lane(reader: Reader) -> None:
                await self._lane(reader, total)
                if not (self._pending or self._at_work):
                    tasks.cancel_scope.cancel()  # who waits for room waits for nothing

            for place in range(min(total, max(AT_ONCE.values()))):  # each model one, then each a second
                for reader in readers:
                    if place < AT_ONCE[reader.candidate.tier]:
                        tasks.start_soon(lane, reader)
        return list(self._pending)

    async def _lane(self, reader: Reader, total: int) -> None:
        patient = False
        while (part := await self._next(reader)) is not None:
            own = self._own(part, total, patient=patient)
            if await self._take(reader, part, own):
                patient = False
            elif own.turned_away or _kind(own) in (None, ErrorKind.RATE_LIMITED):
                self._pending.appendleft(part)
                self._wake()
                if not await self._waited(own):
                    return
                patient = bool(own.turned_away)
            elif not self._halved(part, own):
                self._failed(part, reader, own)

    def _own(self, part: Part, total: int, *, patient: bool) -> Course:
        """The call as this question goes its way; in line for room only after a first wait for it.

        Else the question would wait there while another model has room.
        """

        def tell(_: str, __: int) -> None:
            self._tell(total)

        return replace(
            self.course.question(self.brief_of(part)),
            on_limit="wait" if patient else "degrade",
            progress=tell,
            attempts=[],
        )

    async def _take(self, reader: Reader, part: Part, own: Course) -> bool:
        self._at_work += 1
        own.progress("", 0)
        try:
            completion = await self.dispatcher.turns.take(own, reader.asked, nobody_listens)
        finally:
            self._at_work -= 1
            self.course.attempts.extend(own.attempts)
        if completion is not None:
            self.answered.append((part, completion))
            self._strikes[reader.candidate.model_id] = 0
            self._wake()
        return completion is not None

    async def _next(self, reader: Reader) -> Part | None:
        """A part that this model has not failed at; None: there is none, or no time."""
        model_id = reader.candidate.model_id
        while (
            not self.stopped
            and self._strikes[model_id] < _STRIKES
            and self.dispatcher.turns.left(self.course) > LEAST_TIME_S
        ):
            for part in self._pending:
                if self._tries[part, model_id] < _TRIES:
                    self._pending.remove(part)
                    return part
            if not self._at_work:
                return None
            await self._changed.wait()
        return None

    async def _waited(self, own: Course) -> bool:
        """Wait until the model has room again; False: it never has, or not in time, or nobody is to wait."""
        if self.course.on_limit == "fail":
            self.stopped = True
            self.course.turned_away.extend(own.turned_away)
            self._wake()
            return False
        if not own.turned_away:
            return True  # a refusal of the service: the ledger now knows until when
        refused = own.turned_away[-1]
        clock = self.dispatcher.turns.clock
        seconds = _LOOK_AGAIN_S if refused.until is None else max(0.0, refused.until - clock.now())
        if not refused.temporary or seconds >= self.dispatcher.turns.left(self.course):
            return False
        await clock.sleep(seconds)
        return True

    def _halved(self, part: Part, own: Course) -> bool:
        """Whether the part was too large after all, and is now asked about in pieces."""
        smaller = halves(part) if _kind(own) is ErrorKind.TOO_LARGE else ()
        self._pending.extendleft(reversed(smaller))
        self._wake()
        return bool(smaller)

    def _failed(self, part: Part, reader: Reader, own: Course) -> None:
        self.stopped = self.stopped or own.stopped
        self._tries[part, reader.candidate.model_id] += 1
        self._strikes[reader.candidate.model_id] += _STRIKES if _kind(own) in _LASTING else 1
        self._pending.append(part)
        self._wake()

    def _tell(self, total: int) -> None:
        done = len({part.number for part, _ in self.answered})
        self.course.progress(f"part {min(done + 1, total)} of {total}", 0)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


def _kind(own: Course) -> ErrorKind | None:
    """Why its last attempt failed."""
    return own.attempts[-1].error_kind if own.attempts else None
