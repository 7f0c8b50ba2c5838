"""When room returns: not before the time that is told, and at that time."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from delegate_mcp.domain.limit import Limit
from delegate_mcp.domain.usage import RateLimit
from delegate_mcp.ledger.base import Reserve
from delegate_mcp.ledger.days import day_start
from delegate_mcp.ledger.decision import LOOK_AGAIN_S, QuotaState, Spent, decide
from delegate_mcp.ledger.snapshot import LearnedLimit, ModelUse
from tests.fakes.ledger_rows import GROQ, MIDNIGHT, NOON, asked

RPM = Limit("requests", "minute", 3)
TPM = Limit("tokens", "minute", 1000)
RPD = Limit("requests", "day", 4)
ACCOUNT_TPM = Limit("tokens", "minute", 1500, "account")


def use_of(spent: Sequence[Spent], now: float) -> ModelUse:
    minute = [one for one in spent if not one.under_way and now - 60 < one.at]
    day = [one for one in spent if not one.under_way and one.at >= day_start(now, "utc")]
    held = [one for one in spent if one.under_way]
    return ModelUse(
        len(minute),
        sum(one.tokens for one in minute),
        len(day),
        sum(one.tokens for one in day),
        len(held),
        sum(one.tokens for one in held),
    )


def state(spent: Sequence[Spent], now: float, *learned: LearnedLimit) -> QuotaState:
    return QuotaState(
        model=use_of([one for one in spent if one.own], now),
        account=use_of(spent, now),
        spent=tuple(one for one in spent if one.under_way or one.at > now - 60),
        learned=learned,
    )


def at(ask: Reserve, now: float) -> Reserve:
    return replace(ask, now=now)


@given(
    spent=st.lists(st.builds(Spent, st.integers(1, 59).map(lambda s: NOON - s), st.integers(0, 600), st.booleans())),
    tokens=st.integers(0, 1000),
    limits=st.lists(st.sampled_from([RPM, TPM, RPD, ACCOUNT_TPM]), min_size=1, unique=True).map(tuple),
    elsewhere=st.sampled_from([0, 0, 400, 1000]),
)
def test_room_returns_exactly_when_it_is_told(
    spent: list[Spent], tokens: int, limits: tuple[Limit, ...], elsewhere: int
) -> None:
    ask = asked("a", tokens=tokens, limits=limits)
    told = RateLimit("tokens", "minute", 1000, 0, reset_s=37.0)
    learned = (LearnedLimit(GROQ, told, NOON - 10, elsewhere),) if elsewhere else ()
    refusal = decide(ask, state(spent, NOON, *learned))
    assume(refusal is not None)
    assert refusal is not None
    assert refusal.until is not None
    then = refusal.until
    assert decide(at(ask, then), state(spent, then, *learned)) is None
    just_before = then - 0.5
    assert decide(at(ask, just_before), state(spent, just_before, *learned)) is not None


def test_a_request_under_way_leaves_the_minute_60_seconds_after_it_began_at_the_earliest() -> None:
    ask = asked("a", limits=(Limit("requests", "minute", 1),))
    young, old = Spent(NOON - 20, 0, own=True, under_way=True), Spent(NOON - 90, 0, own=True, under_way=True)
    for one, until in ((young, NOON + 40), (old, NOON + LOOK_AGAIN_S)):
        refusal = decide(ask, state([one], NOON))
        assert refusal is not None
        assert refusal.until == until


def test_the_window_that_lacks_room_longest_is_told() -> None:
    spent = [Spent(NOON - 50, 300, own=True)] * 4
    refusal = decide(asked("a", tokens=900, limits=(RPM, TPM, RPD)), state(spent, NOON))
    assert refusal is not None
    assert refusal.window is not None
    assert (refusal.window.metric, refusal.window.period, refusal.until) == ("requests", "day", MIDNIGHT + 86_400)


@pytest.mark.parametrize(("reset_s", "until"), [(3600.0, NOON + 3600), (None, None)])
def test_a_month_returns_when_the_service_says_and_else_nobody_knows(
    reset_s: float | None, until: float | None
) -> None:
    word = LearnedLimit(GROQ, RateLimit("tokens", "month", 1000, 10, reset_s), NOON, elsewhere=990)
    refusal = decide(asked("a", tokens=100), state([], NOON, word))
    assert refusal is not None
    assert (refusal.why, refusal.until) == ("limit", until)


def test_a_limit_of_0_is_never_asked() -> None:
    limits: tuple[tuple[Literal["requests", "tokens"], int], ...] = (("requests", 1), ("tokens", 1))
    for metric, tokens in limits:
        refusal = decide(asked("a", tokens=tokens, limits=(Limit(metric, "day", 0),)), QuotaState())
        assert refusal is not None
        assert (refusal.why, refusal.until) == ("too_large", None)
