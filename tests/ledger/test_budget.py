"""What budget://current shows."""

import json
from decimal import Decimal
from typing import Any

from delegate_mcp.catalog.catalog import Catalog, Limit, Model
from delegate_mcp.config.settings import BudgetSettings
from delegate_mcp.domain.availability import Availability, ProviderState
from delegate_mcp.domain.errors import ErrorKind
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.usage import RateLimit
from delegate_mcp.ledger.base import TierTotals, Totals
from delegate_mcp.ledger.budget import current_budget
from delegate_mcp.ledger.snapshot import (
    Cooldown,
    LearnedLimit,
    LedgerSnapshot,
    ModelUse,
    OpenBreaker,
    ProviderOff,
    Tombstone,
)
from tests.fakes.ledger_rows import GEMINI, GROQ, NOON

LOCAL = ModelId("ollama", "qwen3:4b")
NOTHING = Totals()


def model(model_id: ModelId, *limits: Limit) -> Model:
    return Model(
        model_id=model_id,
        context_tokens=131_072,
        max_output_tokens=8192,
        quality=6,
        rubric={},
        capabilities=frozenset(),
        limits=limits,
        free=True,
        source="test",
    )


CATALOG = Catalog(
    models={
        GROQ: model(GROQ, Limit("requests", "day", 1000)),
        GEMINI: model(GEMINI, Limit("requests", "day", 20)),
        LOCAL: model(LOCAL),
    },
    roles={},
    aliases={},
)
GROQ_ONLY = Availability({
    "groq": ProviderState(name="groq", usable=True, why="key set"),
    "gemini": ProviderState(name="gemini", usable=False, why="no key"),
    "ollama": ProviderState(name="ollama", usable=True, why="running"),
})  # fmt: skip


def shown(
    snapshot: LedgerSnapshot | None = None,
    today: Totals = NOTHING,
    connection: Totals = NOTHING,
    budget: BudgetSettings | None = None,
) -> dict[str, Any]:
    return current_budget(
        snapshot=snapshot or LedgerSnapshot(taken_at=NOON),
        today=today,
        connection=connection,
        catalog=CATALOG,
        day_resets={"groq": "utc", "gemini": "pacific"},
        availability=GROQ_ONLY,
        budget=budget or BudgetSettings(),
    )


def test_an_unused_model_shows_its_limits_where_its_provider_can_be_asked() -> None:
    assert shown()["providers"] == {
        "groq": {
            "usable": True,
            "why": "key set",
            "models": {
                "openai/gpt-oss-20b": {
                    "windows": [
                        {
                            "metric": "requests",
                            "period": "day",
                            "limit": 1000,
                            "used": 0,
                            "reserved": 0,
                            "left": 1000,
                            "resets_at": "2026-11-22T00:00:00Z",
                            "learned": "catalog",
                        }
                    ]
                }
            },
        }
    }


def test_a_used_model_is_shown_though_its_provider_cannot_be_asked() -> None:
    use = {GEMINI: ModelUse(0, 0, 5, 900), LOCAL: ModelUse(1, 70, 2, 140)}
    providers = shown(LedgerSnapshot(taken_at=NOON, use=use))["providers"]
    gemini = providers["gemini"]
    assert (gemini["usable"], gemini["why"]) == (False, "no key")
    assert gemini["models"]["gemini-3.8-flash"]["today"] == {"requests": 5, "tokens": 900}
    assert gemini["models"]["gemini-3.8-flash"]["windows"][0]["resets_at"] == "2026-11-22T08:00:00Z"
    assert providers["ollama"]["models"] == {"qwen3:4b": {"today": {"requests": 2, "tokens": 140}}}


def test_it_tells_where_and_when_a_limit_was_learned_and_how_long_a_model_cools_down() -> None:
    snapshot = LedgerSnapshot(
        taken_at=NOON,
        limits=(LearnedLimit(GROQ, RateLimit("tokens", "minute", 8000, 10, 30.0, "refusal"), NOON - 6, 7990),),
        cooldowns=(Cooldown(GROQ, NOON + 90, ErrorKind.RATE_LIMITED),),
    )
    groq = shown(snapshot)["providers"]["groq"]["models"]["openai/gpt-oss-20b"]
    learned = groq["windows"][1]
    assert (learned["used"], learned["left"], learned["resets_at"]) == (7990, 10, "2026-11-21T12:00:24Z")
    assert (learned["learned"], learned["learned_at"]) == ("refusal", "2026-11-21T11:59:54Z")
    assert groq["cooldown"] == {"until": "2026-11-21T12:01:30Z", "why": "rate_limited"}


def test_it_tells_what_is_used_elsewhere_and_which_windows_an_account_shares() -> None:
    told = RateLimit("requests", "day", 50, 10, scope="account")
    snapshot = LedgerSnapshot(
        taken_at=NOON,
        use={GROQ: ModelUse(requests_day=3), ModelId("groq", "other"): ModelUse(requests_day=7)},
        limits=(LearnedLimit(ModelId("groq", "*"), told, NOON - 6, elsewhere=30),),
    )
    window = shown(snapshot)["providers"]["groq"]["models"]["openai/gpt-oss-20b"]["windows"][1]
    assert (window["scope"], window["used"], window["elsewhere"], window["left"]) == ("account", 40, 30, 10)


def test_it_tells_who_waits_who_is_gone_and_what_keeps_a_provider_from_being_asked() -> None:
    gone, account = ModelId("gemini", "gemini-1"), ModelId("groq", "*")
    snapshot = LedgerSnapshot(
        taken_at=NOON,
        cooldowns=(
            Cooldown(account, NOON + 20, ErrorKind.RATE_LIMITED),
            Cooldown(GROQ, NOON + 120, ErrorKind.RATE_LIMITED, 2),
        ),
        breakers=(OpenBreaker("groq", NOON - 1, 5),),
        off=(ProviderOff("mistral", "mark", NOON - 60),),
        gone=(Tombstone(gone, NOON - 60),),
        waiting={GROQ: 3},
    )
    providers = shown(snapshot)["providers"]
    assert providers["groq"]["cooldown"] == {"until": "2026-11-21T12:00:20Z", "why": "rate_limited"}
    assert providers["groq"]["breaker"] == {"until": "2026-11-21T11:59:59Z", "failures": 5}
    model = providers["groq"]["models"]["openai/gpt-oss-20b"]
    assert model["cooldown"] == {"until": "2026-11-21T12:02:00Z", "why": "rate_limited", "strikes": 2}
    assert model["waiting"] == 3
    assert providers["gemini"]["models"]["gemini-1"] == {"gone_since": "2026-11-21T11:59:00Z"}
    assert providers["mistral"]["key_refused_at"] == "2026-11-21T11:59:00Z"
    assert "mark" not in json.dumps(providers["mistral"])


def test_a_model_of_no_catalog_and_no_provider_is_shown_with_its_use() -> None:
    use = {ModelId("gone", "old"): ModelUse(requests_day=1)}
    gone = shown(LedgerSnapshot(taken_at=NOON, use=use))["providers"]["gone"]
    assert gone["usable"] is False
    assert gone["models"] == {"old": {"today": {"requests": 1, "tokens": 0}}}


def test_totals_are_shown_for_today_and_for_the_connection() -> None:
    free = TierTotals(
        tier="free",
        calls=2,
        attempts=3,
        input_tokens=900,
        output_tokens=80,
        cost_usd=Decimal("0E-9"),
        saved_usd=Decimal("0.120000000"),
    )
    today = Totals(
        calls=3,
        failed_calls=1,
        director_input_tokens=40,
        director_output_tokens=90,
        saved_usd=Decimal("0.120"),
        tiers=(free,),
    )
    report = shown(today=today)
    assert report["today"] == {
        "calls": 3,
        "failed_calls": 1,
        "director": {"input_tokens": 40, "output_tokens": 90},
        "cost_usd": "0",
        "saved_usd": "0.12",
        "tiers": {
            "free": {
                "calls": 2,
                "attempts": 3,
                "input_tokens": 900,
                "output_tokens": 80,
                "cost_usd": "0",
                "saved_usd": "0.12",
            }
        },
    }
    assert report["connection"]["calls"] == 0


def test_the_tokens_of_a_director_are_held_against_its_budget() -> None:
    spent = Totals(director_input_tokens=100, director_output_tokens=300, director_listing_tokens=900)
    of = {
        limit: shown(connection=spent, budget=BudgetSettings(director_tokens=limit)) for limit in (None, 1_500, 1_300)
    }
    told = {limit: report["connection"]["director_tokens"] for limit, report in of.items()}
    assert told == {
        None: {"spent": 1_300, "budget": None},
        1_500: {"spent": 1_300, "budget": 1_500, "left": 200, "state": "answers"},
        1_300: {"spent": 1_300, "budget": 1_300, "left": 0, "state": "digests"},
    }


def test_the_daily_cap_is_less_by_what_paid_models_cost_today() -> None:
    paid = TierTotals(
        tier="paid",
        calls=1,
        attempts=1,
        input_tokens=1,
        output_tokens=1,
        cost_usd=Decimal("0.75"),
        saved_usd=Decimal(0),
    )
    capped = shown(today=Totals(tiers=(paid,)), budget=BudgetSettings(daily_usd=Decimal(10)))["money"]
    assert capped == {
        "director_model": "claude-opus-5-5",
        "daily_usd": "10",
        "paid_today_usd": "0.75",
        "left_today_usd": "9.25",
    }
    assert shown()["money"]["daily_usd"] is None
    assert "left_today_usd" not in shown()["money"]


def test_it_is_json() -> None:
    snapshot = LedgerSnapshot(
        taken_at=NOON, use={GROQ: ModelUse(1, 2, 3, 4)}, cooldowns=(Cooldown(GROQ, NOON, ErrorKind.AUTH),)
    )
    report = shown(snapshot)
    assert json.loads(json.dumps(report)) == report
    assert report["at"] == "2026-11-21T12:00:00Z"
