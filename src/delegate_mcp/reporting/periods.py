"""Periods as a person writes them: `7d`, `2026-10`, `30d..60d`. Pure: the time is passed in. Days are those of UTC.

Forms of a moment: `90m`, `24h`, `7d`, `2w` ago, a day `2026-10-05`, a month `2026-10`, `all` for the beginning. To
add a unit: a row in UNITS_S.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from delegate_mcp.domain.errors import InputError

UNITS_S = {"m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}
_AGO = re.compile(r"(\d{1,6})([a-z])")
_MONTH = re.compile(r"\d{4}-\d{2}")
_FORMS = "such as 24h, 7d, 2026-10, 2026-10-05, 30d..60d or 2026-10-01..2026-10-15"


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` up to, not including, `until`, in Unix seconds."""

    since: float
    until: float
    name: str
    """As it was written."""

    @property
    def days(self) -> float:
        """How long it is."""
        return (self.until - self.since) / UNITS_S["d"]


def since(text: str, now: float) -> Period:
    """From a moment to now. InputError: it is none."""
    begin = _span(text.strip(), text, now)[0]
    return Period(begin, now, text)


def period(text: str, now: float) -> Period:
    """A whole day or month, so long until now, or `A..B` in either order. InputError: it is none, or not begun."""
    ends = [part.strip() for part in text.split("..")]
    if len(ends) > 2:  # noqa: PLR2004 - two ends
        raise _refused(text)
    if len(ends) == 1:
        begin, end = _span(ends[0], text, now)
    else:
        first, second = sorted(_moment_or_span(part, text, now) for part in ends)
        begin, end = first[0], max(first[1], second[1])
    end = min(end, now)
    if begin >= end:
        raise InputError(f"The period {text!r} holds no time up to now.")
    return Period(begin, end, text)


def _moment_or_span(text: str, whole: str, now: float) -> tuple[float, float]:
    """`30d` is a moment where it ends a range, and the time since then where it stands alone."""
    begin, end = _span(text, whole, now)
    return (begin, begin) if _AGO.fullmatch(text) else (begin, end)


def _span(text: str, whole: str, now: float) -> tuple[float, float]:
    if text == "all":
        return 0.0, now
    if (ago := _AGO.fullmatch(text)) and ago[2] in UNITS_S:
        return max(0.0, now - int(ago[1]) * UNITS_S[ago[2]]), now
    try:
        if _MONTH.fullmatch(text):
            begin = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
            end = (begin + timedelta(days=31)).replace(day=1)
        else:
            begin = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
            end = begin + timedelta(days=1)
        return begin.timestamp(), end.timestamp()
    except (ValueError, OverflowError):
        raise _refused(whole) from None


def _refused(text: str) -> InputError:
    return InputError(f"{text!r} is no period. Write one {_FORMS}.")
