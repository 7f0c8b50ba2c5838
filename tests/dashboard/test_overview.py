"""Periods in steps of the calendar, and what the dashboard plots of them."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from delegate_mcp.catalog.prices import Prices, load_prices
from delegate_mcp.domain.errors import InputError
from delegate_mcp.domain.usage import Usage
from delegate_mcp.ledger.batches import BatchRow
from delegate_mcp.ledger.reports import CallRecord
from delegate_mcp.reporting.overview import overview
from delegate_mcp.reporting.report import Json, Source
from delegate_mcp.reporting.steps import named_period, steps_of
from tests.fakes.call_records import record, tried
from tests.fakes.ledger_rows import GEMINI, NOON

DAY_S, HOUR_S = 86_400.0, 3_600.0


async def told(*records: CallRecord, period: str = "7d", batches: tuple[BatchRow, ...] = ()) -> Json:
    prices: Prices = await load_prices()
    source = Source(period=named_period(period, NOON), records=records, director_model="claude-opus-5-5", prices=prices)
    return overview(source, batches)


@pytest.mark.parametrize(
    ("period", "step", "first", "count"),
    [
        ("today", "hour", "2026-11-21T00:00", 12),
        ("7d", "day", "2026-11-15T00:00", 7),
        ("30d", "day", "2026-10-23T00:00", 30),
        ("90d", "day", "2026-08-24T00:00", 90),
    ],
)
def test_a_period_is_whole_days_and_has_a_step_for_each_part_of_it(
    period: str, step: str, first: str, count: int
) -> None:
    name, steps = steps_of(named_period(period, NOON), ())
    assert (name, len(steps)) == (step, count)
    assert datetime.fromtimestamp(steps[0].since, UTC).isoformat(timespec="minutes")[:16] == first
    assert all(one.until == after.since for one, after in pairwise(steps))
    assert steps[-1].since < NOON <= steps[-1].until


def test_all_begins_with_the_first_call_and_goes_by_months_where_that_is_long_ago() -> None:
    name, steps = steps_of(named_period("all", NOON), [record(at=NOON - 5 * DAY_S)])
    assert (name, len(steps)) == ("day", 6)
    name, steps = steps_of(named_period("all", NOON), [record(at=NOON - 400 * DAY_S), record(at=NOON - 1)])
    assert (name, len(steps)) == ("month", 14)
    assert [one.sums.calls for one in steps] == [1, *[0] * 12, 1]
    assert len(steps_of(named_period("all", NOON), ())[1]) == 1


def test_a_call_belongs_to_the_step_in_which_it_began() -> None:
    edge = NOON - 2 * HOUR_S
    _, steps = steps_of(named_period("today", NOON), [record(at=edge - 1), record(at=edge), record(at=edge + 1)])
    assert [one.sums.calls for one in steps[-3:]] == [1, 2, 0]


def test_a_period_that_is_not_offered_is_refused_with_those_that_are() -> None:
    with pytest.raises(InputError, match="today, 7d, 30d, 90d, all"):
        named_period("8d", NOON)


async def test_the_steps_add_up_to_the_report() -> None:
    found = await told(
        record("c1", tried(usage=Usage(100, 20)), at=NOON - DAY_S, spared=Usage(500, 20)),
        record(
            "c2", tried(failed=True), tried(GEMINI, tier="local", usage=Usage(7, 3)), candidate=GEMINI, tier="local"
        ),
        record("c3", at=NOON - 3 * DAY_S),
        record("c4", tried(failed=True), state="failed"),
    )
    steps = found["steps"]
    assert sum(step["tokens"] for step in steps) == found["tokens"]
    assert sum(step["net"]["tokens"] for step in steps) == found["net"]["tokens"]
    assert [step["calls"]["total"] for step in steps] == [0, 0, 0, 1, 0, 1, 2]
    assert steps[-1]["tiers"]["local"]["input_tokens"] == 7
    assert steps[-1]["answers"] == {"first": 0, "fallback": 1, "cached": 0}
    assert steps[3]["answers"] == {"first": 0, "fallback": 0, "cached": 1}
    assert steps[-1]["calls"]["failed"] == 1
    assert "quota" not in found


async def test_routes_count_calls_that_were_answered_or_failed_by_task_type_and_model() -> None:
    found = await told(
        record("c1"),
        record("c2"),
        record("c3", task_type="coding", candidate=GEMINI, tier="subscription"),
        record("c4", state="failed"),
        record("c5", state="failed", rule="refused"),
        record("c6", state="running"),
        record("c7", rule="batch"),
    )
    assert found["routes"] == [
        {"task_type": "quick", "model": "groq:openai/gpt-oss-20b", "tier": "free", "calls": 2},
        {"task_type": "coding", "model": "gemini:gemini-3.8-flash", "tier": "subscription", "calls": 1},
        {"task_type": "quick", "model": None, "tier": None, "calls": 1},
    ]


async def test_a_batch_is_told_with_what_is_known_of_its_times() -> None:
    row = BatchRow(
        batch_id="b1",
        state="running",
        created_at=NOON - 60,
        total=10,
        owner="here:1",
        lease_until=NOON,
        answered=3,
        failed=1,
        expected_at=NOON + 60,
    )
    (batch,) = (await told(batches=(row,)))["batches"]
    assert batch == {
        "id": "b1",
        "state": "running",
        "total": 10,
        "answered": 3,
        "failed": 1,
        "created_at": "2026-11-21T11:59:00Z",
        "expected_at": "2026-11-21T12:01:00Z",
    }
