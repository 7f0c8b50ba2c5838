"""One attempt: one provider call, timed, recorded, and ended in time whatever the service does."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from decimal import Decimal

import anyio

from delegate_mcp.dispatch.clock import Clock
from delegate_mcp.dispatch.reactions import told_until, was_counted
from delegate_mcp.domain.errors import ErrorKind, ProviderError
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.outcome import Attempt, Completion
from delegate_mcp.domain.plan import Candidate
from delegate_mcp.domain.usage import ZERO, Usage
from delegate_mcp.ledger.base import Ledger, Settle
from delegate_mcp.providers.base import Ask, Provider

logger = logging.getLogger(__name__)

_KEY_FAULTS = {400, 401}
"""HTTP statuses of a key that is not accepted; Gemini says it with a 400."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long one attempt may be silent, in seconds."""

    first_token_s: float
    idle_s: float
    total_s: float


Price = Callable[[Candidate, Usage], Awaitable[Decimal | None]]
"""What a usage costs in USD; None where the price is not known."""
Accept = Callable[[Completion], str | None]
"""Why an answer is none (schema not met), or None."""


Keep = Callable[[ModelId, Completion], Awaitable[None]]
"""Takes an answer that is accepted."""


def anything(_: Completion) -> str | None:
    """Accepts every answer."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What an attempt must know of a provider beside how to ask it."""

    patient: bool = False
    """Silent until it is done or loaded (CLI backends, local models): its first-token limit is the deadline."""
    pauses: bool = False
    """Silent in the middle of an answer too (CLI backends use tools there): so is its limit between tokens."""
    counts_failures: bool = False
    """Every failed request counts against its limits."""
    free_cache: bool = False
    """Prompt tokens that it reads from its cache do not count against its limits."""
    key_mark: str = ""
    """Tells one key from another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempter:
    """Makes the attempts of one call, each with its place already reserved."""

    call_id: str
    ledger: Ledger
    clock: Clock
    price: Price
    accept: Accept
    input_tokens: int
    """Estimated size of the brief, for attempts that end without a word of what they used."""
    record: Callable[[Attempt], None]
    """Told of every attempt as it ended, a cancelled one too."""
    aside: bool = False
    """The attempts are questions of our own."""
    keep: Keep | None = None
    """Given the answer before the attempt is settled, so that what was settled is never lost with its process."""

    async def run(
        self,
        number: int,
        candidate: Candidate,
        *,
        provider: Provider,
        service: Service,
        ask: Ask,
        limits: Limits,
        spoke: Callable[[int], None],
    ) -> Completion | ProviderError:
        """Ask once. Cancellation is recorded and passed on; every other end is a value.

        `spoke` hears of every sign of life, with the output tokens so far.
        """
        began = self.clock.steady()
        first_token_ms: float | None = None
        tokens_seen = 0

        def seen() -> Attempt:
            return Attempt(
                number=number,
                model_id=candidate.model_id,
                tier=candidate.tier,
                outcome="cancelled",
                latency_ms=(self.clock.steady() - began) * 1000,
                first_token_ms=first_token_ms,
                usage=Usage(self.input_tokens, tokens_seen, estimated=True),
                aside=self.aside,
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
                        spoke(tokens_seen)

                result = await self._ask(provider, ask, report)
            if result is None:
                late = anyio.current_time() >= end_of_time
                silent = limits.idle_s if first_token_ms is not None else limits.first_token_s
                result = ProviderError.timeout(
                    f"not done after {limits.total_s:.0f} s" if late else f"nothing came for {silent:g} s"
                )
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await self._settle(seen(), candidate, service)
            raise
        with anyio.CancelScope(shield=True):
            done = await self._ended(seen(), candidate, result)
            try:
                if self.keep is not None and isinstance(result, Completion):
                    await self.keep(candidate.model_id, result)
            finally:
                await self._settle(done, candidate, service, result)
        return result

    async def _ask(self, provider: Provider, ask: Ask, report: Callable[[int], None]) -> Completion | ProviderError:
        try:
            completion = await provider.complete(ask, report)
        except ProviderError as error:
            return error
        except Exception as error:  # a defect of ours or of an SDK must not lose the call
            # The host's log handler takes seconds to draw a traceback, and the event loop with it.
            logger.warning("%s failed in a way it should not: %s", provider.name, type(error).__name__)
            logger.debug("its traceback", exc_info=True)
            return ProviderError.bad_answer(f"unexpected {type(error).__name__} in the {provider.name} backend")
        if problem := self.accept(completion):
            return ProviderError(
                ErrorKind.BAD_ANSWER, problem, usage=completion.usage, rate_limits=completion.rate_limits
            )
        return completion

    async def _ended(self, seen: Attempt, candidate: Candidate, result: Completion | ProviderError) -> Attempt:
        if isinstance(result, Completion):
            cost = result.cost_usd if result.cost_usd is not None else await self._cost(candidate, result.usage)
            return replace(seen, outcome="ok", usage=result.usage, cost_usd=cost)
        # What a service told before it failed is what it counts; of a silence only our own count is known.
        usage = result.usage or (seen.usage if result.kind is ErrorKind.TIMEOUT else Usage())
        return replace(
            seen,
            outcome="failed",
            error_kind=result.kind,
            status=result.status,
            message=str(result),
            usage=usage,
            cost_usd=await self._cost(candidate, usage),
            retry_after_s=result.retry_after_s,
        )

    async def _cost(self, candidate: Candidate, usage: Usage) -> Decimal:
        return (await self.price(candidate, usage) if usage.total else None) or ZERO

    async def _settle(
        self,
        attempt: Attempt,
        candidate: Candidate,
        service: Service,
        result: Completion | ProviderError | None = None,
    ) -> None:
        now = self.clock.now()
        self.record(attempt)
        await self.ledger.settle(
            Settle(
                call_id=self.call_id,
                attempt=replace(attempt, message=None),  # a service's words may quote the prompt, ours an answer
                ended_at=now,
                counted=was_counted(attempt, counts_failures=service.counts_failures),
                rate_limits=result.rate_limits if result is not None else (),
                told_until=told_until(result, now, candidate.reset) if isinstance(result, ProviderError) else None,
                key_mark="" if _heals_without_a_new_key(attempt) else service.key_mark,
                reset=candidate.reset,
                counted_tokens=attempt.usage.total - attempt.usage.cache_read_tokens if service.free_cache else None,
            )
        )


def _heals_without_a_new_key(attempt: Attempt) -> bool:
    """No credit, no permission: what the key's owner mends at the service, with the same key."""
    return attempt.error_kind is ErrorKind.AUTH and attempt.status not in _KEY_FAULTS
