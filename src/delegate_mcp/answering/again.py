"""A model is asked once more, with what was wrong with its answer; where it cannot be, another that costs nothing."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from delegate_mcp.answering.accepting import canonical
from delegate_mcp.dispatch.dispatcher import Dispatcher
from delegate_mcp.dispatch.turn import Course
from delegate_mcp.domain.brief import Brief, Message
from delegate_mcp.domain.errors import ErrorKind
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.outcome import Completion
from delegate_mcp.domain.plan import Candidate, RoutePlan
from delegate_mcp.domain.request import DelegateRequest
from delegate_mcp.domain.usage import estimate_tokens
from delegate_mcp.routing.known import Known
from delegate_mcp.routing.planner import draft
from delegate_mcp.routing.rules import Rules

_LEAST_TOKENS = 1_024
_LEFT_OUT = "(Your answer, which is left out here.)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Asks again, as attempts of the same call: within its deadline, in its record, as private as it is."""

    dispatcher: Dispatcher
    rules: Rules
    known: Callable[[], Awaitable[Known]]

    async def ask(
        self,
        course: Course,
        request: DelegateRequest,
        plan: RoutePlan,
        *,
        who: ModelId,
        said: Completion,
        problem: str,
        others_first: bool = False,
    ) -> tuple[Candidate, Completion] | None:
        """The next answer, of the one that said it or of others; None: nobody answers.

        What was said is left out where it makes the whole too long for all of them. Where nobody has room now, one is
        waited for: what was done so far would else be lost.
        """
        asked = replace(request, task_type=plan.task_type, on_limit="wait")  # who has no room now may have it in time
        known = await self.known()
        for before in (said.text, _LEFT_OUT):
            brief = _followed(course.brief, before, problem)
            found = draft(brief, asked, rules=self.rules, known=known).candidates
            candidates = [_as_long(row, said) for row in _ordered(found, who, others_first=others_first)]
            if candidates:
                break
        else:
            return None
        own = replace(course, brief=brief, turned_away=[], stopped=False)
        asked_before = len(course.attempts)
        answered = await self.dispatcher.first(own, candidates)
        limited = own.turned_away or any(
            attempt.error_kind is ErrorKind.RATE_LIMITED for attempt in course.attempts[asked_before:]
        )
        if answered is None and limited and not own.stopped and course.on_limit == "degrade":
            waiting = replace(own, on_limit="wait", turned_away=[])
            answered = await self.dispatcher.first(waiting, candidates)
        return None if answered is None else (answered[0], canonical(answered[1], brief))


def _ordered(candidates: Sequence[Candidate], who: ModelId, *, others_first: bool) -> list[Candidate]:
    """Those that cost nothing by the token, and who was asked before, whatever it costs."""
    able = [row for row in candidates if row.tier != "paid" or row.model_id == who]
    return sorted(able, key=lambda row: (row.model_id == who) is others_first)


def _as_long(candidate: Candidate, said: Completion) -> Candidate:
    """With room for an answer like the last and as much again: a first answer's would be a whole minute's allowance."""
    if said.finish_reason == "length":
        return candidate
    tokens = max(_LEAST_TOKENS, 2 * max(said.usage.output_tokens, estimate_tokens(said.text)))
    ceiling = min(tokens, candidate.options.max_output_tokens)
    return replace(candidate, options=replace(candidate.options, max_output_tokens=ceiling))


def _followed(brief: Brief, said: str, problem: str) -> Brief:
    """The talk as it goes on."""
    more = (Message("assistant", said), Message("user", problem))
    tokens = sum(estimate_tokens(message.text) for message in more)
    return replace(brief, messages=(*brief.messages, *more), input_tokens=brief.input_tokens + tokens)
