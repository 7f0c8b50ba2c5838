"""How a service's answers bear on later calls of every process: cooldowns, breakers, keys refused, models gone. Pure.

To change what a kind of failure leads to, change its row in EFFECTS.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Literal

from delegate_mcp.domain.errors import ErrorKind
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.times import ahead
from delegate_mcp.ledger.base import Settle
from delegate_mcp.ledger.quota import account_of
from delegate_mcp.ledger.snapshot import Cooldown, OpenBreaker, ProviderOff, Tombstone

STRIKES_S = (20.0, 120.0, 600.0, 3600.0)
"""How long the first, second, … refusal in a row cools a model down, where the service does not ask for more."""
BREAKS_AFTER = 5
"""Failures in a row that open a provider's breaker."""
OPEN_S, LONGEST_OPEN_S = 30.0, 600.0
"""How long it stays open at first; doubled by each probe that fails, to the second."""
LONGEST_COOLDOWN_S = 32 * 86_400.0
"""No service asks for more than to wait for the next month."""
GONE_S = 86_400.0
"""After so long a model that was said to be gone is asked once more: a wrong address or a passing 404 heals itself."""
ANSWERS_LEARNED_FROM, FEWEST_ANSWERS = 100, 20


Against = Literal["cool_down", "turn_off", "bury"]


@dataclass(frozen=True, slots=True)
class Effect:
    """What an attempt's end means for the calls after it."""

    alive: bool
    """The service answered: its breaker closes. Else it counts as a failure of the provider."""
    does: Against | None = None


EFFECTS: dict[ErrorKind, Effect] = {
    ErrorKind.RATE_LIMITED: Effect(alive=True, does="cool_down"),
    ErrorKind.TOO_LARGE: Effect(alive=True),
    ErrorKind.OVERLOADED: Effect(alive=False),
    ErrorKind.TIMEOUT: Effect(alive=False),
    ErrorKind.NETWORK: Effect(alive=False),
    ErrorKind.AUTH: Effect(alive=True, does="turn_off"),
    ErrorKind.MODEL_GONE: Effect(alive=True, does="bury"),
    ErrorKind.REFUSED: Effect(alive=True),
    ErrorKind.BAD_ANSWER: Effect(alive=True),
    ErrorKind.BAD_REQUEST: Effect(alive=True),
}


@dataclass(frozen=True, slots=True)
class Breaker:
    """The failures of one provider in a row; kept from the first of them to the next answer."""

    failures: int
    until: float | None = None
    """Open until then, half open after; None: closed."""
    probe: str | None = None
    """The one attempt that is let through, as `attempt_key` names it."""
    probe_until: float = 0.0
    """Its lease."""

    def probed(self, now: float) -> bool:
        """Whether a probe is under way."""
        return self.probe is not None and now < self.probe_until


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """All that is held against a model, its account and its provider. A database fills it and keeps what changed."""

    off: ProviderOff | None = None
    gone: Tombstone | None = None
    breaker: Breaker | None = None
    cooldown: Cooldown | None = None
    account_cooldown: Cooldown | None = None


WELL = Health()


def attempt_key(call_id: str, number: int) -> str:
    """Names an attempt in one word."""
    return f"{call_id}/{number}"


def as_of(health: Health, now: float) -> Health:
    """What of it counts now: what was written while a clock was far ahead would else be held against it until then."""
    breaker = health.breaker
    if breaker is not None and breaker.until is not None:
        breaker = replace(breaker, until=open_until(breaker.until, now))
    return replace(
        health,
        gone=gone_as_of(health.gone, now),
        breaker=breaker,
        cooldown=cooldown_as_of(health.cooldown, now),
        account_cooldown=cooldown_as_of(health.account_cooldown, now),
    )


def gone_as_of(gone: Tombstone | None, now: float) -> Tombstone | None:
    """The tombstone, unless it is of a day to come."""
    return None if gone is None or ahead(gone.since, now) else gone


def cooldown_as_of(cooldown: Cooldown | None, now: float) -> Cooldown | None:
    """The cooldown, unless it lasts longer than any does."""
    return None if cooldown is None or ahead(cooldown.until, now + LONGEST_COOLDOWN_S) else cooldown


def open_until(until: float, now: float) -> float:
    """When a breaker lets a probe through: now, where it is said to stay open for longer than any does."""
    return now if ahead(until, now + LONGEST_OPEN_S) else until


def probing(health: Health, probe: str, lease_until: float) -> Health:
    """The same with that attempt as the probe, where the breaker is half open."""
    if health.breaker is None or health.breaker.until is None:
        return health
    return replace(health, breaker=replace(health.breaker, probe=probe, probe_until=lease_until))


def settled(health: Health, end: Settle, started_at: float) -> Health:
    """What stands after an attempt ended."""
    attempt = end.attempt
    breaker = health.breaker
    mine = breaker is not None and breaker.probe == attempt_key(end.call_id, attempt.number)
    if attempt.outcome == "cancelled":
        freed = replace(breaker, probe=None) if breaker is not None and mine else breaker
        return replace(health, breaker=freed)
    if attempt.error_kind is None:
        return Health(
            cooldown=_outlasts(health.cooldown, started_at),
            account_cooldown=_outlasts(health.account_cooldown, started_at),
        )
    effect = EFFECTS[attempt.error_kind]
    after = replace(health, breaker=None if effect.alive else _failed(breaker, end.ended_at, probe=mine))
    return after if effect.does is None else _held_against(after, effect.does, end, started_at)


def _held_against(health: Health, does: Against, end: Settle, started_at: float) -> Health:
    model_id = end.attempt.model_id
    if does == "bury":
        return replace(health, gone=Tombstone(model_id, end.ended_at))
    if does == "turn_off" and end.key_mark:
        return replace(health, off=ProviderOff(model_id.provider, end.key_mark, end.ended_at))
    # Without a mark nobody could tell when the key changes: the account is asked again after a while.
    whole = does == "turn_off" or any(told.scope == "account" and told.remaining == 0 for told in end.rate_limits)
    if whole:
        return replace(health, account_cooldown=_struck(health.account_cooldown, end, started_at, account_of(model_id)))
    return replace(health, cooldown=_struck(health.cooldown, end, started_at, model_id))


def open_s(failures: int) -> float:
    """How long that many failures in a row keep a breaker open."""
    # The exponent is bounded before it is used: a service that is away for weeks brings one that fits nowhere.
    return min(OPEN_S * 2 ** min(failures - BREAKS_AFTER, 20), LONGEST_OPEN_S)


def failing_since(breaker: OpenBreaker) -> float:
    """When it opened first, at the latest: each try that failed came after its time was over."""
    return breaker.until - sum(open_s(failures) for failures in range(BREAKS_AFTER, breaker.failures + 1))


def first_token_p95_ms(latest: Sequence[float]) -> float | None:
    """The 95th percentile of the latest answers' first tokens; None below 20 of them."""
    if len(latest) < FEWEST_ANSWERS:
        return None
    return sorted(latest)[ceil(0.95 * len(latest)) - 1]


def _outlasts(cooldown: Cooldown | None, started_at: float) -> Cooldown | None:
    """A cooldown that an answer leaves standing: the model was asked before it, so the answer says nothing of it."""
    return cooldown if cooldown is not None and started_at < cooldown.until else None


def _struck(before: Cooldown | None, end: Settle, started_at: float, whose: ModelId) -> Cooldown:
    """One more refusal. Those that were asked before the cooldown ended were under way together: one strike."""
    why = end.attempt.error_kind or ErrorKind.RATE_LIMITED
    told = end.told_until or 0.0
    if before is not None and started_at < before.until:
        return replace(before, until=max(before.until, told), why=why)
    strikes = 1 if before is None else before.strikes + 1
    own = end.ended_at + STRIKES_S[min(strikes, len(STRIKES_S)) - 1]
    return Cooldown(whose, told if strikes == 1 and told > end.ended_at else max(own, told), why, strikes)


def _failed(before: Breaker | None, now: float, *, probe: bool) -> Breaker:
    """One more failure. Of an open breaker only the probe's counts: the others were under way when it opened."""
    if before is None:
        return Breaker(1)
    if before.until is not None and not probe:
        return before
    failures = before.failures + 1
    if failures < BREAKS_AFTER:
        return Breaker(failures)
    return Breaker(failures, now + open_s(failures))
