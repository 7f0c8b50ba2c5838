"""The Ledger as plain lists: the model that the real ones are held against, and a quick stand-in for other tests."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import get_args

from delegate_mcp.domain.errors import ErrorKind, LedgerError
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.outcome import Attempt
from delegate_mcp.domain.plan import Tier
from delegate_mcp.domain.usage import ZERO, RateLimit
from delegate_mcp.ledger.base import (
    AttemptEnd,
    AttemptStart,
    CallEnd,
    CallRow,
    CallStart,
    Cooldown,
    LearnedLimit,
    LedgerSnapshot,
    ModelUse,
    TierTotals,
    Totals,
)

MINUTE_S, UNLEASED_S, DAY_S = 60.0, 3600.0, 86_400.0


@dataclass(slots=True)
class HeldAttempt:
    start: AttemptStart
    end: AttemptEnd | None = None


@dataclass(slots=True)
class HeldCall:
    start: CallStart
    end: CallEnd | None = None


class MemoryLedger:
    """Same words, same rules, no file. `calls` and `tried` may be looked into."""

    def __init__(self, clock: Callable[[], float] = time.time, alive: Callable[[int], bool] = lambda _: True) -> None:
        self.clock = clock
        self.alive = alive
        self.calls: dict[str, HeldCall] = {}
        self.tried: dict[tuple[str, int], HeldAttempt] = {}
        self.limits: dict[tuple[ModelId, str, str], LearnedLimit] = {}
        self.cooldowns: dict[ModelId, Cooldown] = {}
        self.closed = False

    async def begin_call(self, call: CallStart) -> None:
        self._open()
        if call.call_id in self.calls:
            raise LedgerError(f"Call {call.call_id} was begun before.")
        self.calls[call.call_id] = HeldCall(call)

    async def begin_attempt(self, attempt: AttemptStart) -> None:
        self._open()
        key = (attempt.call_id, attempt.number)
        if key in self.tried:
            raise LedgerError(f"Attempt {attempt.number} of {attempt.call_id} was begun before.")
        self._ensure_call(attempt.call_id, attempt.started_at)
        self.tried[key] = HeldAttempt(attempt)

    async def end_attempt(self, end: AttemptEnd) -> None:
        self._open()
        attempt = end.attempt
        began = end.ended_at - attempt.latency_ms / 1000
        self._ensure_call(end.call_id, began)
        lost = AttemptStart(
            call_id=end.call_id,
            number=attempt.number,
            model_id=attempt.model_id,
            tier=attempt.tier,
            started_at=began,
            reserved_tokens=0,
            lease_until=end.ended_at,
        )
        held = self.tried.setdefault((end.call_id, attempt.number), HeldAttempt(lost))
        if held.end is not None:
            return
        held.end = end
        for told in end.rate_limits:
            self._learn(attempt.model_id, told, end.ended_at)
        if end.cooldown_until is not None:
            before = self.cooldowns.get(attempt.model_id)
            if before is None or end.cooldown_until >= before.until:
                why = attempt.error_kind or ErrorKind.RATE_LIMITED
                self.cooldowns[attempt.model_id] = Cooldown(attempt.model_id, end.cooldown_until, why)

    async def end_call(self, end: CallEnd) -> None:
        self._open()
        self._ensure_call(end.call_id, end.ended_at)
        held = self.calls[end.call_id]
        if held.end is None:
            held.end = end

    async def call(self, call_id: str) -> CallRow | None:
        self._open()
        held = self.calls.get(call_id)
        return None if held is None else self._row(held)

    async def attempts(self, call_id: str) -> tuple[Attempt, ...]:
        self._open()
        ended = [held.end.attempt for (owner, _), held in self.tried.items() if owner == call_id and held.end]
        return tuple(sorted(ended, key=lambda attempt: attempt.number))

    async def recent_calls(self, limit: int) -> tuple[CallRow, ...]:
        self._open()
        in_order = sorted(self.calls.values(), key=lambda held: held.start.started_at)
        return tuple(self._row(held) for held in in_order[::-1][:limit])

    async def snapshot(self, now: float, day_starts: Mapping[str, float]) -> LedgerSnapshot:
        self._open()
        uses = {
            model_id: _use(self._attempts_of(model_id), now, day_starts.get(model_id.provider, now - now % DAY_S))
            for model_id in {held.start.model_id for held in self.tried.values()}
        }
        return LedgerSnapshot(
            taken_at=now,
            use={model_id: use for model_id, use in uses.items() if use != ModelUse()},
            limits=tuple(self.limits[key] for key in sorted(self.limits)),
            cooldowns=tuple(
                cooldown for model_id in sorted(self.cooldowns) if (cooldown := self.cooldowns[model_id]).until > now
            ),
        )

    async def totals(self, since: float, connection: str | None = None) -> Totals:
        self._open()
        calls = {
            call_id: held
            for call_id, held in self.calls.items()
            if held.start.started_at >= since and connection in (None, held.start.connection)
        }
        tried = [held for (owner, _), held in self.tried.items() if owner in calls]
        ends = [held.end for held in calls.values() if held.end]
        tiers = (_tier(tier, tried, ends) for tier in get_args(Tier))
        return Totals(
            calls=len(calls),
            failed_calls=sum(end.state == "failed" for end in ends),
            director_input_tokens=sum(end.director_input_tokens for end in ends),
            director_output_tokens=sum(end.director_output_tokens for end in ends),
            cost_usd=_sum(held.end.attempt.cost_usd for held in tried if held.end),
            saved_usd=_sum(end.saved_usd for end in ends),
            tiers=tuple(tier for tier in tiers if tier.calls or tier.attempts),
        )

    async def aclose(self) -> None:
        self.closed = True

    def notices(self) -> Sequence[str]:
        return ()

    def _open(self) -> None:
        if self.closed:
            raise LedgerError("The ledger is closed.")

    def _ensure_call(self, call_id: str, at: float) -> None:
        lost = CallStart(
            call_id=call_id,
            started_at=at,
            tool="unknown",
            task_type="unknown",
            complexity="unknown",
            rule="unknown",
            reason="its beginning was lost",
            private=False,
            connection="",
            conversation=None,
            parent=None,
            pid=0,
            input_tokens=0,
        )
        self.calls.setdefault(call_id, HeldCall(lost))

    def _learn(self, model_id: ModelId, told: RateLimit, seen_at: float) -> None:
        key = (model_id, told.metric, told.period)
        before = self.limits.get(key)
        if before is None or seen_at >= before.seen_at:
            self.limits[key] = LearnedLimit(model_id, told, seen_at)

    def _attempts_of(self, model_id: ModelId) -> list[HeldAttempt]:
        return [held for held in self.tried.values() if held.start.model_id == model_id]

    def _row(self, held: HeldCall) -> CallRow:
        start, end = held.start, held.end
        row = CallRow(
            call_id=start.call_id,
            state=end.state if end else "running",
            started_at=start.started_at,
            ended_at=end.ended_at if end else None,
            tool=start.tool,
            task_type=start.task_type,
            private=start.private,
            parent=start.parent,
            pid=start.pid,
            candidate=end.candidate if end else None,
            error=end.error if end else None,
        )
        if end is not None:
            return row
        leases = [tried.start.lease_until for (owner, _), tried in self.tried.items() if owner == start.call_id]
        if self.alive(start.pid) and self.clock() < max([start.started_at + UNLEASED_S, *leases]):
            return row
        return replace(row, state="failed", error="its server ended")


def _use(attempts: list[HeldAttempt], now: float, day_start: float) -> ModelUse:
    leased = [held for held in attempts if held.end is None and held.start.lease_until > now]
    ended = [(held.start.started_at, held.end.attempt.usage.total) for held in attempts if held.end]
    minute = [tokens for began, tokens in ended if began > now - MINUTE_S]
    day = [tokens for began, tokens in ended if began >= day_start]
    began_in_minute = [began for began, _ in ended if began > now - MINUTE_S]
    began_in_minute += [held.start.started_at for held in leased if held.start.started_at > now - MINUTE_S]
    return ModelUse(
        requests_minute=len(minute),
        tokens_minute=sum(minute),
        requests_day=len(day),
        tokens_day=sum(day),
        reserved_requests=len(leased),
        reserved_tokens=sum(held.start.reserved_tokens for held in leased),
        oldest_in_minute=min(began_in_minute, default=None),
    )


def _tier(tier: str, tried: list[HeldAttempt], ends: list[CallEnd]) -> TierTotals:
    mine = [held for held in tried if held.start.tier == tier]
    ended = [held.end.attempt for held in mine if held.end]
    answered = [end for end in ends if end.tier == tier]
    return TierTotals(
        tier=tier,
        calls=len(answered),
        attempts=len(mine),
        input_tokens=sum(attempt.usage.input_tokens for attempt in ended),
        output_tokens=sum(attempt.usage.output_tokens for attempt in ended),
        cost_usd=_sum(attempt.cost_usd for attempt in ended),
        saved_usd=_sum(end.saved_usd for end in answered),
    )


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    """In whole nano-dollars each, as every ledger keeps them."""
    nano = Decimal("1e-9")
    return sum((amount.quantize(nano, ROUND_HALF_EVEN) for amount in amounts), ZERO)
