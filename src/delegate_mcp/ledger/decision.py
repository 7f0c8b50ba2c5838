"""Whether an attempt gets its place, and if not, when. Pure: a database fills a QuotaState and does what is decided."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from delegate_mcp.domain.usage import ZERO
from delegate_mcp.ledger.base import Refusal, Reserve
from delegate_mcp.ledger.days import next_day_start
from delegate_mcp.ledger.health import GONE_S, WELL, Health
from delegate_mcp.ledger.quota import MINUTE_S, UNUSED, needed, too_large, windows
from delegate_mcp.ledger.snapshot import LearnedLimit, ModelUse
from delegate_mcp.ledger.window import Window

LOOK_AGAIN_S = 1.0
"""An attempt under way may end at any moment, and give back what it does not use."""
TURN_S = 0.1
"""Those ahead take room that is there within this time, or cannot use it yet."""
STANDS_IN_LINE = frozenset({"limit", "turn", "cooldown", "breaker"})
"""Refusals after which a call with a ticket waits: time heals them."""
TIMED = frozenset({"limit", "turn"})
"""Refusals whose `until` is exact only with `QuotaState.spent`."""


@dataclass(frozen=True, slots=True)
class Spent:
    """One attempt that takes room in the minute or is under way."""

    at: float
    """When it was counted; of one under way, when it began."""
    tokens: int
    own: bool
    """Of the same model; else of another of its account."""
    under_way: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaState:
    """What a ledger knows that bears on one Reserve, read in the transaction that takes the place."""

    health: Health = WELL
    model: ModelUse = UNUSED
    account: ModelUse = UNUSED
    """All models of the provider together; needed only where a limit is the account's."""
    learned: tuple[LearnedLimit, ...] = ()
    """Of the model and of its account."""
    paid_usd: Decimal = ZERO
    """What paid attempts cost today (UTC), and what those under way may cost; needed only with a daily cap."""
    ahead: int = 0
    """Live tickets on the same model older than the ask's; all of them where it has none."""
    spent: tuple[Spent, ...] = ()
    """The sliding minute and what is under way, one by one. Needed only to say when room returns, so a ledger decides
    without it and, where the refusal is one of TIMED, once more with it."""


def decide(ask: Reserve, state: QuotaState) -> Refusal | None:
    """Why the attempt gets no place now, or None: then the ledger records it as under way, in the same transaction."""
    for check in CHECKS:
        if (refusal := check(ask, state)) is not None:
            return refusal
    if not ask.limits and not state.learned:
        return _turn(ask, state, None)
    made = windows(ask.limits, state.learned, state.model, now=ask.now, reset=ask.reset, account=state.account)
    if (window := too_large(made, ask.tokens)) is not None:
        return Refusal(why="too_large", window=window)
    full = _limit(ask, state, made)
    return _turn(ask, state, full) or full


def _auth(ask: Reserve, state: QuotaState) -> Refusal | None:
    off = state.health.off
    return Refusal(why="auth") if off is not None and off.key_mark == ask.key_mark else None


def _gone(ask: Reserve, state: QuotaState) -> Refusal | None:
    gone = state.health.gone
    return Refusal(why="gone", until=gone.since + GONE_S) if gone and ask.now < gone.since + GONE_S else None


def _breaker(ask: Reserve, state: QuotaState) -> Refusal | None:
    breaker = state.health.breaker
    if breaker is None or breaker.until is None:
        return None
    if ask.now < breaker.until:
        return Refusal(why="breaker", until=breaker.until)
    return Refusal(why="breaker", until=ask.now + LOOK_AGAIN_S) if breaker.probed(ask.now) else None


def _cooldown(ask: Reserve, state: QuotaState) -> Refusal | None:
    both = (state.health.cooldown, state.health.account_cooldown)
    until = max((row.until for row in both if row is not None), default=ask.now)
    return Refusal(why="cooldown", until=until) if until > ask.now else None


def _budget(ask: Reserve, state: QuotaState) -> Refusal | None:
    if ask.daily_usd is None or state.paid_usd + ask.usd <= ask.daily_usd:
        return None
    return Refusal(why="budget", until=next_day_start(ask.now, "utc") if ask.usd <= ask.daily_usd else None)


CHECKS: tuple[Callable[[Reserve, QuotaState], Refusal | None], ...] = (_auth, _gone, _breaker, _cooldown, _budget)
"""What refuses whatever room there is, in this order; the first that refuses is told."""


def _turn(ask: Reserve, state: QuotaState, full: Refusal | None) -> Refusal | None:
    if not state.ahead:
        return None
    return Refusal(why="turn", until=ask.now + TURN_S if full is None else full.until, ahead=state.ahead)


def _limit(ask: Reserve, state: QuotaState, made: Sequence[Window]) -> Refusal | None:
    times = [(_room_at(window, ask, state), window) for window in made if window.left < needed(window, ask.tokens)]
    if not times:
        return None
    until, window = max(times, key=lambda pair: _never_last(pair[0]))
    return Refusal(why="limit", until=until, window=window)


def _room_at(window: Window, ask: Reserve, state: QuotaState) -> float | None:
    """The earliest time at which enough has left the window; None where the service does not say (month)."""
    lacking = window.used + window.reserved + needed(window, ask.tokens) - window.limit
    for at, amount in sorted(_leaving(window, ask, state), key=lambda pair: _never_last(pair[0])):
        lacking -= amount
        if lacking <= 0:
            return at
    return window.resets_at


def _leaving(window: Window, ask: Reserve, state: QuotaState) -> Iterable[tuple[float | None, int]]:
    """What takes room in the window, each with the earliest time at which it may leave it."""
    yield window.elsewhere_until, window.elsewhere
    again = ask.now + LOOK_AGAIN_S
    midnight = next_day_start(ask.now, ask.reset)
    if window.period == "day":
        yield midnight, window.used - window.elsewhere
    for one in state.spent:
        if window.scope == "model" and not one.own:
            continue
        if window.metric == "tokens":
            amount, after_end = one.tokens, again
        else:
            amount, after_end = 1, midnight if window.period == "day" else max(one.at + MINUTE_S, again)
        if one.under_way:
            yield after_end, amount
        elif window.period == "minute":
            yield one.at + MINUTE_S, amount


def _never_last(at: float | None) -> float:
    return float("inf") if at is None else at
