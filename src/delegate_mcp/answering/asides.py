"""Questions of our own within a call: a free model condenses, judges or mends, and the director pays for none of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from delegate_mcp.answering.sizes import takes
from delegate_mcp.dispatch.attempt import Accept, anything
from delegate_mcp.dispatch.dispatcher import Dispatcher
from delegate_mcp.dispatch.turn import Course
from delegate_mcp.domain.brief import Brief, Message
from delegate_mcp.domain.outcome import Completion
from delegate_mcp.domain.plan import Candidate
from delegate_mcp.domain.request import DelegateRequest
from delegate_mcp.domain.usage import estimate_tokens
from delegate_mcp.routing.known import Known
from delegate_mcp.routing.planner import draft
from delegate_mcp.routing.rules import Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Asides:
    """Asks them, as attempts of the call that they serve: within its deadline, in its record, as private as it is."""

    dispatcher: Dispatcher
    rules: Rules
    known: Callable[[], Awaitable[Known]]

    async def ask(
        self,
        course: Course,
        text: str,
        *,
        task_type: str,
        accept: Accept = anything,
        max_output_tokens: int | None = None,
        demo: bool = True,
        seconds: float | None = None,
    ) -> Completion | None:
        """The answer of the first model that costs nothing by the token; None: nobody answered, the call goes on.

        `demo`: the demonstration model will do, where nothing else is set up. `seconds`: no longer than that.
        """
        brief = _brief(course, text)
        candidates = [_within(row, max_output_tokens) for row in self._candidates(brief, task_type, await self.known())]
        if not demo:
            candidates = [row for row in candidates if not row.demo]
        own = course.question(brief, accept)
        if seconds is not None:
            own.deadline = min(course.deadline, self.dispatcher.turns.clock.steady() + seconds)
        found = await self.dispatcher.first(own, candidates)
        return None if found is None else found[1]

    async def room(self, course: Course, task_type: str) -> int:
        """Tokens of a question with its answer that a model takes which may be asked; 0: none may."""
        known = await self.known()
        return max((takes(row, known) for row in self._candidates(_brief(course, ""), task_type, known)), default=0)

    def _candidates(self, brief: Brief, task_type: str, known: Known) -> list[Candidate]:
        plan = draft(brief, DelegateRequest(prompt=brief.prompt, task_type=task_type), rules=self.rules, known=known)
        return [row for row in plan.candidates if row.tier != "paid"]


def _brief(course: Course, text: str) -> Brief:
    return Brief(
        messages=(Message("user", text),),
        prompt=text,
        input_tokens=estimate_tokens(text),
        private=course.brief.private,
    )


def _within(candidate: Candidate, ceiling: int | None) -> Candidate:
    if ceiling is None or ceiling >= candidate.options.max_output_tokens:
        return candidate
    return replace(candidate, options=replace(candidate.options, max_output_tokens=ceiling))
