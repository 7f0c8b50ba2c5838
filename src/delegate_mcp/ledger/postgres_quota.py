"""Places in a model's windows, over PostgreSQL: taken, settled, waited for. Each function runs inside one transaction.

What is decided is pure (`decision.decide`, `health.settled`, `quota.learned_limit`); here it is read and kept. What
concerns a provider is done by one transaction at a time: it holds the provider's lock from before it looks until what
it wrote can be seen. A statement waits for no answer before its rows are asked for: a transaction takes two journeys.
"""

import math
import os
import zlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.usage import ZERO
from delegate_mcp.ledger.base import LedgerSnapshot, ModelUse, Refusal, Reserve, Settle
from delegate_mcp.ledger.days import DayReset, day_start
from delegate_mcp.ledger.decision import STANDS_IN_LINE, TIMED, QuotaState, Spent, decide
from delegate_mcp.ledger.health import GONE_S, Health, attempt_key, probing, settled
from delegate_mcp.ledger.postgres_statements import Transaction, one, this_machine
from delegate_mcp.ledger.quota import MINUTE_S, account_of, counted_at, learned_limit, minute_before, still_held
from delegate_mcp.ledger.sqlite_rows import (
    attempt_fields,
    breaker_of,
    cooldown_of,
    health_of,
    learned_of,
    model_id_of,
    nano_usd,
    off_of,
    tombstone_of,
    usd,
    use_from,
    use_of,
)
from delegate_mcp.ledger.window import Scope

HOUR_S = 3600
_PROVIDERS, _MONEY = 1684825971, 1684825972
"""The two families of advisory locks: one lock a provider, one for what paid models cost."""

_Fields = dict[str, Any]


def ensure_call(tx: Transaction, call_id: str, at: float) -> None:
    """Record a call whose beginning was lost."""
    tx.send("ensure_call", {"call_id": call_id, "at": at, "pid": os.getpid(), "machine": this_machine()})


def reserve(tx: Transaction, ask: Reserve) -> Refusal | None:
    """Take a place in every window, or none; a refused call with a ticket stands in line."""
    if ask.daily_usd is not None:
        tx.send("lock", {"family": _MONEY, "key": 0})  # before the provider's, always: no two can wait for each other
    _lock(tx, ask.model_id)
    key = {"call_id": ask.call_id, "number": ask.number}
    if tx.again and tx.send("find_attempt", key).fetchone() is not None:
        return None  # it was taken, only its answer was lost
    state = _state(tx, ask)
    refusal = decide(ask, state)
    if refusal is not None:
        if refusal.why in TIMED:
            refusal = decide(ask, replace(state, spent=_spent(tx, ask)))
        _queue(tx, ask, refusal)
        return refusal
    ensure_call(tx, ask.call_id, ask.now)
    fields = _model(ask.model_id) | {
        "tier": ask.tier,
        "started_at": ask.now,
        "reserved_tokens": ask.tokens,
        "reserved_nano_usd": nano_usd(ask.usd),
        "lease_until": ask.lease_until,
    }
    tx.send("reserve", key | fields)
    probe = probing(state.health, attempt_key(ask.call_id, ask.number), ask.lease_until)
    _keep(tx, ask.model_id, state.health, probe)
    _queue(tx, ask, None)
    return None


def settle(tx: Transaction, end: Settle) -> None:
    """Put what was used in the place of what was reserved, and keep what the answer tells. The first end stands."""
    attempt, model = end.attempt, _model(end.attempt.model_id)
    key = {"call_id": end.call_id, "number": attempt.number}
    _lock(tx, attempt.model_id)
    asked = tx.send("find_attempt", key), tx.send("health", model)
    found, health = asked[0].fetchone(), health_of(asked[1], attempt.model_id)
    if found is not None and found["outcome"] != "running":
        return
    if found is None:
        began = end.ended_at - attempt.latency_ms / 1000
        ensure_call(tx, end.call_id, began)
        lost = {"tier": attempt.tier, "started_at": began, "lease_until": end.ended_at}
        tx.send("reserve", key | model | lost | {"reserved_tokens": 0, "reserved_nano_usd": 0})
    else:
        began = found["started_at"]
    at = counted_at(end.ended_at, attempt) if end.counted else None
    tokens = attempt.usage.total if end.counted_tokens is None else end.counted_tokens
    counted = {"counted_at": at, "counted_tokens": tokens if end.counted else 0, "ended_at": end.ended_at}
    tx.send("settle", key | counted | attempt_fields(attempt))
    if at is not None:
        tx.send("count_use", model | {"hour": int(at // HOUR_S), "tokens": tokens})
    if end.rate_limits:
        _learn(tx, end, began)
    _keep(tx, attempt.model_id, health, settled(health, end, began))


def leave(tx: Transaction, ticket_id: str) -> None:
    """Step out of the line."""
    tx.send("leave_line", {"ticket_id": ticket_id})


def snapshot(tx: Transaction, now: float, day_starts: Mapping[str, float]) -> LedgerSnapshot:
    """What the planner and the budget see; a provider that `day_starts` does not name has its day from midnight UTC."""
    utc = day_start(now, "utc")
    times = {"now": now, "minute_start": now - MINUTE_S, "gone_since": now - GONE_S}
    days = {
        "providers": list(day_starts),
        "starts": list(day_starts.values()),
        "utc_start": utc,
        "first_hour": int(min((utc, *day_starts.values())) // HOUR_S),
    }
    used = [tx.send("use_in_minute", times), tx.send("reserved", times), tx.send("use_in_day", days)]
    limits, cooldowns, breakers = tx.send("limits"), tx.send("cooldowns", times), tx.send("open_breakers")
    off, gone, waiting = tx.send("providers_off"), tx.send("gone", times), tx.send("waiting", times)
    return LedgerSnapshot(
        taken_at=now,
        use=use_of(*used),
        limits=tuple(learned_of(row) for row in limits),
        cooldowns=tuple(cooldown_of(row) for row in cooldowns),
        breakers=tuple(breaker_of(row) for row in breakers),
        off=tuple(off_of(row) for row in off),
        gone=tuple(tombstone_of(row) for row in gone),
        waiting={model_id_of(row): row["calls"] for row in waiting},
    )


def _lock(tx: Transaction, model_id: ModelId) -> None:
    key = zlib.crc32(model_id.provider.encode()) - 2**31  # PostgreSQL's integers have a sign
    tx.send("lock", {"family": _PROVIDERS, "key": key})


def _state(tx: Transaction, ask: Reserve) -> QuotaState:
    model, times = _model(ask.model_id), _times(ask.model_id, ask.now, ask.reset)
    health, limits = tx.send("health", model), tx.send("limits_of", model)
    ahead, used = tx.send("ahead", _line(ask)), tx.send("use_of_model", times)
    capped = ask.daily_usd is not None
    paid = tx.send("paid", {"now": ask.now, "day_start": day_start(ask.now, "utc")}) if capped else None
    learned = tuple(learned_of(row) for row in limits)
    shared = any(limit.scope == "account" for limit in (*ask.limits, *(word.limit for word in learned)))
    return QuotaState(
        health=health_of(health, ask.model_id),
        learned=learned,
        ahead=one(ahead)["calls"],
        model=use_from(one(used)),
        account=_use(tx, "account", times) if shared else ModelUse(),
        paid_usd=usd(one(paid)["nano_usd"]) if paid else ZERO,
    )


def _spent(tx: Transaction, ask: Reserve) -> tuple[Spent, ...]:
    rows = tx.send("spent", _times(ask.model_id, ask.now, ask.reset))
    return tuple(Spent(row["at"], row["tokens"], row["own"], row["under_way"]) for row in rows)


def _use(tx: Transaction, scope: Scope, times: _Fields) -> ModelUse:
    return use_from(one(tx.send(f"use_of_{scope}", times)))


def _times(model_id: ModelId, now: float, reset: DayReset, minute_start: float | None = None) -> _Fields:
    return _model(model_id) | {
        "now": now,
        "minute_start": now - MINUTE_S if minute_start is None else minute_start,
        "hour": int(day_start(now, reset) // HOUR_S),
    }


def _line(ask: Reserve) -> _Fields:
    since, ticket_id = (ask.ticket.since, ask.ticket.ticket_id) if ask.ticket else (math.inf, "")
    return _model(ask.model_id) | {"since": since, "ticket_id": ticket_id, "now": ask.now}


def _queue(tx: Transaction, ask: Reserve, refusal: Refusal | None) -> None:
    if ask.ticket is None:
        return
    if refusal is None or refusal.why not in STANDS_IN_LINE:
        leave(tx, ask.ticket.ticket_id)
        return
    tx.send("forget_the_dead", _line(ask))
    tx.send("stand_in_line", _model(ask.model_id) | asdict(ask.ticket))


def _learn(tx: Transaction, end: Settle, began: float) -> None:
    model_id = end.attempt.model_id
    seen = _times(model_id, end.ended_at, end.reset, minute_before(began))
    scopes: set[Scope] = {told.scope for told in end.rate_limits}
    back = one(tx.send("given_back", seen | {"asked": began}))
    own = {scope: still_held(_use(tx, scope, seen), back[scope]) for scope in scopes}
    for told in end.rate_limits:
        word = learned_limit(model_id, told, own[told.scope], started_at=began, seen_at=end.ended_at, reset=end.reset)
        known = {"seen_at": word.seen_at, "elsewhere": word.elsewhere}
        tx.send("learn_limit", asdict(told) | _model(word.model_id) | known)


def _keep(tx: Transaction, model_id: ModelId, before: Health, after: Health) -> None:
    """Write what differs."""
    if after == before:
        return
    model, account = _model(model_id), _model(account_of(model_id))
    rows = (
        ("off", model, before.off, after.off),
        ("gone", model, before.gone, after.gone),
        ("breaker", model, before.breaker, after.breaker),
        ("cooldown", model, before.cooldown, after.cooldown),
        ("cooldown", account, before.account_cooldown, after.account_cooldown),
    )
    for what, key, old, new in rows:
        if new is None and old is not None:
            tx.send(f"drop_{what}", key)
        elif new is not None and new != old:
            tx.send(f"keep_{what}", asdict(new) | key)


def _model(model_id: ModelId) -> _Fields:
    return {"provider": model_id.provider, "model": model_id.model}
