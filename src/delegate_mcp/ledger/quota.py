"""What is left of a model's limits. Pure arithmetic over the catalog's limits, the service's own word and the use."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from delegate_mcp.catalog.catalog import Limit
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.usage import RateLimit
from delegate_mcp.ledger.base import LearnedLimit, LedgerSnapshot, ModelUse
from delegate_mcp.ledger.days import DayReset, day_start, next_day_start

MINUTE_S = 60.0

Metric = Literal["requests", "tokens"]
Period = Literal["minute", "day", "month"]
_ORDER: tuple[tuple[Metric, Period], ...] = (
    ("requests", "minute"),
    ("requests", "day"),
    ("requests", "month"),
    ("tokens", "minute"),
    ("tokens", "day"),
    ("tokens", "month"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One limit of one model and what is left of it: `left` is `limit - used - reserved`, never below 0."""

    metric: Metric
    period: Period
    limit: int
    used: int
    """Our own count, or the service's where that is higher and still holds."""
    reserved: int
    """Held by attempts under way."""
    left: int
    resets_at: float | None
    """When room returns, in Unix seconds; None: nothing is used, or the service does not say (month)."""
    learned_from: str
    """`catalog`, or where the service said it: `header`, `refusal`, …"""
    learned_at: float | None
    """When the service said it; None for the catalog's word."""


def windows(
    limits: Iterable[Limit],
    learned: Iterable[LearnedLimit],
    use: ModelUse,
    *,
    now: float,
    reset: DayReset,
) -> tuple[Window, ...]:
    """The windows of one model. A limit that the service told overrides the catalog's of the same metric and period.

    The ledger counts minutes and days. A month is known only by what the service says is left of it, so a month of
    which the service said nothing makes no window.
    """
    known = {(limit.metric, limit.period): limit.limit for limit in limits}
    told = {(word.limit.metric, word.limit.period): word for word in learned}
    made = (_window(key, known.get(key), told.get(key), use, now=now, reset=reset) for key in _ORDER)
    return tuple(window for window in made if window is not None)


def windows_of(
    model_id: ModelId, limits: Iterable[Limit], snapshot: LedgerSnapshot, reset: DayReset
) -> tuple[Window, ...]:
    """The windows of one model as a snapshot shows them."""
    learned = [word for word in snapshot.limits if word.model_id == model_id]
    use = snapshot.use.get(model_id, ModelUse())
    return windows(limits, learned, use, now=snapshot.taken_at, reset=reset)


def fits(windows: Iterable[Window], tokens: int) -> bool:
    """Whether one request of so many tokens (prompt and output ceiling) has room in every window now."""
    return all(window.left >= _needed(window, tokens) for window in windows)


def too_large(windows: Iterable[Window], tokens: int) -> Window | None:
    """The window that a request of so many tokens could not fit even when it is full, or None."""
    return next((window for window in windows if window.limit < _needed(window, tokens)), None)


def earliest_room(windows: Sequence[Window], tokens: int) -> float | None:
    """When every window that lacks room for so many tokens has had its reset; None: room now, or no reset is known."""
    short = [window for window in windows if window.left < _needed(window, tokens)]
    resets = [window.resets_at for window in short]
    return max((at for at in resets if at is not None), default=None) if None not in resets else None


def _needed(window: Window, tokens: int) -> int:
    return 1 if window.metric == "requests" else tokens


def _window(
    key: tuple[Metric, Period],
    known: int | None,
    word: LearnedLimit | None,
    use: ModelUse,
    *,
    now: float,
    reset: DayReset,
) -> Window | None:
    metric, period = key
    limit = word.limit.limit if word else known
    if limit is None:
        return None
    counted, resets_at = _counted(metric, period, use, now, reset)
    if word is not None and _still_holds(word, now, reset) and word.limit.remaining is not None:
        counted = max(counted or 0, limit - word.limit.remaining)
        if word.limit.reset_s is not None:
            resets_at = word.seen_at + word.limit.reset_s
    if counted is None:
        return None
    reserved = use.reserved_requests if metric == "requests" else use.reserved_tokens
    return Window(
        metric=metric,
        period=period,
        limit=limit,
        used=counted,
        reserved=reserved,
        left=max(0, limit - counted - reserved),
        resets_at=resets_at,
        learned_from=word.limit.source if word else "catalog",
        learned_at=word.seen_at if word else None,
    )


def _counted(
    metric: Metric, period: Period, use: ModelUse, now: float, reset: DayReset
) -> tuple[int | None, float | None]:
    """Our own count of that window (None: not counted), and when its room returns by our own count."""
    if period == "minute":
        oldest = use.oldest_in_minute
        used = use.requests_minute if metric == "requests" else use.tokens_minute
        return used, None if oldest is None else oldest + MINUTE_S
    if period == "day":
        return use.requests_day if metric == "requests" else use.tokens_day, next_day_start(now, reset)
    return None, None


def _still_holds(word: LearnedLimit, now: float, reset: DayReset) -> bool:
    """Whether what the service said is left is still of the window that runs now."""
    told: RateLimit = word.limit
    if told.reset_s is not None:
        return now < word.seen_at + told.reset_s
    if told.period == "minute":
        return now < word.seen_at + MINUTE_S
    return told.period == "month" or word.seen_at >= day_start(now, reset)
