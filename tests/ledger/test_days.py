"""When a service's day begins."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegate_mcp.ledger.days import DayReset, day_start, day_starts, next_day_start

HOUR = 3600.0
FROM_2007 = 1_200_000_000  # the rule is of 2007
UNTIL_2090 = 3_800_000_000


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("now", "start", "end"),
    [
        ("2026-11-21T00:00:00+00:00", "2026-11-21T00:00:00+00:00", "2026-11-22T00:00:00+00:00"),
        ("2026-11-21T23:59:59+00:00", "2026-11-21T00:00:00+00:00", "2026-11-22T00:00:00+00:00"),
    ],
)
def test_a_utc_day_runs_from_midnight_to_midnight(now: str, start: str, end: str) -> None:
    assert (day_start(at(now), "utc"), next_day_start(at(now), "utc")) == (at(start), at(end))


@pytest.mark.parametrize(
    ("now", "start", "hours"),
    [
        ("2026-01-15T07:59:59+00:00", "2026-01-14T00:00:00-08:00", 24),
        ("2026-01-15T08:00:00+00:00", "2026-01-15T00:00:00-08:00", 24),
        ("2026-07-15T07:00:00+00:00", "2026-07-15T00:00:00-07:00", 24),
        ("2026-03-08T09:00:00-08:00", "2026-03-08T00:00:00-08:00", 23),
        ("2026-03-09T06:59:59+00:00", "2026-03-08T00:00:00-08:00", 23),
        ("2026-03-09T07:00:00+00:00", "2026-03-09T00:00:00-07:00", 24),
        ("2026-11-01T07:00:00+00:00", "2026-11-01T00:00:00-07:00", 25),
        ("2026-11-02T07:59:59+00:00", "2026-11-01T00:00:00-07:00", 25),
        ("2026-11-02T08:00:00+00:00", "2026-11-02T00:00:00-08:00", 24),
    ],
)
def test_a_pacific_day_is_longer_or_shorter_where_the_clocks_change(now: str, start: str, hours: int) -> None:
    assert day_start(at(now), "pacific") == at(start)
    assert next_day_start(at(now), "pacific") - day_start(at(now), "pacific") == hours * HOUR


@given(now=st.floats(FROM_2007, UNTIL_2090), reset=st.sampled_from(["utc", "pacific"]))
def test_now_lies_in_its_day_and_the_next_day_begins_where_it_ends(now: float, reset: DayReset) -> None:
    start, end = day_start(now, reset), next_day_start(now, reset)
    assert start <= now < end
    assert day_start(start, reset) == start
    assert day_start(end, reset) == end


@given(now=st.integers(FROM_2007, UNTIL_2090))
def test_the_pacific_rule_agrees_with_the_time_zone_database(now: int) -> None:
    try:
        zone = ZoneInfo("America/Los_Angeles")
    except ZoneInfoNotFoundError:
        pytest.skip("this machine has no time zone database")
    local = datetime.fromtimestamp(now, zone)
    midnight = local.replace(hour=0, minute=0, second=0, fold=0)
    tomorrow = (midnight.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=zone)
    assert day_start(now, "pacific") == midnight.timestamp()
    assert next_day_start(now, "pacific") == tomorrow.timestamp()


def test_each_provider_gets_the_start_of_its_own_day() -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()
    assert day_starts(now, {"groq": "utc", "gemini": "pacific"}) == {
        "groq": at("2026-11-21T00:00:00+00:00"),
        "gemini": at("2026-11-21T00:00:00-08:00"),
    }
