"""Asks a fast model what kind of work a prompt is, where its signs leave that open and the settings allow it."""

from collections import OrderedDict
from dataclasses import dataclass, field

from delegate_mcp.answering.asides import Asides
from delegate_mcp.dispatch.turn import Course
from delegate_mcp.domain.brief import Brief
from delegate_mcp.routing.asking import ANSWER_TOKENS, Asking, answered, kept_key, question, worth_asking
from delegate_mcp.routing.classifier import Classification, classify

TASK_TYPE = "classification"
_SECONDS = 5.0
"""The signs are there already: a call does not wait longer for a better word."""
_KEPT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Classifying:
    """Knows better what the work is; remembers what it was told."""

    asides: Asides
    asking: Asking
    kept: OrderedDict[str, str] = field(default_factory=OrderedDict[str, str])
    """Answers by the question, the oldest first."""

    async def found(self, course: Course, brief: Brief) -> Classification | None:
        """What a model says; None: it was not asked, or said nothing of use, and the signs decide."""
        if self.asking == "never" or course.brief.private:
            return None
        first = classify(
            brief.prompt,
            [sent.path for sent in brief.files],
            schema=brief.json_schema is not None,
            input_tokens=brief.input_tokens,
        )
        if not worth_asking(first, self.asking):
            return None
        asked = question(brief.prompt, self.asides.rules)
        key = kept_key(asked)
        if key not in self.kept:
            course.progress("finding out what kind of work it is", 0)
            told = await self.asides.ask(
                course, asked, task_type=TASK_TYPE, max_output_tokens=ANSWER_TOKENS, demo=False, seconds=_SECONDS
            )
            if told is None:
                return None
            self.kept[key] = told.text
            while len(self.kept) > _KEPT:
                self.kept.popitem(last=False)
        return answered(self.kept[key], first)
