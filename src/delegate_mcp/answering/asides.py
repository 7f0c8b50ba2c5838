"""Questions of our own within a call: a free model condenses, judges or mends, and the director pays for none of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

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
    ) -> Completion | None:
        """The answer of the first model that costs nothing by the token; None: nobody answered, the call goes on."""
        brief = Brief(
            messages=(Message("user", text),),
            prompt=text,
            input_tokens=estimate_tokens(text),
            private=course.brief.private,
        )
        asked = DelegateRequest(prompt=text, task_type=task_type)
        plan = draft(brief, asked, rules=self.rules, known=await self.known())
        candidates = [_within(row, max_output_tokens) for row in plan.candidates if row.tier != "paid"]
        own = replace(course, brief=brief, on_limit="degrade", accept=accept, turned_away=[], stopped=False)
        found = await self.dispatcher.first(own, candidates)
        return None if found is None else found[1]


def _within(candidate: Candidate, ceiling: int | None) -> Candidate:
    if ceiling is None or ceiling >= candidate.options.max_output_tokens:
        return candidate
    return replace(candidate, options=replace(candidate.options, max_output_tokens=ceiling))
