"""Ask one candidate after another until one answers, within the call's one deadline."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import anyio

from delegate_mcp.dispatch.attempt import Accept
from delegate_mcp.dispatch.lateness import Lateness
from delegate_mcp.dispatch.race import Race, Runner
from delegate_mcp.dispatch.turn import LEAST_TIME_S, Course, Turns
from delegate_mcp.domain.brief import Brief
from delegate_mcp.domain.errors import AllAttemptsFailedError, NoCandidateError
from delegate_mcp.domain.limit import DayReset
from delegate_mcp.domain.outcome import Completion, Outcome
from delegate_mcp.domain.plan import Candidate, RoutePlan
from delegate_mcp.domain.request import OnLimit
from delegate_mcp.ledger.days import day_starts
from delegate_mcp.ledger.quota import windows_for
from delegate_mcp.providers.base import Provider

FREE = frozenset({"free", "local"})
"""Tiers whose models may be asked beside one another: nobody pays for them."""
_AMPLE = 5
"""A second candidate is asked beside the first only where a fifth of each of its windows is left."""

Providers = Callable[[str], Provider]
"""Gives the provider of a name, made at first use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatcher:
    """Runs route plans."""

    turns: Turns
    lateness: Lateness
    providers: Providers
    local_providers: Providers
    """The set that private calls use: it holds no cloud client that could be asked."""

    def course(
        self,
        call_id: str,
        brief: Brief,
        *,
        private: bool,
        on_limit: OnLimit,
        accept: Accept,
        progress: Callable[[str, int], None],
    ) -> Course:
        """A call that begins now: everything that is asked for it shares its deadline and its record."""
        return Course(
            call_id=call_id,
            brief=brief,
            on_limit=on_limit,
            accept=accept,
            progress=progress,
            deadline=self.turns.clock.steady() + self.turns.settings.deadline_s,
            provider=self.local_providers if private else self.providers,
        )

    async def run(self, course: Course, plan: RoutePlan) -> Outcome:
        """Return the first answer. AllAttemptsFailedError holds every failure; NoCandidateError: nobody had room."""
        found = await self.first(course, plan.candidates)
        if found is None:
            raise self.failure(course, plan)
        return self.outcome(course, plan, *found)

    async def first(self, course: Course, candidates: Sequence[Candidate]) -> tuple[Candidate, Completion] | None:
        """Who answers first of them, asked in order; None: nobody does."""
        waiting = deque(candidates)
        while waiting and not course.stopped and self.turns.left(course) > LEAST_TIME_S:
            candidate, completion = await self._ask(course, waiting.popleft(), waiting)
            if completion is not None:
                return candidate, completion
        return None

    def outcome(self, course: Course, plan: RoutePlan, candidate: Candidate, completion: Completion) -> Outcome:
        """What came of it: that answer, and everything on the way to it."""
        return Outcome(
            call_id=course.call_id,
            completion=completion,
            candidate=candidate,
            plan=replace(plan, passed_over=(*plan.passed_over, *course.turned_away)),
            attempts=tuple(sorted(course.attempts, key=lambda attempt: attempt.number)),
        )

    async def _ask(
        self, course: Course, candidate: Candidate, waiting: deque[Candidate]
    ) -> tuple[Candidate, Completion | None]:
        late_after = await self._late_after(course, candidate, waiting)
        if late_after is None:
            return candidate, await self.turns.take(course, candidate, nobody_listens)
        winner: Runner | None = None
        async with anyio.create_task_group() as tasks:
            race = Race(self.turns, course, tasks)
            first = race.start(candidate)
            if not await race.first_sign(first, late_after) and waiting and await self._ample(waiting[0]):
                race.start(waiting.popleft())
            winner = await race.finish(waiting)
        return (candidate, None) if winner is None else (winner.candidate, winner.completion)

    async def _late_after(self, course: Course, candidate: Candidate, waiting: deque[Candidate]) -> float | None:
        """When to ask the next candidate beside this one; None: it is asked alone."""
        free = waiting and all(row.tier in FREE for row in (candidate, waiting[0]))
        if not (free and self.turns.settings.race and course.on_limit == "degrade"):
            return None
        return await self.lateness.late_after_s(candidate.model_id)

    async def _ample(self, candidate: Candidate) -> bool:
        now = self.turns.clock.now()
        resets: dict[str, DayReset] = {candidate.model_id.provider: candidate.reset}
        snapshot = await self.turns.ledger.snapshot(now, day_starts(now, resets))
        windows = windows_for(candidate.model_id, candidate.limits, snapshot, candidate.reset)
        return all(window.left * _AMPLE >= window.limit for window in windows)

    def failure(self, course: Course, plan: RoutePlan) -> AllAttemptsFailedError | NoCandidateError:
        """Why nobody answered."""
        attempts = sorted(course.attempts, key=lambda attempt: attempt.number)
        if not attempts and course.turned_away:
            times = [row.until for row in course.turned_away if row.until is not None]
            seconds = max(0.0, min(times) - self.turns.clock.now()) if times else None
            advice = "" if seconds is None else f"What to do: call again in {seconds:.0f} s, or with on_limit=wait."
            what = "No model has room for this call now. Nothing was sent."
            return NoCandidateError(what, (*plan.passed_over, *course.turned_away), advice)
        late = self.turns.left(course) <= LEAST_TIME_S
        deadline = self.turns.settings.deadline_s
        what = f"No candidate answered within {deadline:.0f} s." if late else "No candidate answered."
        return AllAttemptsFailedError(what, course.call_id, attempts)


def nobody_listens() -> None:
    """The first token of a candidate that is asked alone changes nothing."""
