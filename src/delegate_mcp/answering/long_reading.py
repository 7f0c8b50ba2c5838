"""What is too long for every model is read in parts: each is reported on, and the reports together are the answer.

The parts end at natural borders and are asked about at once, over all models that take them; where the reports
themselves are too long, groups of them are condensed first. The parts and the answer are one call: its attempts, its
deadline, its record. What nobody read is told.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from anyio import to_thread

from delegate_mcp.answering import reports
from delegate_mcp.answering.lanes import Lanes
from delegate_mcp.answering.material import Material, Part, Piece, material, parts
from delegate_mcp.answering.sizes import FRAME_TOKENS, MOST_PARTS, Reader, in_time, part_size, readers, takes
from delegate_mcp.dispatch.dispatcher import Dispatcher
from delegate_mcp.dispatch.turn import Course
from delegate_mcp.domain.brief import TEMPLATE_TOKENS, Brief, Message
from delegate_mcp.domain.errors import AllAttemptsFailedError, NoCandidateError
from delegate_mcp.domain.outcome import Outcome, PartsRead
from delegate_mcp.domain.plan import RoutePlan
from delegate_mcp.domain.request import DelegateRequest, OnLimit
from delegate_mcp.domain.usage import estimate_tokens
from delegate_mcp.routing.classifier import classify
from delegate_mcp.routing.known import Known
from delegate_mcp.routing.planner import draft
from delegate_mcp.routing.rules import Rules

_FOR_PARTS = 0.8
"""This much of the time is for the parts, the rest for putting them together."""
_TASK_SHARE, _TASK_TOKENS = 4, 2_000
"""What is said of the task with each part: this part of what a model takes, and no more than so many tokens."""
_ANSWER_SHARE, _LEAST_ANSWER = 4, 512
"""What is left for the answer where the reports are put together."""
_LEAST_ROOM = 256
_TELL = "What to do: send fewer files, or only the lines that matter (app.py:10-80)"


Ask = Callable[[Course, DelegateRequest, RoutePlan], Awaitable[Outcome]]
"""Has a brief answered that somebody takes."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One long text, and who reads it."""

    material: Material
    parts: tuple[Part, ...]
    readers: tuple[Reader, ...]
    final: DelegateRequest
    """As their reports are put together."""
    room: int
    """Tokens of reports that are put together at once."""

    @property
    def ceiling(self) -> int:
        """Tokens of a report on a part at most."""
        return min(reader.report_tokens for reader in self.readers)

    @property
    def largest(self) -> int:
        """Tokens of the largest part."""
        return max(part.tokens for part in self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class LongReading:
    """Has long texts read."""

    dispatcher: Dispatcher
    rules: Rules
    known: Callable[[], Awaitable[Known]]

    async def answer(
        self, course: Course, request: DelegateRequest, plan: RoutePlan, ask: Ask, *, refused: int | None = None
    ) -> Outcome | None:
        """The answer from all parts, the last of it by `ask`; None: it is not its length that keeps models from it.

        `refused`: so many tokens were too many for models that should have taken them. NoCandidateError: it cannot be
        done in parts, or not in time; nothing was sent. AllAttemptsFailedError: nobody answered.
        """
        known = await self.known()
        reading = await to_thread.run_sync(partial(self._planned, course.brief, request, plan, known, refused))
        if reading is None:
            return None
        why, advice = self._why_not(course, request, reading, known)
        if why and refused is not None:
            return None
        if why:
            raise NoCandidateError(why, plan.passed_over, advice)
        found, unread = await self._read(course, reading)
        if not found:
            raise self.dispatcher.failure(course, plan)
        found = await self._condensed(course, reading, found)
        outcome = await self._together(course, plan, reading, found, unread=unread, ask=ask)
        told = (reports.note(len(reading.parts), unread), *outcome.completion.notes)
        read = PartsRead(len(reading.parts), tuple(part.told for part in unread))
        return replace(outcome, completion=replace(outcome.completion, notes=told), parts=read)

    # --- Who reads what ----------------------------------------------------------------------------------------------

    def _planned(
        self, brief: Brief, request: DelegateRequest, plan: RoutePlan, known: Known, refused: int | None
    ) -> Reading | None:
        kind = _kind(plan, brief)
        final = replace(request, task_type=kind, thread=None)
        of_parts = DelegateRequest(
            prompt=brief.prompt, task_type="summarization" if kind == "research" else kind, model=request.model
        )
        small = replace(brief, input_tokens=1)
        unseen = replace(small, messages=(Message("user", brief.prompt),))
        able = readers(self._draft(unseen, of_parts, known).candidates, known)
        last = self._draft(small, final, known).candidates
        if not able or not last:
            return None
        taken = material(brief, min(_TASK_TOKENS, min(reader.takes for reader in able) // _TASK_SHARE))
        total = sum(piece.tokens for piece in taken.pieces)
        size = part_size([reader.room(taken.said) for reader in able], total, None if refused is None else refused // 2)
        if size is None or total <= size:
            return None
        most = max(takes(row, known) for row in last)
        room = most - TEMPLATE_TOKENS - FRAME_TOKENS - estimate_tokens(taken.said)
        room -= max(_LEAST_ANSWER, most // _ANSWER_SHARE) + sum(image.tokens for image in brief.messages[-1].images)
        return Reading(
            taken,
            parts(taken.pieces, size),
            tuple(reader for reader in able if reader.room(taken.said) >= size),
            final,
            max(_LEAST_ROOM, room),
        )

    def _draft(self, brief: Brief, request: DelegateRequest, known: Known, on_limit: OnLimit = "wait") -> RoutePlan:
        return draft(brief, replace(request, on_limit=on_limit), rules=self.rules, known=known)

    def _why_not(self, course: Course, request: DelegateRequest, reading: Reading, known: Known) -> tuple[str, str]:
        """Why reading it in parts would lead to nothing, and what to do; empty: it may."""
        tokens, number = course.brief.input_tokens, len(reading.parts)
        whole = next((name for name in ("edit", "edit_in", "check") if getattr(request, name)), None)
        now = request.on_limit == "fail"
        seconds = 0.0 if now else self.dispatcher.turns.left(course) * _FOR_PARTS
        with_task = reading.largest + estimate_tokens(reading.material.said)
        why = more = ""
        if whole is not None:
            why = f"the most that fits is about {reading.largest:,}, and `{whole}` cannot be done in parts"
        elif number > MOST_PARTS:
            why = f"they would be {number:,} parts, and no more than {MOST_PARTS} are read"
        elif (admitted := in_time(reading.readers, with_task, known, seconds)) < number:
            when = "now" if now else "in the time of a call"
            why = f"of their {number} parts the limits admit {int(admitted)} {when}"
            more = "; or call with on_limit=wait" if now else "; or raise calls.deadline_s"
        told = f"{tokens:,} tokens are too long for any model that may take this call: {why}. Nothing was sent."
        return (told, f"{_TELL}{more}.") if why else ("", "")

    # --- Reading, and putting together --------------------------------------------------------------------------------

    async def _read(self, course: Course, reading: Reading) -> tuple[list[Piece], list[Part]]:
        """The reports on all parts, and the parts that nobody reported on."""
        taken, total = reading.material, len(reading.parts)
        words = reports.words(reading.room, total, reading.ceiling)
        lanes = self._lanes(course, reading, lambda part: reports.about_part(taken, part, total, words))
        unread = await lanes.ask(reading.parts, reading.readers)
        if lanes.stopped:
            course.stopped = True
            return [], unread
        return reports.in_order((part, completion.text) for part, completion in lanes.answered), unread

    async def _condensed(self, course: Course, reading: Reading, found: list[Piece]) -> list[Piece]:
        """The reports, so few and so short that one model reads them all."""
        taken, words = reading.material, reports.words(reading.room, 2, reading.ceiling)
        while sum(row.tokens for row in found) > reading.room:
            groups = reports.grouped(found, min(reader.room(taken.said) for reader in reading.readers))
            if len(groups) == len(found) or course.stopped:
                return reports.shortened(found, reading.room)
            lanes = self._lanes(course, reading, lambda group: reports.about_group(taken, group, words))
            course.progress(f"putting {len(found)} reports together", 0)
            missing = await lanes.ask(groups, reading.readers)
            course.stopped = lanes.stopped
            answers = [(part, completion.text) for part, completion in lanes.answered]
            answers += [(part, reports.as_one(part, reading.ceiling).text) for part in missing]
            found = reports.in_order(answers)
        return found

    def _lanes(self, course: Course, reading: Reading, text_of: Callable[[Part], str]) -> Lanes:
        left = self.dispatcher.turns.left(course)
        own = replace(course, deadline=course.deadline - left * (1 - _FOR_PARTS), keep=None)
        return Lanes(
            dispatcher=self.dispatcher,
            course=own,
            brief_of=lambda part: reports.brief(course.brief, reading.material, text_of(part)),
        )

    async def _together(
        self,
        course: Course,
        plan: RoutePlan,
        reading: Reading,
        found: Sequence[Piece],
        *,
        unread: Sequence[Part],
        ask: Ask,
    ) -> Outcome:
        """The answer from the reports, by who would answer a call of that length."""
        text = reports.about_all(reading.material, found, len(reading.parts), unread)
        brief = reports.brief(course.brief, reading.material, text, last=True)
        course.progress("putting the parts together", 0)
        known = await self.known()
        # Who has room now, first; else the parts themselves may have taken it all, and it comes again.
        ways: tuple[OnLimit, ...] = ("degrade", "wait") if course.on_limit == "degrade" else (course.on_limit,)
        for on_limit in ways:
            last = self._draft(brief, reading.final, known, on_limit)
            if not last.candidates:
                continue
            try:
                return await ask(replace(course, brief=brief, on_limit=on_limit, stopped=False), reading.final, last)
            except (AllAttemptsFailedError, NoCandidateError):
                if on_limit == ways[-1]:
                    raise
        raise self.dispatcher.failure(course, plan)


def _kind(plan: RoutePlan, brief: Brief) -> str:
    """The work, whatever its length: a long text in parts is long no more."""
    if plan.task_type != "long_context":
        return plan.task_type
    found = classify(brief.prompt, [sent.path for sent in brief.files]).task_type
    return "summarization" if found in ("long_context", "private") else found
