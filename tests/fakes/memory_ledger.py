"""The Ledger as plain lists: the model that the real ones are held against, and a quick stand-in for other tests."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal
from math import inf
from typing import TypeVar, get_args

import anyio

from delegate_mcp.domain.errors import LedgerError
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.outcome import Attempt
from delegate_mcp.domain.plan import Tier
from delegate_mcp.domain.standing import Piece, Standing, Tally, Verdict
from delegate_mcp.domain.times import ahead
from delegate_mcp.domain.usage import ZERO, Usage
from delegate_mcp.ledger import health, quota
from delegate_mcp.ledger.base import (
    PRUNED_AT_ONCE,
    RENEWED_S,
    CallEnd,
    CallRow,
    CallStart,
    Refusal,
    Reserve,
    Settle,
    Ticket,
    TierTotals,
    Totals,
)
from delegate_mcp.ledger.batches import BatchRow
from delegate_mcp.ledger.days import day_start
from delegate_mcp.ledger.decision import STANDS_IN_LINE, QuotaState, Spent, decide
from delegate_mcp.ledger.evidence import WHY_CHARS, VerdictRow
from delegate_mcp.ledger.learned import judged
from delegate_mcp.ledger.pruning import STUCK_S
from delegate_mcp.ledger.reports import CallRecord
from delegate_mcp.ledger.snapshot import (
    Cooldown,
    LearnedLimit,
    LedgerSnapshot,
    ModelUse,
    OpenBreaker,
    ProviderOff,
    Tombstone,
)

MINUTE_S, UNLEASED_S, DAY_S = 60.0, 3600.0, 86_400.0

K = TypeVar("K")
V = TypeVar("V")


@dataclass(slots=True)
class HeldAttempt:
    start: Reserve
    end: Settle | None = None

    @property
    def counted(self) -> tuple[float, int] | None:
        """When and with how many tokens the service counted it; None: under way, or not counted."""
        end = self.end
        if end is None or not end.counted:
            return None
        tokens = end.attempt.usage.total if end.counted_tokens is None else end.counted_tokens
        return quota.counted_at(end.ended_at, end.attempt), tokens

    def leased(self, now: float) -> bool:
        return self.end is None and self.start.lease_until > now


@dataclass(slots=True)
class HeldCall:
    start: CallStart
    end: CallEnd | None = None
    written: int = 0
    read: int = 0
    charged: Decimal = ZERO
    learned: bool = False


class MemoryLedger:
    """Same words, same rules, no file. `calls` and `tried` may be looked into."""

    def __init__(self, clock: Callable[[], float] = time.time, alive: Callable[[int], bool] = lambda _: True) -> None:
        self.clock = clock
        self.alive = alive
        self.calls: dict[str, HeldCall] = {}
        self.tried: dict[tuple[str, int], HeldAttempt] = {}
        self.limits: dict[tuple[ModelId, str, str], LearnedLimit] = {}
        self.cooldowns: dict[ModelId, Cooldown] = {}
        self.breakers: dict[str, health.Breaker] = {}
        self.off: dict[str, ProviderOff] = {}
        self.gone: dict[ModelId, Tombstone] = {}
        self.line: dict[str, tuple[ModelId, Ticket]] = {}
        self.batches: dict[str, BatchRow] = {}
        self.known: dict[tuple[ModelId, str], Standing] = {}
        self.judged: dict[str, VerdictRow] = {}
        self.closed = False
        self.elsewhere_wrote = anyio.Event()
        """Set it to play another process that writes."""

    async def begin_call(self, call: CallStart) -> None:
        self._open()
        if (held := self.calls.get(call.call_id)) is not None:
            if held.end is None:
                held.start = replace(
                    held.start,
                    task_type=call.task_type,
                    complexity=call.complexity,
                    rule=call.rule,
                    reason=call.reason,
                    private=call.private,
                    input_tokens=call.input_tokens,
                    arm=call.arm,
                )
        else:
            self.calls[call.call_id] = HeldCall(call)

    async def reserve(self, ask: Reserve) -> Refusal | None:
        self._open()
        refusal = decide(ask, self._state(ask))
        if refusal is not None:
            self._queue(ask, refusal)
            return refusal
        key = (ask.call_id, ask.number)
        if key in self.tried:
            raise LedgerError(f"Attempt {ask.number} of {ask.call_id} was begun before.")
        self._ensure_call(ask.call_id, ask.now)
        self.tried[key] = HeldAttempt(ask)
        found = self._health(ask.model_id, ask.now)
        self._keep(ask.model_id, health.probing(found, health.attempt_key(*key), ask.lease_until))
        self._queue(ask, None)
        return None

    async def settle(self, end: Settle) -> None:
        self._open()
        attempt = end.attempt
        began = end.ended_at - attempt.latency_ms / 1000
        self._ensure_call(end.call_id, began)
        lost = Reserve(
            call_id=end.call_id,
            number=attempt.number,
            model_id=attempt.model_id,
            tier=attempt.tier,
            now=began,
            tokens=0,
            lease_until=end.ended_at,
        )
        held = self.tried.setdefault((end.call_id, attempt.number), HeldAttempt(lost))
        if held.end is not None:
            return
        held.end = end
        self._learn(end, held.start.now)
        after = health.settled(self._health(attempt.model_id, end.ended_at), end, held.start.now)
        self._keep(attempt.model_id, after)

    async def half_open(self, breaker: OpenBreaker, now: float) -> bool:
        self._open()
        found = self.breakers.get(breaker.provider)
        if found is None or (found.until, found.failures) != (breaker.until, breaker.failures):
            return False
        self.breakers[breaker.provider] = replace(found, until=now)
        return True

    async def leave(self, ticket_id: str) -> None:
        self._open()
        self.line.pop(ticket_id, None)

    async def first_token_p95_ms(self, model_id: ModelId) -> float | None:
        self._open()
        told = [
            (held.end.ended_at, held.end.attempt.first_token_ms)
            for held in self._attempts_of(model_id)
            if held.end and held.end.attempt.outcome == "ok" and held.end.attempt.first_token_ms is not None
        ]
        latest = sorted(told, key=lambda pair: pair[0])[-health.ANSWERS_LEARNED_FROM :]
        return health.first_token_p95_ms([ms for _, ms in latest])

    async def changed(self, look_s: float = 0.0) -> None:
        self._open()
        await self.elsewhere_wrote.wait()
        self.elsewhere_wrote = anyio.Event()

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
        ended = ended if call_id in self.calls else []
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
                cooldown
                for model_id in sorted(self.cooldowns)
                if (cooldown := health.cooldown_as_of(self.cooldowns[model_id], now)) and cooldown.until > now
            ),
            breakers=tuple(
                OpenBreaker(provider, health.open_until(found.until, now), found.failures)
                for provider, found in sorted(self.breakers.items())
                if found.until is not None
            ),
            off=tuple(self.off[provider] for provider in sorted(self.off)),
            gone=tuple(
                grave
                for model_id in sorted(self.gone)
                if (grave := health.gone_as_of(self.gone[model_id], now)) and now < grave.since + health.GONE_S
            ),
            waiting=Counter(model_id for model_id, ticket in self.line.values() if ticket.lease_until > now),
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
        tiers = (_tier(tier, tried, calls.values()) for tier in get_args(Tier))
        return Totals(
            calls=len(calls),
            failed_calls=sum(end.state == "failed" for end in ends),
            director_input_tokens=sum(_spent(held)[0] for held in calls.values()),
            director_output_tokens=sum(_spent(held)[1] for held in calls.values()),
            director_listing_tokens=sum(end.listing_tokens for end in ends),
            cost_usd=_sum(held.end.attempt.cost_usd for held in tried if held.end),
            saved_usd=_sum(_saved(held) for held in calls.values()),
            tiers=tuple(tier for tier in tiers if tier.calls or tier.attempts),
        )

    async def records(self, since: float, until: float) -> tuple[CallRecord, ...]:
        self._open()
        found = [held for held in self.calls.values() if since <= held.start.started_at < until]
        return tuple([await self._record(held) for held in sorted(found, key=lambda held: held.start.started_at)])

    async def charge(self, call_id: str, *, written: int, read: int, usd: Decimal) -> Decimal | None:
        self._open()
        held = self.calls.get(call_id)
        if held is None:
            return None
        held.written, held.read, held.charged = held.written + written, held.read + read, held.charged + _sum([usd])
        return _saved(held)

    async def _record(self, held: HeldCall) -> CallRecord:
        start, end = held.start, held.end
        written, read = _spent(held)
        return CallRecord(
            call=self._row(held),
            rule=start.rule,
            complexity=start.complexity,
            conversation=start.conversation,
            project=start.project,
            tier=end.tier if end else None,
            brief_tokens=start.input_tokens,
            written=written,
            read=read,
            listing=end.listing_tokens if end else 0,
            spared=end.spared if end else Usage(),
            saved_usd=_saved(held),
            verdict=self.judged[start.call_id].verdict if start.call_id in self.judged else None,
            attempts=await self.attempts(start.call_id),
        )

    async def forget_calls(self, now: float) -> int:
        self._open()
        counts = {
            owner
            for (owner, _), held in self.tried.items()
            if held.end is None
            or (held.counted is not None and held.counted[0] > now - MINUTE_S)
            or (held.start.tier == "paid" and held.end.ended_at >= day_start(now, "utc"))
        }
        forgotten = [call_id for call_id, held in self.calls.items() if held.end and call_id not in counts]
        for call_id in forgotten:
            del self.calls[call_id]  # its attempts stay in `tried`, where windows are counted
        for held in self.calls.values():
            if held.end:
                held.start = replace(held.start, reason="", conversation=None, project=None, arm="")
                held.end = replace(held.end, error=None, beyond_arm=False)
        self.batches = {row.batch_id: row for row in self.batches.values() if row.state == "running"}
        self.known, self.judged = {}, {}
        return len(forgotten)

    async def prune(self, before: float, due_before: float) -> int:
        self._open()
        if not self._oldest(due_before):
            return 0
        pruned = self._oldest(before)[:PRUNED_AT_ONCE]
        for call_id in pruned:
            del self.calls[call_id]
            self.judged.pop(call_id, None)
        self.known = {key: held for key, held in self.known.items() if max(held.worth.at, held.presence.at) >= before}
        self.tried = {key: held for key, held in self.tried.items() if key[0] not in pruned}
        self.batches = {
            row.batch_id: row for row in self.batches.values() if row.ended_at is None or row.ended_at >= before
        }
        return len(pruned)

    def _oldest(self, before: float) -> list[str]:
        rows = sorted((held.start.started_at, call_id, held.end) for call_id, held in self.calls.items())
        return [name for at, name, end in rows if at < before and (end is not None or at < before - STUCK_S)]

    async def begin_batch(self, row: BatchRow) -> None:
        self._open()
        self.batches.setdefault(row.batch_id, row)

    async def hold_batch(self, row: BatchRow, now: float, dead: str = "") -> bool:
        self._open()
        there = self.batches.get(row.batch_id)
        if there is None or there.state != "running":
            return False
        if there.owner not in {row.owner, dead} and there.lease_until > now:
            return False
        self.batches[row.batch_id] = replace(row, created_at=there.created_at, total=there.total)
        return True

    async def batch(self, batch_id: str) -> BatchRow | None:
        self._open()
        return self.batches.get(batch_id)

    async def learn(self, call_id: str, pieces: Sequence[Piece], now: float) -> None:
        self._open()
        held = self.calls.get(call_id)
        if held is None or held.learned:
            return
        held.learned = True
        self._turn_back(now)
        for piece in pieces:
            key = (piece.model_id, piece.task_type)
            self.known[key] = self.known.get(key, Standing()).with_(piece, now)

    async def standings(self) -> dict[tuple[ModelId, str], Standing]:
        self._open()
        return dict(self.known)

    async def judge(self, call_id: str, verdict: Verdict, why: str, now: float) -> VerdictRow | None:
        self._open()
        held = self.calls.get(call_id)
        if held is None or held.end is None or held.end.state != "ok" or held.end.candidate is None:
            return None
        model_id, task_type = held.end.candidate, held.start.task_type
        row = VerdictRow(
            call_id=call_id, model_id=model_id, task_type=task_type, verdict=verdict, why=why[:WHY_CHARS], at=now
        )
        before = self.judged.get(call_id)
        self.judged[call_id] = row
        if before is None or before.verdict != verdict:
            self._turn_back(now)
            standing = self.known.get((model_id, task_type), Standing())
            self.known[model_id, task_type] = judged(standing, row, before and before.at)
        return row

    def _turn_back(self, now: float) -> None:
        def turned(tally: Tally, of: Standing) -> Tally:
            return replace(tally, at=min(tally.at, now)) if ahead(max(of.worth.at, of.presence.at), now) else tally

        self.known = {key: Standing(turned(of.worth, of), turned(of.presence, of)) for key, of in self.known.items()}

    async def verdicts(self) -> tuple[VerdictRow, ...]:
        self._open()
        return tuple(sorted(self.judged.values(), key=lambda row: row.at))

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

    def _learn(self, end: Settle, began: float) -> None:
        model_id, seen_at = end.attempt.model_id, end.ended_at
        minute, day = quota.minute_before(began), day_start(seen_at, end.reset)
        for told in end.rate_limits:
            alike = [held for held in self._of_provider(model_id) if told.scope == "account" or _is(held, model_id)]
            own = quota.still_held(_use(alike, seen_at, day, minute), _given_back(alike, began))
            word = quota.learned_limit(model_id, told, own, started_at=began, seen_at=seen_at, reset=end.reset)
            key = (word.model_id, told.metric, told.period)
            before = self.limits.get(key)
            if before is None or seen_at >= before.seen_at:
                self.limits[key] = word

    def _health(self, model_id: ModelId, now: float) -> health.Health:
        held = health.Health(
            off=self.off.get(model_id.provider),
            gone=self.gone.get(model_id),
            breaker=self.breakers.get(model_id.provider),
            cooldown=self.cooldowns.get(model_id),
            account_cooldown=self.cooldowns.get(quota.account_of(model_id)),
        )
        return health.as_of(held, now)

    def _keep(self, model_id: ModelId, found: health.Health) -> None:
        _put(self.off, model_id.provider, found.off)
        _put(self.gone, model_id, found.gone)
        _put(self.breakers, model_id.provider, found.breaker)
        _put(self.cooldowns, model_id, found.cooldown)
        _put(self.cooldowns, quota.account_of(model_id), found.account_cooldown)

    def _state(self, ask: Reserve) -> QuotaState:
        now, model_id, day = ask.now, ask.model_id, day_start(ask.now, ask.reset)
        account = self._of_provider(model_id)
        whose = (model_id, quota.account_of(model_id))
        paid = [held for held in self.tried.values() if held.start.tier == "paid"]
        midnight = day_start(now, "utc")
        cost = _sum(held.end.attempt.cost_usd for held in paid if held.end and held.end.ended_at >= midnight)
        return QuotaState(
            health=self._health(model_id, now),
            model=_use([held for held in account if _is(held, model_id)], now, day),
            account=_use(account, now, day),
            learned=tuple(word for word in self.limits.values() if word.model_id in whose),
            paid_usd=cost + _sum(held.start.usd for held in paid if held.leased(now)),
            ahead=self._ahead(ask),
            spent=tuple(
                [
                    Spent(*held.counted, _is(held, model_id))
                    for held in account
                    if held.counted and held.counted[0] > now - MINUTE_S
                ]
                + [
                    Spent(held.start.now, held.start.tokens, _is(held, model_id), under_way=True)
                    for held in account
                    if held.leased(now)
                ]
            ),
        )

    def _ahead(self, ask: Reserve) -> int:
        mine = (ask.ticket.since, ask.ticket.ticket_id) if ask.ticket else (inf, "")
        return sum(
            model_id == ask.model_id and ticket.lease_until > ask.now and (ticket.since, ticket.ticket_id) < mine
            for model_id, ticket in self.line.values()
        )

    def _queue(self, ask: Reserve, refusal: Refusal | None) -> None:
        ticket = ask.ticket
        if ticket is None:
            return
        if refusal is None or refusal.why not in STANDS_IN_LINE:
            self.line.pop(ticket.ticket_id, None)
        else:
            before = self.line.get(ticket.ticket_id, (ask.model_id, ticket))[1]
            renewed = ticket.lease_until >= before.lease_until + RENEWED_S
            until = ticket.lease_until if renewed else before.lease_until
            self.line[ticket.ticket_id] = (ask.model_id, replace(before, lease_until=until))

    def _of_provider(self, model_id: ModelId) -> list[HeldAttempt]:
        return [held for held in self.tried.values() if held.start.model_id.provider == model_id.provider]

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
            arm=start.arm,
            beyond_arm=bool(end and end.beyond_arm),
        )
        if end is not None:
            return row
        leases = [tried.start.lease_until for (owner, _), tried in self.tried.items() if owner == start.call_id]
        if self.alive(start.pid) and self.clock() < max([start.started_at + UNLEASED_S, *leases]):
            return row
        return replace(row, state="failed", error="its server ended")


def _is(held: HeldAttempt, model_id: ModelId) -> bool:
    return held.start.model_id == model_id


def _put(table: dict[K, V], key: K, value: V | None) -> None:
    if value is None:
        table.pop(key, None)
    else:
        table[key] = value


def _given_back(attempts: list[HeldAttempt], asked: float) -> int:
    return sum(
        max(0, held.start.tokens - held.counted[1])
        for held in attempts
        if held.end and held.counted and held.end.attempt.outcome == "ok" and held.end.ended_at > asked
    )


def _use(attempts: list[HeldAttempt], now: float, day_start: float, minute_start: float | None = None) -> ModelUse:
    since = now - MINUTE_S if minute_start is None else minute_start
    leased = [held for held in attempts if held.leased(now)]
    counted = [held.counted for held in attempts if held.counted]
    minute = [(at, tokens) for at, tokens in counted if at > since and not ahead(at, now)]
    day = [tokens for at, tokens in counted if at >= day_start]
    began = [at for at, _ in minute] + [held.start.now for held in leased if held.start.now > since]
    return ModelUse(
        requests_minute=len(minute),
        tokens_minute=sum(tokens for _, tokens in minute),
        requests_day=len(day),
        tokens_day=sum(day),
        reserved_requests=len(leased),
        reserved_tokens=sum(held.start.tokens for held in leased),
        oldest_in_minute=min(began, default=None),
    )


def _tier(tier: str, tried: list[HeldAttempt], calls: Iterable[HeldCall]) -> TierTotals:
    mine = [held for held in tried if held.start.tier == tier]
    ended = [held.end.attempt for held in mine if held.end]
    answered = [held for held in calls if held.end and held.end.tier == tier]
    return TierTotals(
        tier=tier,
        calls=len(answered),
        attempts=len(mine),
        input_tokens=sum(attempt.usage.input_tokens for attempt in ended),
        output_tokens=sum(attempt.usage.output_tokens for attempt in ended),
        cost_usd=_sum(attempt.cost_usd for attempt in ended),
        saved_usd=_sum(_saved(held) for held in answered),
    )


def _spent(held: HeldCall) -> tuple[int, int]:
    """What the director wrote and read."""
    end = held.end
    return (
        held.written + (end.director_input_tokens if end else 0),
        held.read + (end.director_output_tokens if end else 0),
    )


def _saved(held: HeldCall) -> Decimal:
    return _sum([held.end.saved_usd if held.end else ZERO]) - held.charged


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    """In whole nano-dollars each, as every ledger keeps them."""
    nano = Decimal("1e-9")
    return sum((amount.quantize(nano, ROUND_HALF_EVEN) for amount in amounts), ZERO)
