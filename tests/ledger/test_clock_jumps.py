"""What every ledger promises where the clock was ahead for a while, and was set back."""

import pytest

from delegate_mcp.domain.errors import ErrorKind
from delegate_mcp.domain.limit import Limit
from delegate_mcp.domain.usage import Usage
from delegate_mcp.ledger.base import Ledger, Refusal
from tests.fakes.ledger_rows import GROQ, MIDNIGHT, NOON, asked, ended

DAYS = {"groq": MIDNIGHT}
HOUR_S, YEAR_S = 3600.0, 365 * 86_400.0
RPM2 = (Limit("requests", "minute", 2),)


async def fails(ledger: Ledger, call_id: str, at: float, kind: ErrorKind) -> None:
    assert await ledger.reserve(asked(call_id, at=at)) is None
    await ledger.settle(ended(call_id, at=at, error_kind=kind))


async def asking(ledger: Ledger, call_id: str, at: float) -> Refusal | None:
    return await ledger.reserve(asked(call_id, at=at))


@pytest.mark.parametrize("jump", [HOUR_S, YEAR_S])
async def test_a_breaker_that_opened_while_the_clock_was_ahead_lets_a_probe_through(
    ledger: Ledger, jump: float
) -> None:
    for number in range(5):
        await fails(ledger, f"a{number}", NOON + jump, ErrorKind.OVERLOADED)
    (seen,) = (await ledger.snapshot(NOON, DAYS)).breakers
    assert seen.until <= NOON
    assert await asking(ledger, "probe", NOON) is None
    refusal = await asking(ledger, "other", NOON)
    assert refusal is not None
    assert refusal.why == "breaker"  # one at a time
    await ledger.settle(ended("probe", at=NOON + 1, error_kind=ErrorKind.OVERLOADED))
    (seen,) = (await ledger.snapshot(NOON + 1, DAYS)).breakers
    assert NOON + 1 < seen.until < NOON + 120  # from now on by the clock as it is


async def test_a_cooldown_of_a_year_to_come_cools_nothing_and_the_next_refusal_does(ledger: Ledger) -> None:
    await fails(ledger, "a", NOON + YEAR_S, ErrorKind.RATE_LIMITED)
    assert (await ledger.snapshot(NOON, DAYS)).cooldowns == ()
    await fails(ledger, "b", NOON, ErrorKind.RATE_LIMITED)
    (cold,) = (await ledger.snapshot(NOON, DAYS)).cooldowns
    assert NOON < cold.until < NOON + HOUR_S
    refusal = await asking(ledger, "c", NOON + 1)
    assert refusal is not None
    assert refusal.why == "cooldown"


async def test_a_model_that_was_gone_while_the_clock_was_ahead_is_asked_again(ledger: Ledger) -> None:
    await fails(ledger, "a", NOON + YEAR_S, ErrorKind.MODEL_GONE)
    assert (await ledger.snapshot(NOON, DAYS)).gone == ()
    assert await asking(ledger, "b", NOON) is None


@pytest.mark.parametrize("jump", [HOUR_S, YEAR_S])
async def test_what_was_asked_while_the_clock_was_ahead_takes_no_room_in_the_minute(
    ledger: Ledger, jump: float
) -> None:
    for call_id in ("a", "b"):
        assert await ledger.reserve(asked(call_id, at=NOON + jump, limits=RPM2)) is None
        await ledger.settle(ended(call_id, at=NOON + jump, usage=Usage(10, 1)))
    use = (await ledger.snapshot(NOON, DAYS)).use.get(GROQ)
    assert use is None or use.requests_minute == 0
    assert await ledger.reserve(asked("c", at=NOON, limits=RPM2)) is None
