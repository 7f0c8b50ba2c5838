"""What is left of a model's limits. Pure arithmetic over the catalog's limits, the service's own word and the use."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from delegate_mcp.domain.limit import DayReset, Limit
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.outcome import Attempt
from delegate_mcp.domain.usage import RateLimit
from delegate_mcp.ledger.days import day_start, next_day_start
from delegate_mcp.ledger.snapshot import LearnedLimit, LedgerSnapshot, ModelUse
from delegate_mcp.ledger.window import Metric, Period, Scope, Window

MINUTE_S = 60.0
ACCOUNT = "*"
"""Stands for the model where something is told of all models of a provider."""

_Key = tuple[Metric, Period, Scope]
_ORDER: tuple[_Key, ...] = tuple(
    (metric, period, scope)
    for metric in ("requests", "tokens")
    for period in ("minute", "day", "month")
    for scope in ("model", "account")
)
UNUSED = ModelUse()


def windows_for(
    model_id: ModelId, limits: Sequence[Limit], snapshot: LedgerSnapshot, reset: DayReset
) -> tuple[Window, ...]:
    """The windows of one model as a snapshot shows them, those that it shares with its account included."""
    whole = account_of(model_id)
    learned = [word for word in snapshot.limits if word.model_id in (model_id, whole)]
    if not limits and not learned:
        return ()
    own, account = snapshot.use.get(model_id, UNUSED), UNUSED
    if any(row.scope == "account" for row in (*limits, *(word.limit for word in learned))):
        account = together(use for other, use in snapshot.use.items() if other.provider == model_id.provider)
    return windows(limits, learned, own, now=snapshot.taken_at, reset=reset, account=account)


def windows(
    limits: Iterable[Limit],
    learned: Iterable[LearnedLimit],
    use: ModelUse,
    *,
    now: float,
    reset: DayReset,
    account: ModelUse = UNUSED,
) -> tuple[Window, ...]:
    """The windows of one model from its own use and that of all models of its provider.

    A limit that the service told overrides the catalog's of the same metric, period and scope. The ledger counts
    minutes and days. A month is known only by what the service says is left of it, so a month of which the service
    said nothing makes no window.
    """
    known: dict[_Key, int] = {(limit.metric, limit.period, limit.scope): limit.limit for limit in limits}
    told: dict[_Key, LearnedLimit] = {
        (word.limit.metric, word.limit.period, word.limit.scope): word for word in learned
    }
    made = (
        _window(key, known.get(key), told.get(key), use if key[2] == "model" else account, now=now, reset=reset)
        for key in _ORDER
        if key in known or key in told
    )
    return tuple(window for window in made if window is not None)


def fits(windows: Iterable[Window], tokens: int) -> bool:
    """Whether one request of so many tokens (prompt and output ceiling) has room in every window now."""
    return all(window.left >= needed(window, tokens) for window in windows)


def too_large(windows: Iterable[Window], tokens: int) -> Window | None:
    """The window that a request of so many tokens could not fit even when it is full, or None."""
    return next((window for window in windows if window.limit < needed(window, tokens)), None)


def earliest_room(windows: Sequence[Window], tokens: int) -> float | None:
    """When every window that lacks room for so many tokens has had its reset; None: room now, or no reset is known."""
    resets = [window.resets_at for window in windows if window.left < needed(window, tokens)]
    return max((at for at in resets if at is not None), default=None) if None not in resets else None


def needed(window: Window, tokens: int) -> int:
    """What one request of so many tokens takes of that window."""
    return 1 if window.metric == "requests" else tokens


def account_of(model_id: ModelId) -> ModelId:
    """What stands for all models of its provider."""
    return ModelId(model_id.provider, ACCOUNT)


def together(uses: Iterable[ModelUse]) -> ModelUse:
    """The use of several models as one."""
    rows = list(uses)
    oldest = [row.oldest_in_minute for row in rows if row.oldest_in_minute is not None]
    return ModelUse(
        sum(row.requests_minute for row in rows),
        sum(row.tokens_minute for row in rows),
        sum(row.requests_day for row in rows),
        sum(row.tokens_day for row in rows),
        sum(row.reserved_requests for row in rows),
        sum(row.reserved_tokens for row in rows),
        min(oldest, default=None),
    )


# --- When an attempt counts, and what a service's word means ---------------------------------------------------------


def counted_at(ended_at: float, attempt: Attempt) -> float:
    """By when the service certainly had the request: its sliding minute ends no later than 60 s after that.

    Its first token, else its end. Reckoned from the end, since the place was taken a while before the request left
    (a ledger may have to wait for its file), and a next one 60 s after that would still meet this one there.
    """
    since_ms = 0.0 if attempt.first_token_ms is None else attempt.latency_ms - attempt.first_token_ms
    return ended_at - since_ms / 1000


def minute_before(started_at: float) -> float:
    """From when on the ledger must look to find all that a service may have counted when that attempt arrived."""
    return started_at - MINUTE_S


def still_held(own: ModelUse, given_back: int) -> ModelUse:
    """The use as it stood before so many reserved tokens were given back."""
    return replace(own, tokens_minute=own.tokens_minute + given_back)


def learned_limit(
    model_id: ModelId, told: RateLimit, own: ModelUse, *, started_at: float, seen_at: float, reset: DayReset
) -> LearnedLimit:
    """What an answer told of a limit, and how much of it somebody else used.

    `own` is our own count of that scope since `minute_before(started_at)` and since the day's start, with this attempt
    settled in it, and with all that ended since `started_at` as it was reserved: the service told what was left when
    the request arrived, when those still stood with their ceilings. What was left in a day that has ended since says
    nothing of the new one.
    """
    whose = model_id if told.scope == "model" else account_of(model_id)
    stale = told.period == "day" and day_start(started_at, reset) != day_start(seen_at, reset)
    if told.remaining is None or stale:
        return LearnedLimit(whose, told, seen_at)
    ours, _ = _counted(told.metric, told.period, own, seen_at, reset)
    reserved = 0 if ours is None else _reserved(told.metric, own)
    return LearnedLimit(whose, told, seen_at, max(0, told.limit - told.remaining - (ours or 0) - reserved))


def _window(
    key: _Key, known: int | None, word: LearnedLimit | None, use: ModelUse, *, now: float, reset: DayReset
) -> Window | None:
    metric, period, scope = key
    limit = word.limit.limit if word else known
    if limit is None:
        return None
    counted, resets_at = _counted(metric, period, use, now, reset)
    elsewhere, until = 0, None
    if word is not None and word.limit.remaining is not None:
        until = _holds_until(word, reset)
        if until is None or until > now:
            elsewhere, counted = word.elsewhere, counted or 0
        if elsewhere and (word.limit.reset_s is not None or resets_at is None):
            resets_at = until  # the service knows its own reset better than we do
    if counted is None:
        return None
    used, reserved = counted + elsewhere, _reserved(metric, use)
    return Window(
        metric=metric,
        period=period,
        limit=limit,
        used=used,
        reserved=reserved,
        left=max(0, limit - used - reserved),
        resets_at=resets_at,
        learned_from=word.limit.source if word else "catalog",
        learned_at=word.seen_at if word else None,
        scope=scope,
        elsewhere=elsewhere,
        elsewhere_until=until if elsewhere else None,
    )


def _reserved(metric: Metric, use: ModelUse) -> int:
    return use.reserved_requests if metric == "requests" else use.reserved_tokens


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


def _holds_until(word: LearnedLimit, reset: DayReset) -> float | None:
    """Until when what the service said is left is of the window that runs; None: no end is known."""
    told: RateLimit = word.limit
    if told.reset_s is not None:
        return word.seen_at + told.reset_s
    if told.period == "minute":
        return word.seen_at + MINUTE_S
    return next_day_start(word.seen_at, reset) if told.period == "day" else None
