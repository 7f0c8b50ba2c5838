"""What a rented model would have saved."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delegate_mcp.domain.errors import InputError
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.usage import Usage
from delegate_mcp.ledger.reports import CallRecord
from delegate_mcp.reporting.sums import REFUSED
from delegate_mcp.reporting.what_if import Offer, Return, parse_offer, what_if
from tests.fakes.call_records import record, tried
from tests.fakes.ledger_rows import NOON

OFFER = Offer(model="big", usd_per_hour=Decimal(2), idle_s=900.0, context_tokens=8_000)
PAID = ModelId("openrouter", "big")


def worth(usage: Usage) -> Decimal:
    """A director whose every token is a thousandth of a dollar."""
    return Decimal(usage.total) / 1000


def asked(*records: CallRecord, offer: Offer = OFFER) -> Return:
    return what_if(records, offer, worth)


def test_a_machine_runs_while_a_call_does_and_its_idle_time_after_it() -> None:
    once = asked(record(took_s=900))
    assert (once.hours, once.rent_usd) == (Decimal("0.50"), Decimal("1.00"))
    together = asked(record(took_s=900), record(at=NOON + 600, took_s=900))
    assert together.hours == Decimal("0.67")  # 600 s to the second, its 900 s and the idle ones
    apart = asked(record(took_s=900), record(at=NOON + 7200, took_s=900))
    assert apart.hours == Decimal("1.00")


def test_a_paid_call_would_save_its_cost_too_and_the_return_is_less_the_rent() -> None:
    paid = record("a", tried(PAID, tier="paid", cost_usd=Decimal(3)), took_s=900, saved_usd=Decimal(5))
    found = asked(paid)
    assert (found.saved_usd, found.would_save_usd) == (Decimal(5), Decimal(7))
    assert (found.gain_usd, found.break_even_usd_per_hour) == (Decimal(2), Decimal("6.00"))


def test_a_failed_call_would_spare_what_an_answered_one_of_its_kind_does() -> None:
    answered = record("a", task_type="coding", spared=Usage(3000, 1000), took_s=0)
    other = record("b", task_type="quick", spared=Usage(0, 100), took_s=0)
    failed = record("c", task_type="coding", state="failed", saved_usd=Decimal("-0.5"), took_s=0)
    found = asked(answered, other, failed)
    assert (found.calls, found.failed) == (3, 1)
    assert found.would_save_usd - found.saved_usd == Decimal(4) - found.rent_usd


def test_what_is_private_complex_too_long_or_no_call_is_left_out() -> None:
    found = asked(
        record("a", private=True),
        record("b", complexity="complex"),
        record("c", brief_tokens=8_001),
        record("d", state="failed", rule=REFUSED),
        record("e", rule="rented", saved_usd=Decimal(-9)),
        record("f", state="cancelled"),
    )
    assert (found.calls, found.left_out, found.hours, found.saved_usd) == (0, 3, 0, 0)
    assert found.break_even_usd_per_hour is None


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 5_000)), max_size=20), st.integers(1, 50))
def test_the_hours_are_no_longer_than_all_calls_after_another_and_no_shorter_than_the_longest(
    calls: list[tuple[int, int]], usd: int
) -> None:
    offer = Offer(model="m", usd_per_hour=Decimal(usd), idle_s=900.0)
    found = asked(*(record(at=NOON + at, took_s=took) for at, took in calls), offer=offer)
    longest = max((took + 900 for _, took in calls), default=0)
    assert longest / 3600 - 0.01 <= found.hours <= sum(took + 900 for _, took in calls) / 3600 + 0.01
    assert found.gain_usd == -found.rent_usd  # nothing was paid and nothing failed


@pytest.mark.parametrize(
    ("text", "name", "price"),
    [
        ("big:2.50", "big", Decimal("2.50")),
        ("rented:big:2.5", "rented:big", Decimal("2.5")),
        ("ollama:qwen3:4b", "ollama:qwen3:4b", None),
        ("big", "big", None),
    ],
)
def test_an_offer_is_a_model_and_a_price(text: str, name: str, price: Decimal | None) -> None:
    assert parse_offer(text) == (name, price)


@pytest.mark.parametrize("text", ["big:0", "big:-1", "big:nan", ":2", "big:inf"])
def test_a_price_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="USD_PER_HOUR"):
        parse_offer(text)
