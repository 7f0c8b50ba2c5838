"""The one way from a plan to an answer that is what the caller asked for."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from delegate_mcp.answering.accepting import accepts, canonical
from delegate_mcp.answering.long_reading import LongReading
from delegate_mcp.answering.mending import Mending
from delegate_mcp.dispatch.attempt import Keep
from delegate_mcp.dispatch.dispatcher import Dispatcher
from delegate_mcp.dispatch.panel import Panel
from delegate_mcp.dispatch.turn import Course
from delegate_mcp.domain.brief import Brief
from delegate_mcp.domain.errors import AllAttemptsFailedError, ErrorKind
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.outcome import Completion, Outcome
from delegate_mcp.domain.plan import RoutePlan
from delegate_mcp.domain.request import DelegateRequest
from delegate_mcp.routing.nobody import require_candidates


@dataclass(frozen=True, slots=True, kw_only=True)
class Answerer:
    """Has calls answered."""

    dispatcher: Dispatcher
    mending: Mending
    long: LongReading

    def course(
        self,
        call_id: str,
        request: DelegateRequest,
        brief: Brief,
        *,
        private: bool,
        progress: Callable[[str, int], None],
        keep: Keep | None = None,
    ) -> Course:
        """The call as it begins; its brief is private where its plan is. `keep` has the answer before it is settled."""
        brief = replace(brief, private=private)
        course = self.dispatcher.course(
            call_id, brief, private=private, on_limit=request.on_limit, accept=accepts(brief), progress=progress
        )
        if keep is not None:
            course.keep = _whole(keep, brief)
        return course

    async def answer(self, course: Course, request: DelegateRequest, plan: RoutePlan) -> Outcome:
        """The answer and all that was asked on the way to it; raises as the dispatcher does.

        NoCandidateError where the plan has nobody to ask, and it is not for the length of the brief.
        """
        if plan.candidates:
            outcome = await self._asked(course, request, plan)
        else:
            outcome = await self.long.answer(course, request, plan, self._once)
            if outcome is None:
                require_candidates(plan, await self.long.known())
                raise self.dispatcher.failure(course, plan)
        return replace(outcome, completion=canonical(outcome.completion, course.brief))

    async def _asked(self, course: Course, request: DelegateRequest, plan: RoutePlan) -> Outcome:
        try:
            return await self._once(course, request, plan)
        except AllAttemptsFailedError as error:
            if course.stopped or all(attempt.error_kind is not ErrorKind.TOO_LARGE for attempt in error.attempts):
                raise
            # A service that takes less than was known of it.
            read = course.brief.input_tokens
            outcome = await self.long.answer(course, request, plan, self._once, refused=read)
            if outcome is None:
                raise
            return outcome

    async def _once(self, course: Course, request: DelegateRequest, plan: RoutePlan) -> Outcome:
        votes = max(request.votes, 1 if request.edit or request.edit_in else plan.votes)
        if votes > 1:
            return await Panel(self.dispatcher).run(course, plan, votes)
        if course.brief.json_schema is not None:
            return await self.mending.run(course, request, plan)
        return await self.dispatcher.run(course, plan)


def _whole(keep: Keep, brief: Brief) -> Keep:
    """Keeps an answer as the caller gets it."""

    async def keep_whole(who: ModelId, completion: Completion) -> None:
        await keep(who, canonical(completion, brief))

    return keep_whole
