"""The JSON of `budget://current`: what is left at every model, and what the calls used, cost and saved. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from delegate_mcp.catalog.catalog import Catalog
from delegate_mcp.config.settings import BudgetSettings
from delegate_mcp.domain.availability import Availability, ProviderState
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.usage import ZERO
from delegate_mcp.ledger.base import TierTotals, Totals
from delegate_mcp.ledger.days import DayReset
from delegate_mcp.ledger.quota import ACCOUNT, windows_for
from delegate_mcp.ledger.snapshot import Cooldown, LedgerSnapshot
from delegate_mcp.ledger.window import Window

Json = dict[str, Any]


def current_budget(
    *,
    snapshot: LedgerSnapshot,
    today: Totals,
    connection: Totals,
    catalog: Catalog,
    day_resets: Mapping[str, DayReset],
    availability: Availability,
    budget: BudgetSettings,
) -> Json:
    """Everything `budget://current` shows, at the time of the snapshot.

    `today` is summed from midnight UTC, `connection` over one client connection; `day_resets` is each provider's row.
    Times are ISO 8601 in UTC, money is a string of USD. The shape; `?` marks what is left out where it does not apply::

        {
          "at": "2026-11-21T10:00:00Z",
          "providers": {"groq": {
            "usable": true, "why": "key set",
            "key_refused_at"?: "…Z",
            "breaker"?:  {"until": "…Z", "failures": 5},
            "cooldown"?: {as of a model, for all of them},
            "models": {"openai/gpt-oss-20b": {
              "today"?:    {"requests": 3, "tokens": 5120},
              "windows"?:  [{"metric": "requests", "period": "day", "scope"?: "account", "limit": 1000, "used": 3,
                             "elsewhere"?: 1, "reserved": 1, "left": 996, "resets_at"?: "…Z",
                             "learned": "header", "learned_at"?: "…Z"}],
              "cooldown"?: {"until": "…Z", "why": "rate_limited", "strikes"?: 2},
              "gone_since"?: "…Z", "waiting"?: 3}}}},
          "today": {
            "calls": 4, "failed_calls": 0,
            "director": {"input_tokens": 400, "output_tokens": 900},
            "cost_usd": "0", "saved_usd": "0.0312",
            "tiers": {"free": {"calls": 4, "attempts": 5, "input_tokens": 9000, "output_tokens": 2100,
                               "cost_usd": "0", "saved_usd": "0.0312"}}},
          "connection": {as "today", and
            "director_tokens": {"spent": 2200, "budget": null | 2000, "left"?: 0, "state"?: "answers" | "digests"}},
          "money": {"director_model": "claude-opus-5-5", "daily_usd": null | "2",
                    "paid_today_usd": "0", "left_today_usd"?: "2"}
        }

    `elsewhere` is the part of `used` that somebody else used with the same key; a breaker past its `until` waits for
    one call to try. `strikes` are refusals in a row, told from the second on; `waiting` are calls in line.
    `director` is what the director spent on us: what it wrote to call (input) and what it read of the replies (output).
    Its tokens with the schemas that it read are held against budget.director_tokens: beyond it answers come as digests.
    A model that was never used is left out where its provider cannot be asked or it has no limits.
    """
    return {
        "at": _iso(snapshot.taken_at),
        "providers": _providers(snapshot, catalog, day_resets, availability),
        "today": _totals(today),
        "connection": {**_totals(connection), "director_tokens": _director_tokens(connection, budget)},
        "money": _money(today, budget),
    }


def _providers(
    snapshot: LedgerSnapshot, catalog: Catalog, day_resets: Mapping[str, DayReset], availability: Availability
) -> Json:
    held = {row.model_id for row in (*snapshot.cooldowns, *snapshot.gone) if row.model_id.model != ACCOUNT}
    offered = {model_id for model_id in catalog.models if availability.usable(model_id.provider)}
    models: dict[str, Json] = {}
    for model_id in sorted(offered | snapshot.use.keys() | snapshot.waiting.keys() | held):
        model = catalog.models.get(model_id)
        limits = model.limits if model else ()
        windows = windows_for(model_id, limits, snapshot, day_resets.get(model_id.provider, "utc"))
        if shown := _model(model_id, windows, snapshot):
            models.setdefault(model_id.provider, {})[model_id.model] = shown
    troubles = _troubles(snapshot)
    return {
        name: {**_state(name, availability), **troubles.get(name, {}), "models": models.get(name, {})}
        for name in sorted(models.keys() | troubles.keys())
    }


def _state(provider: str, availability: Availability) -> Json:
    unknown = ProviderState(name=provider, usable=False, why="not among the providers")
    state = availability.states.get(provider, unknown)
    return {"usable": state.usable, "why": state.why}


def _troubles(snapshot: LedgerSnapshot) -> dict[str, Json]:
    """What keeps whole providers from being asked, by provider."""
    troubles: dict[str, Json] = {off.provider: {"key_refused_at": _iso(off.since)} for off in snapshot.off}
    for breaker in snapshot.breakers:
        shown = {"until": _iso(breaker.until), "failures": breaker.failures}
        troubles.setdefault(breaker.provider, {})["breaker"] = shown
    for cooldown in snapshot.cooldowns:
        if cooldown.model_id.model == ACCOUNT:
            troubles.setdefault(cooldown.model_id.provider, {})["cooldown"] = _cooldown(cooldown)
    return troubles


def _model(model_id: ModelId, windows: tuple[Window, ...], snapshot: LedgerSnapshot) -> Json:
    shown: Json = {}
    if (use := snapshot.use.get(model_id)) is not None:
        shown["today"] = {"requests": use.requests_day, "tokens": use.tokens_day}
    if windows:
        shown["windows"] = [_window(window) for window in windows]
    for cooldown in snapshot.cooldowns:
        if cooldown.model_id == model_id:
            shown["cooldown"] = _cooldown(cooldown)
    for tombstone in snapshot.gone:
        if tombstone.model_id == model_id:
            shown["gone_since"] = _iso(tombstone.since)
    if waiting := snapshot.waiting.get(model_id):
        shown["waiting"] = waiting
    return shown


def _cooldown(cooldown: Cooldown) -> Json:
    shown: Json = {"until": _iso(cooldown.until), "why": cooldown.why.value}
    return shown | ({"strikes": cooldown.strikes} if cooldown.strikes > 1 else {})


def _window(window: Window) -> Json:
    shown: Json = {"metric": window.metric, "period": window.period}
    if window.scope == "account":
        shown["scope"] = window.scope
    shown |= {"limit": window.limit, "used": window.used}
    if window.elsewhere:
        shown["elsewhere"] = window.elsewhere
    shown |= {"reserved": window.reserved, "left": window.left}
    if window.resets_at is not None:
        shown["resets_at"] = _iso(window.resets_at)
    shown["learned"] = window.learned_from
    if window.learned_at is not None:
        shown["learned_at"] = _iso(window.learned_at)
    return shown


def _totals(totals: Totals) -> Json:
    return {
        "calls": totals.calls,
        "failed_calls": totals.failed_calls,
        "director": {"input_tokens": totals.director_input_tokens, "output_tokens": totals.director_output_tokens},
        "cost_usd": _usd(totals.cost_usd),
        "saved_usd": _usd(totals.saved_usd),
        "tiers": {tier.tier: _tier(tier) for tier in totals.tiers},
    }


def _director_tokens(connection: Totals, budget: BudgetSettings) -> Json:
    spent = connection.director_tokens
    if budget.director_tokens is None:
        return {"spent": spent, "budget": None}
    left = max(0, budget.director_tokens - spent)
    return {"spent": spent, "budget": budget.director_tokens, "left": left, "state": "answers" if left else "digests"}


def _tier(tier: TierTotals) -> Json:
    return {
        "calls": tier.calls,
        "attempts": tier.attempts,
        "input_tokens": tier.input_tokens,
        "output_tokens": tier.output_tokens,
        "cost_usd": _usd(tier.cost_usd),
        "saved_usd": _usd(tier.saved_usd),
    }


def _money(today: Totals, budget: BudgetSettings) -> Json:
    paid = sum((tier.cost_usd for tier in today.tiers if tier.tier == "paid"), ZERO)
    money: Json = {
        "director_model": budget.director_model,
        "daily_usd": None if budget.daily_usd is None else _usd(budget.daily_usd),
        "paid_today_usd": _usd(paid),
    }
    if budget.daily_usd is not None:
        money["left_today_usd"] = _usd(max(ZERO, budget.daily_usd - paid))
    return money


def _usd(amount: Decimal) -> str:
    """Plain digits, without an exponent and without zeros at the end."""
    return f"{amount.normalize():f}"


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
