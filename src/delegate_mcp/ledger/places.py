"""Places in a model's windows: taken, settled, waited for. Each function runs inside one transaction of a database.

What is decided is pure (`decision.decide`, `health.settled`, `quota.learned_limit`); here it is read and kept.
"""

import math
import os
from dataclasses import asdict, replace
from typing import Any

from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.times import CLOCKS_DIFFER_S
from delegate_mcp.domain.usage import ZERO, RateLimit
from delegate_mcp.ledger.base import RENEWED_S, Refusal, Reserve, Settle
from delegate_mcp.ledger.days import DayReset, day_start
from delegate_mcp.ledger.decision import STANDS_IN_LINE, TIMED, QuotaState, Spent, decide
from delegate_mcp.ledger.health import Health, as_of, attempt_key, probing, settled
from delegate_mcp.ledger.quota import (
    MINUTE_S,
    UNUSED,
    account_of,
    counted_at,
    learned_limit,
    minute_before,
    still_held,
)
from delegate_mcp.ledger.rows import attempt_fields, health_of, learned_of, nano_usd, usd, use_from
from delegate_mcp.ledger.snapshot import ModelUse, OpenBreaker
from delegate_mcp.ledger.statements import HOUR_S, Statements, this_machine
from delegate_mcp.ledger.window import Scope

_Fields = dict[str, Any]


def ensure_call(db: Statements, call_id: str, at: float) -> None:
    """Record a call whose beginning was lost."""
    db.send("ensure_call", {"call_id": call_id, "at": at, "pid": os.getpid(), "machine": this_machine()})


def reserve(db: Statements, ask: Reserve) -> Refusal | None:
    """Take a place in every window, or none; a refused call with a ticket stands in line."""
    state = _state(db, ask)
    refusal = decide(ask, state)
    if refusal is not None:
        if refusal.why in TIMED:
            refusal = decide(ask, replace(state, spent=_spent(db, ask)))
        _queue(db, ask, refusal)
        return refusal
    ensure_call(db, ask.call_id, ask.now)
    fields = _model(ask.model_id) | {
        "call_id": ask.call_id,
        "number": ask.number,
        "tier": ask.tier,
        "started_at": ask.now,
        "reserved_tokens": ask.tokens,
        "reserved_nano_usd": nano_usd(ask.usd),
        "lease_until": ask.lease_until,
    }
    db.send("reserve", fields)
    probe = probing(state.health, attempt_key(ask.call_id, ask.number), ask.lease_until)
    _keep(db, ask.model_id, state.health, probe)
    _queue(db, ask, None)
    return None


def settle(db: Statements, end: Settle) -> None:
    """Put what was used in the place of what was reserved, and keep what the answer tells. The first end stands."""
    attempt, model = end.attempt, _model(end.attempt.model_id)
    key = {"call_id": end.call_id, "number": attempt.number}
    asked = db.send("find_attempt", key), db.send("health", model)
    found, health = asked[0].fetchone(), as_of(health_of(asked[1], attempt.model_id), end.ended_at)
    if found is not None and found["outcome"] != "running":
        return
    if found is None:
        began = end.ended_at - attempt.latency_ms / 1000
        ensure_call(db, end.call_id, began)
        lost = {"tier": attempt.tier, "started_at": began, "lease_until": end.ended_at}
        db.send("reserve", {**key, **model, **lost, "reserved_tokens": 0, "reserved_nano_usd": 0})
    else:
        began = found["started_at"]
    at = counted_at(end.ended_at, attempt) if end.counted else None
    tokens = attempt.usage.total if end.counted_tokens is None else end.counted_tokens
    counted = {"counted_at": at, "counted_tokens": tokens if end.counted else 0}
    db.send("settle", {**key, **counted, "ended_at": end.ended_at, **attempt_fields(attempt)})
    if at is not None:
        db.send("count_use", {**model, "hour": int(at // HOUR_S), "tokens": tokens})
    if end.rate_limits:
        _learn(db, end, began)
    _keep(db, attempt.model_id, health, settled(health, end, began))


def half_open(db: Statements, breaker: OpenBreaker, now: float) -> bool:
    """Let one attempt try the provider now; False: its breaker is no longer as it was seen."""
    return db.send("half_open", asdict(breaker) | {"now": now}).fetchone() is not None


def leave(db: Statements, ticket_id: str) -> None:
    """Step out of the line."""
    db.send("leave_line", {"ticket_id": ticket_id})


def _state(db: Statements, ask: Reserve) -> QuotaState:
    model, times = _model(ask.model_id), _times(ask.model_id, ask.now, ask.reset)
    health, limits, ahead = db.send("health", model), db.send("limits_of", model), db.send("ahead", _line(ask))
    used = db.send("use_of_model", times) if ask.limits else None
    capped = ask.daily_usd is not None
    paid = db.send("paid", {"now": ask.now, "day_start": day_start(ask.now, "utc")}) if capped else None
    learned = tuple(learned_of(row) for row in limits)
    if learned and used is None:
        used = db.send("use_of_model", times)
    shared = any(limit.scope == "account" for limit in (*ask.limits, *(word.limit for word in learned)))
    return QuotaState(
        health=as_of(health_of(health, ask.model_id), ask.now),
        learned=learned,
        ahead=int(ahead.fetchone()["calls"]),
        model=UNUSED if used is None else use_from(used.fetchone()),
        account=_use(db, "account", times) if shared else UNUSED,
        paid_usd=ZERO if paid is None else usd(paid.fetchone()["nano_usd"]),
    )


def _spent(db: Statements, ask: Reserve) -> tuple[Spent, ...]:
    rows = db.send("spent", _times(ask.model_id, ask.now, ask.reset))
    return tuple(Spent(row["at"], row["tokens"], bool(row["own"]), bool(row["under_way"])) for row in rows)


def _use(db: Statements, scope: Scope, times: _Fields) -> ModelUse:
    return use_from(db.send(f"use_of_{scope}", times).fetchone())


def _times(model_id: ModelId, now: float, reset: DayReset, minute_start: float | None = None) -> _Fields:
    since = now - MINUTE_S if minute_start is None else minute_start
    return _model(model_id) | {
        "now": now,
        "minute_start": since,
        "ahead": now + CLOCKS_DIFFER_S,
        "minute_hour": int(since // HOUR_S),
        "hour": int(day_start(now, reset) // HOUR_S),
    }


def _line(ask: Reserve) -> _Fields:
    since, ticket_id = (ask.ticket.since, ask.ticket.ticket_id) if ask.ticket else (math.inf, "")
    return _model(ask.model_id) | {"since": since, "ticket_id": ticket_id, "now": ask.now}


def _queue(db: Statements, ask: Reserve, refusal: Refusal | None) -> None:
    if ask.ticket is None:
        return
    if refusal is None or refusal.why not in STANDS_IN_LINE:
        leave(db, ask.ticket.ticket_id)
        return
    db.send("forget_the_dead", _line(ask))
    db.send("stand_in_line", _model(ask.model_id) | asdict(ask.ticket) | {"renewed_s": RENEWED_S})


def _learn(db: Statements, end: Settle, began: float) -> None:
    model_id = end.attempt.model_id
    seen = _times(model_id, end.ended_at, end.reset, minute_before(began))
    back = db.send("given_back", seen | {"asked": began}).fetchone()
    scopes: set[Scope] = {told.scope for told in end.rate_limits}
    own = {scope: still_held(_use(db, scope, seen), back[scope]) for scope in scopes}
    for told in end.rate_limits:
        word = learned_limit(model_id, told, own[told.scope], started_at=began, seen_at=end.ended_at, reset=end.reset)
        known = {"seen_at": word.seen_at, "elsewhere": word.elsewhere}
        db.send("learn_limit", _model(word.model_id) | _told(told) | known)


def _told(told: RateLimit) -> _Fields:
    return {
        "metric": told.metric,
        "period": told.period,
        "limit": told.limit,
        "remaining": told.remaining,
        "reset_s": told.reset_s,
        "source": told.source,
    }


def _keep(db: Statements, model_id: ModelId, before: Health, after: Health) -> None:
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
            db.send(f"drop_{what}", key)
        elif new is not None and new != old:
            db.send(f"keep_{what}", asdict(new) | key)


def _model(model_id: ModelId) -> _Fields:
    return {"provider": model_id.provider, "model": model_id.model}
