"""An answer that is not the JSON that was asked for is asked for again, with what is wrong with it, at most twice."""

from dataclasses import dataclass, replace

from delegate_mcp.answering.accepting import CUT
from delegate_mcp.answering.again import Again
from delegate_mcp.dispatch.turn import Course, TurnedBack
from delegate_mcp.domain.outcome import Outcome
from delegate_mcp.domain.plan import RoutePlan
from delegate_mcp.domain.request import DelegateRequest

MENDS = 2


@dataclass(frozen=True, slots=True)
class Mending:
    """Asks as the dispatcher does, and again."""

    again: Again

    async def run(self, course: Course, request: DelegateRequest, plan: RoutePlan) -> Outcome:
        """The first answer that can be used; raises as the dispatcher does."""
        dispatcher = self.again.dispatcher
        own = replace(course, turned_back=[])
        found = await dispatcher.first(own, plan.candidates)
        mends = 0
        while found is None and own.turned_back and mends < MENDS:
            last = own.turned_back.pop()
            own.turned_back.clear()
            mends += 1
            found = await self.again.ask(
                own,
                request,
                plan,
                who=last.who,
                said=last.completion,
                problem=_told(last),
                # Who writes too much once writes too much again; and who missed it twice may do so a third time.
                others_first=mends > 1 or last.problem == CUT,
            )
        if found is None:
            course.stopped = own.stopped
            raise dispatcher.failure(own, plan)
        return dispatcher.outcome(own, plan, *found)


def _told(last: TurnedBack) -> str:
    brief = " Write less of it." if last.problem == CUT else ""
    return f"Your answer cannot be used: {last.problem}.{brief} Answer again with the whole JSON alone."
