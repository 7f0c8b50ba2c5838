"""A thread that has grown long: a free model condenses its old turns, and what it wrote stands for them from then on.

It is made at the follow-up that needs it and kept beside the newest call that it stands for, for every process. Where
nobody can condense them, the oldest turns are dropped. The turns are those of the brief, which the privacy gate has
passed, and models of this machine alone see what is private.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from anyio import to_thread

from delegate_mcp.answering.asides import Asides
from delegate_mcp.answering.material import Piece, parts
from delegate_mcp.answering.sizes import FRAME_TOKENS
from delegate_mcp.delivery.untrusted import for_reader
from delegate_mcp.dispatch.turn import Course
from delegate_mcp.domain.brief import Brief, Message, OldTurns
from delegate_mcp.domain.cuts import head
from delegate_mcp.domain.errors import LedgerError
from delegate_mcp.domain.usage import estimate_tokens
from delegate_mcp.intake.thread import newest_within, stands_for
from delegate_mcp.ledger.results import CondensedTurns, ResultStore

logger = logging.getLogger(__name__)

TASK_TYPE = "compaction"
_SHARE, _LEAST_TOKENS, _MOST_TOKENS = 8, 200, 1_500
"""What may stand for the old turns: this part of a thread's tokens, within bounds."""
_OF_A_SMALL = 4
"""Of what a small model takes its notes are this part at most."""
_THOUGHTS = 512
"""A model that thinks first needs room for that too."""
_MOST_STEPS = 12
_FOR_THIS = 0.5
"""No more than this part of the call's time."""
_WORDS_A_TOKEN = 0.6

_STEP = """{notes}{text}

Above is {what} of a conversation that another model goes on with. Write the notes that it needs in place of all that, \
in at most {words} words: what was asked and answered, decisions, facts, names, numbers, files and lines, code that is \
still needed, what is open. Keep what the notes so far say. Nothing that is not above; no preamble."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compaction:
    """Condenses old turns."""

    asides: Asides
    store: ResultStore
    thread_tokens: int
    """Beyond this a thread is condensed."""

    @property
    def tokens(self) -> int:
        """What stands for old turns is so long at most."""
        return max(_LEAST_TOKENS, min(_MOST_TOKENS, self.thread_tokens // _SHARE))

    def expected(self, brief: Brief) -> Brief:
        """The brief as it will be about, for a plan before anything is condensed; never sent."""
        if brief.old_turns is None:
            return brief
        return self._with(brief, brief.old_turns, stands_for("word " * self.tokens))

    async def condensed(self, course: Course, brief: Brief) -> Brief:
        """The brief with its old turns condensed; where nobody could, without the oldest."""
        old = brief.old_turns
        if old is None:
            return brief
        messages = _turns(brief)[: old.messages]
        course.progress(f"condensing {old.calls} old turns", 0)
        found = await self._asked(course, messages)
        if found is None:
            return self._dropped(brief, old)
        text, model = found
        turns = CondensedTurns(
            call_id=old.newest,
            text=text,
            private=old.private or bool(brief.kept_here),
            turns=old.calls,
            model=model,
            saved_at=old.saved_at,
        )
        try:
            await to_thread.run_sync(self.store.write_condensed, turns)
        except LedgerError as error:  # the next follow-up condenses them anew
            logger.warning("%s", error)
        note = f"old turns condensed: {old.calls} turns up to {old.newest}, by {model}"
        return self._with(brief, old, stands_for(text), note)

    async def _asked(self, course: Course, messages: Sequence[Message]) -> tuple[str, str] | None:
        """The notes that stand for these turns, and who wrote them last; None: nobody did."""
        left = course.deadline - self.asides.dispatcher.turns.clock.steady()
        own = replace(course, deadline=course.deadline - left * (1 - _FOR_THIS))
        takes = await self.asides.room(own, TASK_TYPE)
        most = min(self.tokens, takes // _OF_A_SMALL)
        ceiling = most + _THOUGHTS if takes > _OF_A_SMALL * _THOUGHTS * 2 else most
        room = takes - ceiling - most - FRAME_TOKENS
        if room < _LEAST_TOKENS:
            return None
        pieces = [Piece("turn", message.role, message.text) for message in messages]
        steps = parts(pieces, room)
        if len(steps) > _MOST_STEPS:
            return None
        notes = ""
        for step in steps:
            question = _STEP.format(
                notes=f"Notes so far:\n{notes}\n\n" if notes else "",
                text=step.text,
                what="a part" if len(steps) > 1 else "the beginning",
                words=int(most * _WORDS_A_TOKEN),
            )
            answer = await self.asides.ask(own, question, task_type=TASK_TYPE, max_output_tokens=ceiling)
            if answer is None:
                return None
            notes = head(for_reader(answer.text).strip(), most)
        model = next(attempt.model_id for attempt in reversed(own.attempts) if attempt.outcome == "ok")
        return notes, str(model)

    def _dropped(self, brief: Brief, old: OldTurns) -> Brief:
        """Without the oldest turns; what stands for still older ones stays."""
        turns, stands = _turns(brief), 2 if old.condensed else 0
        kept = newest_within(turns[stands:], self.thread_tokens)
        gone = (len(turns) - stands - kept) // 2
        note = f"{gone} old turns dropped: the thread is over {self.thread_tokens} tokens, and nobody could condense it"
        whole = replace(old, messages=len(turns) - kept)
        return self._with(brief, whole, turns[:stands], note) if gone else replace(brief, old_turns=None)

    def _with(self, brief: Brief, old: OldTurns, instead: Sequence[Message], note: str = "") -> Brief:
        begin = len(brief.messages) - 1 - len(_turns(brief))
        messages = (*brief.messages[:begin], *instead, *brief.messages[begin + old.messages :])
        fewer = _tokens(brief.messages) - _tokens(messages)
        return replace(
            brief,
            messages=messages,
            input_tokens=brief.input_tokens - fewer,
            old_turns=None,
            notes=(*brief.notes, *([note] if note else ())),
        )


def _turns(brief: Brief) -> tuple[Message, ...]:
    """The messages between the system's and the newest."""
    begin = next((place for place, message in enumerate(brief.messages) if message.role != "system"), 0)
    return brief.messages[begin:-1]


def _tokens(messages: Sequence[Message]) -> int:
    return sum(
        estimate_tokens(message.text) + sum(image.tokens for image in message.images) + 4 for message in messages
    )
