"""Sums over calls: whatever they are, the parts add up to the whole."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.outcome import Attempt
from delegate_mcp.domain.plan import Tier
from delegate_mcp.domain.usage import Usage
from delegate_mcp.ledger.reports import CallRecord
from delegate_mcp.reporting.sums import GROUPS, NOBODY, REFUSED, TIERS, Sums, grouped, percentile, summed
from tests.fakes.call_records import record, tried
from tests.fakes.ledger_rows import GEMINI, GROQ, NOON

LOCAL = ModelId("ollama", "qwen3:4b")
DAY_S = 86_400.0

counts = st.integers(0, 10**6)
usages = st.builds(Usage, counts, counts)
money = st.decimals(-100, 100, places=9)
MODELS: list[tuple[ModelId, Tier]] = [(GROQ, "free"), (GEMINI, "paid"), (LOCAL, "local")]
models = st.sampled_from(MODELS)


@st.composite
def attempts(draw: st.DrawFn) -> Attempt:
    model, tier = draw(models)
    cost = draw(st.decimals(0, 10, places=9)) if tier == "paid" else Decimal(0)
    return tried(model, tier=tier, usage=draw(usages), failed=draw(st.booleans()), cost_usd=cost)


@st.composite
def records(draw: st.DrawFn) -> CallRecord:
    model, tier = draw(models)
    return record(
        "c",
        *draw(st.lists(attempts(), max_size=3)),
        at=NOON + draw(st.integers(0, 5)) * DAY_S / 2,
        took_s=draw(st.floats(0, 1000)),
        state=draw(st.sampled_from(["ok", "failed", "cancelled", "running"])),
        candidate=model,
        tier=tier,
        task_type=draw(st.sampled_from(["quick", "coding"])),
        project=draw(st.sampled_from([None, "api-1"])),
        written=draw(counts),
        read=draw(counts),
        listing=draw(counts),
        spared=draw(usages),
        saved_usd=draw(money),
    )


def totals(sums: Sums) -> dict[str, Any]:
    """All that adds up."""
    tiers = {f"{name}.{part}": getattr(tier, part) for name, tier in sums.tiers.items() for part in _PARTS}
    balance = sums.balance
    return tiers | {
        "calls": (sums.ok, sums.failed, sums.refused, sums.cancelled, sums.running),
        "tokens": (sums.tokens, sums.free_tokens, balance.net, balance.spent, balance.spared.total),
        "money": (sums.cost_usd, sums.saved_usd),
        "latencies": sums.latencies_ms,
    }


_PARTS = ("calls", "attempts", "input_tokens", "output_tokens", "cost_usd", "saved_usd")


def added(parts: list[dict[str, Any]]) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    for part in parts:
        for name, value in part.items():
            if name not in whole:
                whole[name] = value
            elif name == "latencies":
                whole[name] = tuple(sorted(whole[name] + value))
            elif isinstance(value, tuple):
                whole[name] = tuple(map(sum, zip(whole[name], value, strict=True)))  # pyright: ignore[reportUnknownArgumentType] - of numbers
            else:
                whole[name] += value
    return whole


@settings(deadline=None)
@given(st.lists(records(), min_size=1, max_size=12), st.sampled_from(list(GROUPS)))
def test_the_groups_add_up_to_the_whole_whatever_they_are_grouped_by(found: list[CallRecord], by: str) -> None:
    assert added([totals(sums) for sums in grouped(found, by).values()]) == totals(summed(found))


@settings(deadline=None)
@given(st.lists(records(), max_size=12), st.integers(0, 12))
def test_two_halves_add_up_to_the_whole(found: list[CallRecord], cut: int) -> None:
    halves = [totals(summed(found[:cut])), totals(summed(found[cut:]))]
    assert added(halves) == totals(summed(found))


@settings(deadline=None)
@given(st.lists(records(), max_size=12))
def test_tiers_hold_all_tokens_and_all_money_and_shares_are_shares(found: list[CallRecord]) -> None:
    sums = summed(found)
    assert sums.calls == len(found)
    assert list(sums.tiers) == [tier for tier in TIERS if tier in sums.tiers]
    assert sum(tier.cost_usd for tier in sums.tiers.values()) == sums.cost_usd
    assert sum(tier.calls for tier in sums.tiers.values()) == sums.ok
    for share in (sums.free_share, sums.success_rate, sums.fallback_rate, sums.cache_rate):
        assert share is None or 0 <= share <= 1


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1))
def test_a_percentile_is_one_of_the_values_that_so_many_do_not_exceed(values: list[float], part: float) -> None:
    ascending = sorted(values)
    found = percentile(ascending, part)
    assert found in values
    assert sum(value <= found for value in values) >= part * len(values) - 1e-9
    assert percentile((), part) is None


def test_the_share_counts_the_directors_own_spending_and_no_subscription_as_free() -> None:
    plan = ModelId("claude", "haiku")
    one = record("a", tried(usage=Usage(600, 100)), written=20, read=40, listing=40)
    two = record("b", tried(plan, tier="subscription", usage=Usage(150, 50)), candidate=plan, tier="subscription")
    assert summed([one, two]).free_share == 700 / (700 + 200 + 100)


def test_a_fallback_is_an_answer_after_another_model_failed_and_no_second_try_of_the_same() -> None:
    fell_back = record("a", tried(GEMINI, failed=True), tried())
    retried = record("b", tried(failed=True), tried())
    voted = record("c", tried(GEMINI), tried())
    assert summed([fell_back, retried, voted]).fallback_rate == pytest.approx(1 / 3)


def test_an_answer_that_nobody_was_asked_for_came_from_the_cache() -> None:
    cached, failed = record("b", spared=Usage(300, 20)), record("c", state="failed")
    sums = summed([record("a", tried(usage=Usage(300, 20)), spared=Usage(300, 20)), cached, failed])
    assert (sums.cached, sums.cache_rate) == (1, 0.5)
    assert sums.tokens == 320
    assert sums.balance.spared.total == 640


def test_a_request_that_could_not_be_used_is_no_failure_of_ours_and_its_cost_counts() -> None:
    refused = record("a", state="failed", rule=REFUSED, written=30, read=10, saved_usd=Decimal("-0.001"))
    sums = summed([refused, record("b")])
    assert (sums.refused, sums.failed, sums.success_rate) == (1, 0, 1.0)
    assert (sums.balance.net, sums.saved_usd) == (-40, Decimal("-0.001"))


def test_the_time_of_a_rented_machine_is_no_call_and_its_cost_counts() -> None:
    rented = ModelId("rented", "big")
    block = tried(rented, tier="paid", usage=Usage(), cost_usd=Decimal("0.5"))
    rent = record("r", block, rule="rented", candidate=rented, tier="paid", saved_usd=Decimal("-0.5"))
    sums = summed([rent, record("b", tried(), saved_usd=Decimal(2))])
    assert (sums.calls, sums.cost_usd, sums.saved_usd) == (1, Decimal("0.5"), Decimal("1.5"))


def test_a_batch_is_its_items_and_what_the_director_wrote_and_read_of_it() -> None:
    batch = record("b", rule="batch", candidate=None, tier=None, took_s=9000, written=300, read=90)
    items = [record(name, tried(), took_s=1, spared=Usage(500, 20)) for name in ("c", "d")]
    sums = summed([batch, *items])
    assert (sums.calls, sums.ok, percentile(sums.latencies_ms, 0.95)) == (2, 2, 1000)
    assert sums.balance.net == 2 * 520 - 390


def test_by_model_tokens_go_to_the_model_that_used_them_and_calls_to_the_one_that_answered() -> None:
    call = record("a", tried(GEMINI, failed=True, usage=Usage(7, 0)), tried(usage=Usage(100, 20)))
    lost = record("b", tried(GEMINI, failed=True, usage=Usage(3, 0)), state="failed")
    groups = grouped([call, lost], "model")
    assert {name: (sums.calls, sums.tokens) for name, sums in groups.items()} == {
        str(GEMINI): (0, 10),
        str(GROQ): (1, 120),
        NOBODY: (1, 0),
    }
