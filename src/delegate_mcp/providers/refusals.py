"""Which limit a refusal names: window, metric, limit and wait, out of its words and details; pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from delegate_mcp.domain.usage import RateLimit
from delegate_mcp.providers.json_view import mappings
from delegate_mcp.providers.rate_limits import Metric, Period, duration_s

_PERIOD = re.compile(
    r"(?P<minute>per[-_ ]?(?:min|second)|\b[rt]p[ms]\b)|(?P<day>per[-_ ]?day|daily|\b[rt]pd\b)|(?P<month>month)"
)
_METRIC = re.compile(r"(?P<tokens>\btokens\b|token_quota|\btp[md]\b)|(?P<requests>\brequests\b|free-models|\brp[md]\b)")
_LIMIT = re.compile(r"(?:\blimit:?|context (?:length|size|window)(?: is| of)?|allowed)\s+\(?([\d,]*\d)")
_USED = re.compile(r"\bused:?\s+([\d,]*\d)")
_AGAIN = re.compile(r"(?:try again|retry) (?:in|after) ((?:[\d.]+(?:h|ms|m|s))+)")
_DAYS_FIRST = ("month", "day", "minute")


@dataclass(frozen=True, slots=True)
class Hit:
    """The limit that was hit, as far as the refusal tells it."""

    window: Period | None = None
    metric: Metric | None = None
    limit: int | None = None
    limits: tuple[RateLimit, ...] = ()
    """Limits told whole, the one that lasts longest first."""
    retry_after_s: float | None = None
    believe_window: bool = False
    """The wait it names is shorter than the window that was hit: Gemini says 17-36 s for a spent day."""
    none_at_all: bool = False
    """The limit is 0: the model is not on the free tier."""


def quota_hit(words: str, details: Sequence[Mapping[str, Any]]) -> Hit:
    """Read a refusal: its details where there are any (Gemini), else its words (in small letters)."""
    violations = [violation for detail in details for violation in _violations(detail)]
    if violations:
        return _from_violations(violations, _retry_delay(details))
    window = cast("Period | None", _first(_PERIOD, words))
    metric = cast("Metric | None", _first(_METRIC, words))
    limit, used = _number(_LIMIT, words), _number(_USED, words)
    again = _AGAIN.search(words)
    wait_s = duration_s(again[1]) if again else _retry_delay(details)
    limits: tuple[RateLimit, ...] = ()
    if window and metric and limit is not None:
        remaining = None if used is None else max(0, limit - used)
        limits = (RateLimit(metric, window, limit, remaining, wait_s, source="refusal"),) if limit else ()
    return Hit(window, metric, limit, limits, wait_s, none_at_all=bool(window and metric) and limit == 0)


def _from_violations(violations: Sequence[Mapping[str, Any]], delay_s: float | None) -> Hit:
    """Believe quotaId: it tells the day from the minute where the message and the delay do not."""
    found = sorted(map(_violation, violations), key=lambda one: _DAYS_FIRST.index(one[0]))
    window, metric, limit = found[0]
    believe_window = window != "minute"
    limits = tuple(
        RateLimit(one[1], one[0], one[2], 0, delay_s if one[0] == "minute" else None, source="refusal")
        for one in found
        if one[2]
    )
    return Hit(window, metric, limit, limits, delay_s, believe_window, any(one[2] == 0 for one in found))


def _violation(violation: Mapping[str, Any]) -> tuple[Period, Metric, int | None]:
    quota_id = str(violation.get("quotaId", "")).lower()
    window: Period = "day" if "perday" in quota_id else "month" if "permonth" in quota_id else "minute"
    metric: Metric = "tokens" if "token" in f"{quota_id} {violation.get('quotaMetric', '')}".lower() else "requests"
    value = str(violation.get("quotaValue", ""))
    return window, metric, int(value) if value.isdigit() else None


def _violations(detail: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return mappings(detail.get("violations"))


def _retry_delay(details: Sequence[Mapping[str, Any]]) -> float | None:
    delays = (duration_s(str(detail["retryDelay"])) for detail in details if "retryDelay" in detail)
    return next(delays, None)


def _first(pattern: re.Pattern[str], words: str) -> str | None:
    found = pattern.search(words)
    return found.lastgroup if found else None


def _number(pattern: re.Pattern[str], words: str) -> int | None:
    found = pattern.search(words)
    return int(found[1].replace(",", "")) if found else None
