"""The one way from a plan to an answer that is what the caller asked for."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from delegate_mcp.delivery.schema_check import parse_answer
from delegate_mcp.dispatch.attempt import Accept, anything
from delegate_mcp.dispatch.dispatcher import Dispatcher
from delegate_mcp.dispatch.panel import Panel
from delegate_mcp.dispatch.turn import Course
from delegate_mcp.domain.brief import Brief
from delegate_mcp.domain.outcome import Completion, Outcome
from delegate_mcp.domain.plan import RoutePlan
from delegate_mcp.domain.request import DelegateRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Answerer:
    """Has calls answered."""

    dispatcher: Dispatcher

    def course(
        self,
        call_id: str,
        request: DelegateRequest,
        brief: Brief,
        *,
        private: bool,
        progress: Callable[[str, int], None],
    ) -> Course:
        """The call as it begins."""
        return self.dispatcher.course(
            call_id, brief, private=private, on_limit=request.on_limit, accept=_accepts(brief), progress=progress
        )

    async def answer(self, course: Course, request: DelegateRequest, plan: RoutePlan) -> Outcome:
        """The answer and all that was asked on the way to it; raises as the dispatcher does."""
        if request.votes > 1:
            outcome = await Panel(self.dispatcher).run(course, plan, request.votes)
        else:
            outcome = await self.dispatcher.run(course, plan)
        return _canonical(outcome, course.brief)


def _accepts(brief: Brief) -> Accept:
    """Why an answer is none: JSON was asked for and did not come."""
    if brief.json_schema is None:
        return anything
    schema = brief.json_schema

    def problem(completion: Completion) -> str | None:
        found = parse_answer(completion.text, schema)[1]
        return "the JSON was cut at the output limit" if found and completion.finish_reason == "length" else found

    return problem


def _canonical(outcome: Outcome, brief: Brief) -> Outcome:
    """The outcome with its JSON alone, without fences or words around it."""
    if brief.json_schema is None:
        return outcome
    text, _ = parse_answer(outcome.completion.text, brief.json_schema)
    return replace(outcome, completion=replace(outcome.completion, text=text or outcome.completion.text))
