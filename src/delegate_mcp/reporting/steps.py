"""A period in equal parts of the calendar, for plots over time. Pure; days and months are those of UTC.

To offer another period on the dashboard: a row in PERIODS.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from delegate_mcp.domain.errors import InputError
from delegate_mcp.ledger.reports import CallRecord
from delegate_mcp.reporting.periods import UNITS_S, Period
from delegate_mcp.reporting.sums import Sums, summed

StepName = Literal["hour", "day", "month"]
PERIODS: Mapping[str, int | None] = {"today": 1, "7d": 7, "30d": 30, "90d": 90, "all": None}
"""Their names, and how many days they have, today included; None: all."""
_MOST_DAYS = 92
"""A longer period is told by the month."""


@dataclass(frozen=True, slots=True)
class Step:
    """One part of a period, from `since` to `until`, with its calls; the last one is not over yet."""

    since: float
    until: float
    sums: Sums


def named_period(name: str, now: float) -> Period:
    """The days of that name, up to now, so that no bar of a plot holds half a day. InputError: there is no such."""
    if name not in PERIODS:
        raise InputError(f"{name!r} is no period of the dashboard: take one of {', '.join(PERIODS)}.")
    days = PERIODS[name]
    today = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return Period(0.0 if days is None else (today - timedelta(days=days - 1)).timestamp(), now, name)


def steps_of(period: Period, records: Sequence[CallRecord]) -> tuple[StepName, list[Step]]:
    """The period's parts in order, empty ones too; a period without a beginning starts with its first call."""
    since = period.since or min((record.call.started_at for record in records), default=period.until)
    name: StepName = "day"
    if period.since and period.days <= 1:
        name = "hour"
    elif (period.until - since) / UNITS_S["d"] > _MOST_DAYS:
        name = "month"
    starts = [_start(since, name)]
    while (after := _next(starts[-1], name)) < period.until:
        starts.append(after)
    parts: list[list[CallRecord]] = [[] for _ in starts]
    for record in records:
        parts[bisect_right(starts, record.call.started_at) - 1].append(record)
    ends = [*starts[1:], _next(starts[-1], name)]
    return name, [Step(*part) for part in zip(starts, ends, map(summed, parts), strict=True)]


def _start(at: float, name: StepName) -> float:
    moment = datetime.fromtimestamp(at, UTC).replace(minute=0, second=0, microsecond=0)
    if name != "hour":
        moment = moment.replace(hour=0)
    return (moment.replace(day=1) if name == "month" else moment).timestamp()


def _next(start: float, name: StepName) -> float:
    if name == "month":
        return (datetime.fromtimestamp(start, UTC) + timedelta(days=31)).replace(day=1).timestamp()
    return start + UNITS_S["h" if name == "hour" else "d"]
