"""One attempt: one provider call, timed, recorded, and ended in time whatever the service does."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from decimal import Decimal

import anyio

from delegate_mcp.dispatch.clock import Clock
from delegate_mcp.dispatch.reactions import cooldown_s
from delegate_mcp.domain.errors import ErrorKind, ProviderError
from delegate_mcp.domain.outcome import Attempt, Completion
from delegate_mcp.domain.plan import Candidate
from delegate_mcp.domain.usage import ZERO, Usage, estimate_tokens
from delegate_mcp.ledger.base import AttemptEnd, AttemptStart, Ledger
from delegate_mcp.providers.base import Ask, Provider

logger = logging.getLogger(__name__)

# A reservation outlives its attempt's own limit by this much, so that a slow end does not free it early.
LEASE_MARGIN_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long one attempt may be silent, in seconds."""

    first_token_s: float
    idle_s: float
    total_s: float


Price = Callable[[Candidate, Completion], Awaitable[Decimal]]
"""What a completion cost in USD."""
Accept = Callable[[Completion], str | None]
"""Why an answer is none (schema not met), or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempter:
    """Makes attempts for one call."""

    call_id: str
    ledger: Ledger
    clock: Clock
    price: Price
    accept: Accept
    progress: Callable[[Candidate, int], None]

    async def run(
        self, number: int, candidate: Candidate, provider: Provider, ask: Ask, limits: Limits
    ) -> tuple[Attempt, Completion | ProviderError]:
        """Ask once. Cancellation is recorded and passed on; every other end is a value."""
        started_at, began = self.clock.now(), self.clock.steady()
        first_token_ms: float | None = None
        tokens_seen = 0
        await self.ledger.begin_attempt(
            AttemptStart(
                call_id=self.call_id,
                number=number,
                model_id=candidate.model_id,
                tier=candidate.tier,
                started_at=started_at,
                reserved_tokens=sum(estimate_tokens(m.text) for m in ask.messages) + ask.options.max_output_tokens,
                lease_until=started_at + limits.total_s + LEASE_MARGIN_S,
            )
        )

        def attempt() -> Attempt:
            return Attempt(
                number=number,
                model_id=candidate.model_id,
                tier=candidate.tier,
                outcome="cancelled",
                latency_ms=(self.clock.steady() - began) * 1000,
                first_token_ms=first_token_ms,
                usage=Usage(0, tokens_seen, estimated=True) if tokens_seen else Usage(),
            )

        end_of_time = anyio.current_time() + limits.total_s
        result: Completion | ProviderError | None = None
        try:
            # The limit moves with every sign of life: first token, then idle, never past the total.
            with anyio.CancelScope(deadline=min(end_of_time, anyio.current_time() + limits.first_token_s)) as scope:

                def report(tokens: int) -> None:
                    nonlocal first_token_ms, tokens_seen
                    if tokens > 0 and first_token_ms is None:
                        first_token_ms = (self.clock.steady() - began) * 1000
                    tokens_seen = max(tokens_seen, tokens)
                    if first_token_ms is not None:
                        scope.deadline = min(end_of_time, anyio.current_time() + limits.idle_s)
                    self.progress(candidate, tokens_seen)

                result = await self._ask(provider, ask, report)
            if result is None:
                late = anyio.current_time() >= end_of_time
                silent = limits.idle_s if first_token_ms is not None else limits.first_token_s
                result = ProviderError.timeout(
                    f"not done after {limits.total_s:.0f} s" if late else f"nothing came for {silent:g} s"
                )
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await self._settle(attempt())
            raise
        done = await self._settled(attempt(), candidate, result)
        with anyio.CancelScope(shield=True):
            await self._settle(done, result)
        return done, result

    async def _ask(self, provider: Provider, ask: Ask, report: Callable[[int], None]) -> Completion | ProviderError:
        try:
            completion = await provider.complete(ask, report)
        except ProviderError as error:
            return error
        except Exception as error:  # a defect of ours or of an SDK must not lose the call
            logger.exception("%s failed in a way it should not", provider.name)
            return ProviderError.bad_answer(f"unexpected {type(error).__name__} in the {provider.name} backend")
        if problem := self.accept(completion):
            return ProviderError(
                ErrorKind.BAD_ANSWER, problem, usage=completion.usage, rate_limits=completion.rate_limits
            )
        return completion

    async def _settled(self, seen: Attempt, candidate: Candidate, result: Completion | ProviderError) -> Attempt:
        if isinstance(result, Completion):
            cost = result.cost_usd if result.cost_usd is not None else await self.price(candidate, result)
            return replace(seen, outcome="ok", usage=result.usage, cost_usd=cost)
        return replace(
            seen,
            outcome="failed",
            error_kind=result.kind,
            status=result.status,
            message=str(result),
            usage=result.usage or seen.usage,
            cost_usd=ZERO,
            retry_after_s=result.retry_after_s,
        )

    async def _settle(self, attempt: Attempt, result: Completion | ProviderError | None = None) -> None:
        now = self.clock.now()
        cooldown = cooldown_s(result) if isinstance(result, ProviderError) else 0.0
        await self.ledger.end_attempt(
            AttemptEnd(
                call_id=self.call_id,
                attempt=attempt,
                ended_at=now,
                rate_limits=result.rate_limits if result is not None else (),
                cooldown_until=now + cooldown if cooldown else None,
            )
        )
