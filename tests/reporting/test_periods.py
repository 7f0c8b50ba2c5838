"""Periods as a person writes them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegate_mcp.domain.errors import InputError
from delegate_mcp.reporting.periods import period, since
from tests.fakes.ledger_rows import MIDNIGHT, NOON

DAY_S = 86_400.0


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("90m", NOON - 5400),
        ("24h", NOON - DAY_S),
        ("7d", NOON - 7 * DAY_S),
        ("2w", NOON - 14 * DAY_S),
        ("2026-11-21", MIDNIGHT),
        ("2026-11", at("2026-11-01")),
        ("all", 0.0),
    ],
)
def test_since_goes_from_a_moment_to_now(text: str, begins: float) -> None:
    found = since(text, NOON)
    assert (found.since, found.until, found.name) == (begins, NOON, text)


@pytest.mark.parametrize(
    ("text", "begins", "ends"),
    [
        ("2026-10", at("2026-10-01"), at("2026-11-01")),
        ("2025-12", at("2025-12-01"), at("2026-01-01")),
        ("2026-11", at("2026-11-01"), NOON),  # the month that is under way
        ("2026-10-05", at("2026-10-05"), at("2026-10-06")),
        ("30d", NOON - 30 * DAY_S, NOON),
        ("30d..60d", NOON - 60 * DAY_S, NOON - 30 * DAY_S),
        ("60d..30d", NOON - 60 * DAY_S, NOON - 30 * DAY_S),
        ("2026-10-01..2026-10-15", at("2026-10-01"), at("2026-10-16")),
        ("2026-09..2026-10", at("2026-09-01"), at("2026-11-01")),
    ],
)
def test_a_period_is_a_whole_day_or_month_or_what_lies_between_two_ends(text: str, begins: float, ends: float) -> None:
    found = period(text, NOON)
    assert (found.since, found.until) == (begins, ends)


@pytest.mark.parametrize("text", ["", "soon", "7x", "2026-13", "2026-02-30", "1d..2d..3d", "..", "7d..x", "9999-12-31"])
def test_what_is_no_period_is_refused_in_words(text: str) -> None:
    with pytest.raises(InputError, match="period"):
        period(text, NOON)


def test_a_period_that_has_not_begun_is_refused() -> None:
    with pytest.raises(InputError, match="holds no time"):
        period("2026-12", NOON)


@given(st.integers(1, 9_999), st.integers(1, 9_999))
def test_both_orders_of_a_range_mean_the_same(one: int, other: int) -> None:
    if one != other:
        a, b = period(f"{one}d..{other}d", NOON), period(f"{other}d..{one}d", NOON)
        assert (a.since, a.until) == (b.since, b.until)
        assert a.since < a.until <= NOON
