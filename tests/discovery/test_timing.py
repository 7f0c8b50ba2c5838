"""When a service is asked for its list again."""

from dataclasses import replace

import pytest

from delegate_mcp.discovery.timing import (
    BELIEVED_S,
    LONGEST_BACKOFF_S,
    LONGEST_PROBE_S,
    ProviderList,
    believed,
    due,
    is_back,
    next_at,
)
from delegate_mcp.domain.listed import ListedModel

NOW = 1_800_000_000.0
DAY = 86_400.0
FRESH = ProviderList(models=(ListedModel(model="m"),), found_at=NOW, asked_at=NOW, scans=1)


def test_who_was_never_asked_is_due() -> None:
    assert due(ProviderList(), NOW, "free")
    assert not believed(ProviderList(), NOW)


def test_free_lists_are_read_twice_a_day_and_paid_ones_once_a_week() -> None:
    assert not due(FRESH, NOW + DAY / 2 - 1, "free")
    assert due(FRESH, NOW + DAY / 2, "free")
    assert not due(FRESH, NOW + 7 * DAY - 1, "paid")
    assert due(FRESH, NOW + 7 * DAY, "paid")


def test_what_was_found_is_believed_for_a_week() -> None:
    assert believed(FRESH, NOW + BELIEVED_S - 1)
    assert not believed(FRESH, NOW + BELIEVED_S)


def test_each_failure_in_a_row_doubles_the_wait_up_to_a_day() -> None:
    waits = [next_at(replace(FRESH, failures=failures), "free") - NOW for failures in range(1, 12)]
    assert waits[:4] == [300, 600, 1200, 2400]
    assert waits[-1] == LONGEST_BACKOFF_S
    assert next_at(replace(FRESH, failures=10**9), "paid") - NOW == LONGEST_BACKOFF_S


def test_a_service_whose_calls_fail_is_looked_at_sooner_once_a_minute_at_most_and_while_it_is_down_less_often() -> None:
    assert not due(FRESH, NOW + 59, "free", failing=True)
    assert due(FRESH, NOW + 60, "free", failing=True)
    twice = replace(FRESH, failures=2)
    assert not due(twice, NOW + 239, "free", failing=True)
    assert due(twice, NOW + 240, "free", failing=True)
    assert due(replace(FRESH, failures=9), NOW + LONGEST_PROBE_S, "free", failing=True)


def test_a_list_tells_that_a_service_is_back_where_it_is_something_new() -> None:
    assert is_back(ProviderList(), NOW)
    assert is_back(FRESH, NOW + 1)  # read before the calls failed, and now again
    assert not is_back(FRESH, NOW - 1)  # it was listing its models all the while
    assert is_back(replace(FRESH, failures=1), NOW - 1)


@pytest.mark.parametrize("jump", [-40 * DAY, -1 * DAY])
def test_a_clock_that_was_set_back_ends_no_list_and_holds_nothing_up(jump: float) -> None:
    assert believed(FRESH, NOW + jump)
    assert due(FRESH, NOW + jump, "paid")
    assert due(replace(FRESH, failures=9), NOW + jump, "free")


def test_a_clock_that_jumps_ahead_has_the_list_read_anew() -> None:
    assert not believed(FRESH, NOW + 400 * DAY)
    assert due(FRESH, NOW + 400 * DAY, "paid")


def test_a_clock_that_is_a_little_slow_changes_nothing() -> None:
    assert not due(FRESH, NOW - 200, "free")
