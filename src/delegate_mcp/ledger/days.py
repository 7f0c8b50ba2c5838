"""When a service's day begins and ends: at midnight UTC or at midnight Pacific. Pure: the time is passed in.

The Pacific rule (daylight time from the second Sunday of March to the first Sunday of November) stands here as
arithmetic, because Windows has no time zone database.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from delegate_mcp.domain.limit import DayReset

_DAY = timedelta(days=1)
_HOUR_S = 3600.0
_MARCH, _NOVEMBER, _SUNDAY = 3, 11, 6


def day_start(now: float, reset: DayReset) -> float:
    """The last midnight of that rule, in Unix seconds; `now` itself where it is midnight."""
    return _day(now // _HOUR_S, reset)[0]


def next_day_start(now: float, reset: DayReset) -> float:
    """The next midnight of that rule, in Unix seconds: when daily limits are full again."""
    return _day(now // _HOUR_S, reset)[1]


def day_starts(now: float, resets: Mapping[str, DayReset]) -> dict[str, float]:
    """Each provider's start of day, as `Ledger.snapshot` takes it."""
    starts = {reset: day_start(now, reset) for reset in set(resets.values())}
    return {provider: starts[reset] for provider, reset in resets.items()}


@lru_cache(maxsize=64)
def _day(hour: float, reset: DayReset) -> tuple[float, float]:
    """Beginning and end of the day that holds that hour since 1970; every midnight is on an hour."""
    day = _day_of(hour * _HOUR_S, reset)
    return _midnight(day, reset), _midnight(day + _DAY, reset)


def _day_of(now: float, reset: DayReset) -> date:
    """The calendar day of that rule in which `now` lies."""
    day = datetime.fromtimestamp(now, UTC).date()
    return day if now >= _midnight(day, reset) else day - _DAY


def _midnight(day: date, reset: DayReset) -> float:
    behind_utc = 0 if reset == "utc" else _pacific_hours_behind(day)
    return (datetime.combine(day, time(), UTC) + timedelta(hours=behind_utc)).timestamp()


def _pacific_hours_behind(day: date) -> int:
    """Hours that midnight of that day is behind UTC. Clocks change at 2, so the day of a change begins as before it."""
    daylight = _sunday(day.year, _MARCH, 2) < day <= _sunday(day.year, _NOVEMBER, 1)
    return 7 if daylight else 8


def _sunday(year: int, month: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(_SUNDAY - first.weekday()) % 7 + 7 * (nth - 1))
