"""What is found out before a call's candidates are asked, and the plan that follows from it.

Old turns of a thread are condensed, the kind of work is asked for where its signs are unsure, and material is read
first where the rule wants it. Without a need brief and plan stay as they are.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from delegate_mcp.answering.classifying import Classifying
from delegate_mcp.answering.compaction import Compaction
from delegate_mcp.answering.gathering import Gatherer
from delegate_mcp.dispatch.turn import Course
from delegate_mcp.domain.brief import Brief
from delegate_mcp.domain.plan import RoutePlan
from delegate_mcp.domain.request import AUTO, DelegateRequest
from delegate_mcp.routing.classifier import Classification
from delegate_mcp.routing.known import Known
from delegate_mcp.routing.planner import draft
from delegate_mcp.routing.rules import Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Informing:
    """Makes a call's brief and plan what they can be."""

    compaction: Compaction
    classifying: Classifying
    gatherer: Gatherer
    rules: Rules
    known: Callable[[], Awaitable[Known]]

    def expected(self, brief: Brief) -> Brief:
        """The brief as it will be about, for a plan before anything is asked; never sent."""
        return self.compaction.expected(brief)

    async def informed(
        self, course: Course, request: DelegateRequest, brief: Brief, plan: RoutePlan
    ) -> tuple[Brief, RoutePlan]:
        """The brief that is sent, which the course then holds, and its plan."""
        found: Classification | None = None
        if brief.old_turns is not None:
            brief = await self.compaction.condensed(course, brief)
            plan = await self._again(course, request, brief, plan, None)
        if request.task_type.strip().lower() == AUTO and request.model is None:
            found = await self.classifying.found(course, brief)
            if found is not None and found.task_type != plan.task_type:
                plan = await self._again(course, request, brief, plan, found)
        if plan.gather is not None and not request.edit:
            brief = await self.gatherer.gathered(course, brief, plan.gather)
            plan = await self._again(course, request, brief, plan, found)
        return brief, plan

    async def _again(
        self, course: Course, request: DelegateRequest, brief: Brief, plan: RoutePlan, found: Classification | None
    ) -> RoutePlan:
        course.brief = replace(brief, private=plan.private)
        plan = draft(course.brief, request, rules=self.rules, known=await self.known(), found=found)
        if plan.private and not course.brief.private:  # a person's own row keeps that kind of work here
            course.brief = replace(course.brief, private=True)
            course.provider = self.gatherer.dispatcher.local_providers
        return plan
