"""Places in a model's windows over SQLite: taken, settled, waited for. Each function runs inside one transaction.

What is decided is pure (`decision.decide`, `health.settled`, `quota.learned_limit`); here it is read and kept.
"""

import math
import os
import sqlite3
from dataclasses import asdict, replace
from typing import Any

from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.usage import RateLimit
from delegate_mcp.ledger.base import ModelUse, Refusal, Reserve, Settle
from delegate_mcp.ledger.days import DayReset, day_start
from delegate_mcp.ledger.decision import STANDS_IN_LINE, TIMED, QuotaState, Spent, decide
from delegate_mcp.ledger.health import Health, attempt_key, probing, settled
from delegate_mcp.ledger.quota import MINUTE_S, account_of, counted_at, learned_limit, minute_before, still_held
from delegate_mcp.ledger.sqlite_rows import (
    attempt_fields,
    health_of,
    learned_of,
    nano_usd,
    usd,
    use_from,
)
from delegate_mcp.ledger.sqlite_statements import SQL
from delegate_mcp.ledger.window import Scope

HOUR_S = 3600
_Fields = dict[str, Any]


def ensure_call(db: sqlite3.Connection, call_id: str, at: float) -> None:
    """Record a call whose beginning was lost with a broken file."""
    db.execute(SQL["ensure_call"], {"call_id": call_id, "at": at, "pid": os.getpid()})


def reserve(db: sqlite3.Connection, ask: Reserve) -> Refusal | None:
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
    db.execute(SQL["reserve"], fields)
    probe = probing(state.health, attempt_key(ask.call_id, ask.number), ask.lease_until)
    _keep(db, ask.model_id, state.health, probe)
    _queue(db, ask, None)
    return None


def settle(db: sqlite3.Connection, end: Settle) -> None:
    """Put what was used in the place of what was reserved, and keep what the answer tells. The first end stands."""
    attempt, model = end.attempt, _model(end.attempt.model_id)
    key = {"call_id": end.call_id, "number": attempt.number}
    found = db.execute(SQL["find_attempt"], key).fetchone()
    if found is not None and found["outcome"] != "running":
        return
    if found is None:
        began = end.ended_at - attempt.latency_ms / 1000
        ensure_call(db, end.call_id, began)
        lost = {"tier": attempt.tier, "started_at": began, "lease_until": end.ended_at}
        db.execute(SQL["reserve"], {**key, **model, **lost, "reserved_tokens": 0, "reserved_nano_usd": 0})
    else:
        began = found["started_at"]
    at = counted_at(end.ended_at, attempt) if end.counted else None
    tokens = attempt.usage.total if end.counted_tokens is None else end.counted_tokens
    counted = {"counted_at": at, "counted_tokens": tokens if end.counted else 0}
    db.execute(SQL["settle"], {**key, **counted, "ended_at": end.ended_at, **attempt_fields(attempt)})
    if at is not None:
        db.execute(SQL["count_use"], {**model, "hour": int(at // HOUR_S), "tokens": tokens})
    if end.rate_limits:
        _learn(db, end, began)
    health = health_of(db.execute(SQL["health"], model), attempt.model_id)
    _keep(db, attempt.model_id, health, settled(health, end, began))


def leave(db: sqlite3.Connection, ticket_id: str) -> None:
    """Step out of the line."""
    db.execute(SQL["leave_line"], {"ticket_id": ticket_id})


def _state(db: sqlite3.Connection, ask: Reserve) -> QuotaState:
    model = _model(ask.model_id)
    state = QuotaState(
        health=health_of(db.execute(SQL["health"], model), ask.model_id),
        learned=tuple(learned_of(row) for row in db.execute(SQL["limits_of"], model)),
        ahead=_ahead(db, ask),
    )
    if ask.limits or state.learned:
        times = _times(ask.model_id, ask.now, ask.reset)
        state = replace(state, model=_use(db, "model", times))
        if any(limit.scope == "account" for limit in (*ask.limits, *(word.limit for word in state.learned))):
            state = replace(state, account=_use(db, "account", times))
    if ask.daily_usd is not None:
        bounds = {"now": ask.now, "day_start": day_start(ask.now, "utc")}
        state = replace(state, paid_usd=usd(db.execute(SQL["paid"], bounds).fetchone()["nano_usd"]))
    return state


def _spent(db: sqlite3.Connection, ask: Reserve) -> tuple[Spent, ...]:
    rows = db.execute(SQL["spent"], _times(ask.model_id, ask.now, ask.reset))
    return tuple(Spent(row["at"], row["tokens"], bool(row["own"]), bool(row["under_way"])) for row in rows)


def _use(db: sqlite3.Connection, scope: Scope, times: _Fields) -> ModelUse:
    return use_from(db.execute(SQL[f"use_of_{scope}"], times).fetchone())


def _times(model_id: ModelId, now: float, reset: DayReset, minute_start: float | None = None) -> _Fields:
    since = now - MINUTE_S if minute_start is None else minute_start
    return _model(model_id) | {
        "now": now,
        "minute_start": since,
        "minute_hour": int(since // HOUR_S),
        "hour": int(day_start(now, reset) // HOUR_S),
    }


def _ahead(db: sqlite3.Connection, ask: Reserve) -> int:
    since, ticket_id = (ask.ticket.since, ask.ticket.ticket_id) if ask.ticket else (math.inf, "")
    line = _model(ask.model_id) | {"since": since, "ticket_id": ticket_id, "now": ask.now}
    return int(db.execute(SQL["ahead"], line).fetchone()["calls"])


def _queue(db: sqlite3.Connection, ask: Reserve, refusal: Refusal | None) -> None:
    if ask.ticket is None:
        return
    if refusal is None or refusal.why not in STANDS_IN_LINE:
        leave(db, ask.ticket.ticket_id)
        return
    db.execute(SQL["forget_the_dead"], {"now": ask.now})
    db.execute(SQL["stand_in_line"], _model(ask.model_id) | asdict(ask.ticket))


def _learn(db: sqlite3.Connection, end: Settle, began: float) -> None:
    model_id = end.attempt.model_id
    seen = _times(model_id, end.ended_at, end.reset, minute_before(began))
    back = db.execute(SQL["given_back"], seen | {"asked": began}).fetchone()
    scopes: set[Scope] = {told.scope for told in end.rate_limits}
    own = {scope: still_held(_use(db, scope, seen), back[scope]) for scope in scopes}
    for told in end.rate_limits:
        word = learned_limit(model_id, told, own[told.scope], started_at=began, seen_at=end.ended_at, reset=end.reset)
        known = {"seen_at": word.seen_at, "elsewhere": word.elsewhere}
        db.execute(SQL["learn_limit"], _model(word.model_id) | _told(told) | known)


def _told(told: RateLimit) -> _Fields:
    return {
        "metric": told.metric,
        "period": told.period,
        "limit": told.limit,
        "remaining": told.remaining,
        "reset_s": told.reset_s,
        "source": told.source,
    }


def _keep(db: sqlite3.Connection, model_id: ModelId, before: Health, after: Health) -> None:
    """Write what differs."""
    if after == before:
        return
    model, account = _model(model_id), _model(account_of(model_id))
    rows: tuple[tuple[str, _Fields, object, object], ...] = (
        ("off", model, before.off, after.off),
        ("gone", model, before.gone, after.gone),
        ("breaker", model, before.breaker, after.breaker),
        ("cooldown", model, before.cooldown, after.cooldown),
        ("cooldown", account, before.account_cooldown, after.account_cooldown),
    )
    for what, key, old, new in rows:
        if new is None and old is not None:
            db.execute(SQL[f"drop_{what}"], key)
        elif new is not None and new != old:
            db.execute(SQL[f"keep_{what}"], asdict(new) | key)  # type: ignore[arg-type]


def _model(model_id: ModelId) -> dict[str, Any]:
    return {"provider": model_id.provider, "model": model_id.model}
