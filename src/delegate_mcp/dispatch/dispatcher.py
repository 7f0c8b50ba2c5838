"""Ask one candidate after another until one answers, within the call's one deadline."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from delegate_mcp.config.settings import CallSettings
from delegate_mcp.dispatch.attempt import Accept, Attempter, Limits, Price
from delegate_mcp.dispatch.clock import Clock
from delegate_mcp.dispatch.reactions import REACTIONS
from delegate_mcp.domain.brief import Brief
from delegate_mcp.domain.errors import AllAttemptsFailedError, ErrorKind, ProviderError
from delegate_mcp.domain.outcome import Attempt, Completion, Outcome
from delegate_mcp.domain.plan import Candidate, RoutePlan
from delegate_mcp.domain.request import OnLimit
from delegate_mcp.ledger.base import Ledger
from delegate_mcp.providers.base import Ask, Provider

# Less time than this is not worth an attempt.
LEAST_TIME_S = 0.5

Providers = Callable[[str], Provider]
"""Gives the provider of a name, made at first use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatcher:
    """Runs route plans."""

    ledger: Ledger
    providers: Providers
    local_providers: Providers
    """The set that private calls use: it holds no cloud client that could be asked."""
    clock: Clock
    calls: CallSettings
    price: Price
    patient: Mapping[str, bool]
    """Providers that are silent until they are done (CLI backends): their first-token limit is the deadline."""

    async def run(
        self,
        call_id: str,
        brief: Brief,
        plan: RoutePlan,
        *,
        on_limit: OnLimit,
        accept: Accept,
        progress: Callable[[Candidate, int], None],
    ) -> Outcome:
        """Return the first answer. AllAttemptsFailedError holds every failure."""
        deadline = self.clock.steady() + self.calls.deadline_s
        attempter = Attempter(
            call_id=call_id,
            ledger=self.ledger,
            clock=self.clock,
            price=self.price,
            accept=accept,
            progress=progress,
        )
        attempts: list[Attempt] = []
        for candidate in plan.candidates:
            while (left := deadline - self.clock.steady()) > LEAST_TIME_S:
                attempt, result = await attempter.run(
                    len(attempts) + 1,
                    candidate,
                    self._provider(plan, candidate),
                    self._ask(brief, candidate, left),
                    self._limits(candidate, left),
                )
                attempts.append(attempt)
                if isinstance(result, Completion):
                    return Outcome(
                        call_id=call_id, completion=result, candidate=candidate, plan=plan, attempts=tuple(attempts)
                    )
                if not await self._waited(result, on_limit, deadline):
                    break
                progress(candidate, 0)
            if attempts and self._stops(attempts[-1], on_limit):
                break
        late = deadline - self.clock.steady() <= LEAST_TIME_S
        raise AllAttemptsFailedError(
            f"No candidate answered within {self.calls.deadline_s:.0f} s." if late else "No candidate answered.",
            call_id,
            attempts,
        )

    def _provider(self, plan: RoutePlan, candidate: Candidate) -> Provider:
        source = self.local_providers if plan.private else self.providers
        return source(candidate.model_id.provider)

    def _ask(self, brief: Brief, candidate: Candidate, left: float) -> Ask:
        return Ask(
            model=candidate.model_id.model,
            messages=brief.messages,
            options=candidate.options,
            json_schema=brief.json_schema,
            edit_in=brief.edit_in,
            connect_timeout_s=min(self.calls.connect_s, left),
            deadline_s=left,
        )

    def _limits(self, candidate: Candidate, left: float) -> Limits:
        patient = self.patient.get(candidate.model_id.provider, False)
        return Limits(
            first_token_s=left if patient else min(self.calls.first_token_s, left),
            idle_s=left if patient else self.calls.idle_s,
            total_s=left,
        )

    async def _waited(self, error: ProviderError, on_limit: OnLimit, deadline: float) -> bool:
        """Wait out a rate limit where the caller asked for it and the deadline has room; False: do not ask again."""
        if on_limit != "wait" or error.kind is not ErrorKind.RATE_LIMITED or error.retry_after_s is None:
            return False
        if self.clock.steady() + error.retry_after_s + LEAST_TIME_S >= deadline:
            return False
        await self.clock.sleep(error.retry_after_s)
        return True

    @staticmethod
    def _stops(attempt: Attempt, on_limit: OnLimit) -> bool:
        if attempt.error_kind is None:
            return True
        limited = attempt.error_kind is ErrorKind.RATE_LIMITED
        return REACTIONS[attempt.error_kind].then == "stop" or (limited and on_limit == "fail")
