"""What every ledger promises."""

from decimal import Decimal

import pytest

from delegate_mcp.domain.errors import ErrorKind, LedgerError
from delegate_mcp.domain.usage import RateLimit, Usage
from delegate_mcp.ledger.base import Cooldown, LearnedLimit, Ledger, ModelUse, Totals
from tests.fakes.ledger_rows import (
    GEMINI,
    GROQ,
    HERE,
    MIDNIGHT,
    NOON,
    attempt_end,
    attempt_start,
    call_end,
    call_start,
)
from tests.ledger.conftest import Opener

DAYS = {"groq": MIDNIGHT, "gemini": MIDNIGHT + 8 * 3600}


async def test_a_call_reads_as_running_then_as_it_ended(ledger: Ledger) -> None:
    await ledger.begin_call(call_start("a", parent="z"))
    running = await ledger.call("a")
    assert running is not None
    assert (running.state, running.ended_at, running.parent, running.pid) == ("running", None, "z", HERE)
    await ledger.end_call(call_end("a"))
    ended = await ledger.call("a")
    assert ended is not None
    assert (ended.state, ended.ended_at, ended.candidate, ended.error) == ("ok", NOON + 2, GROQ, None)


async def test_a_call_that_failed_keeps_its_error_and_names_no_model(ledger: Ledger) -> None:
    await ledger.begin_call(call_start("a"))
    await ledger.end_call(call_end("a", state="failed", candidate=None, tier=None, error="all attempts failed"))
    ended = await ledger.call("a")
    assert ended is not None
    assert (ended.state, ended.candidate, ended.error) == ("failed", None, "all attempts failed")


async def test_an_unknown_call_is_none_and_has_no_attempts(ledger: Ledger) -> None:
    assert await ledger.call("nobody") is None
    assert await ledger.attempts("nobody") == ()


async def test_attempts_come_back_whole_and_in_order(ledger: Ledger) -> None:
    await ledger.begin_call(call_start("a"))
    first = attempt_end("a", 1, outcome="failed", error_kind=ErrorKind.OVERLOADED, usage=Usage())
    second = attempt_end("a", 2, GEMINI, usage=Usage(10, 5, 3, estimated=True), cost_usd=Decimal("0.000000123"))
    await ledger.begin_attempt(attempt_start("a", 1))
    await ledger.begin_attempt(attempt_start("a", 2, GEMINI))
    await ledger.end_attempt(second)
    await ledger.end_attempt(first)
    assert await ledger.attempts("a") == (first.attempt, second.attempt)


async def test_an_attempt_under_way_is_not_among_the_attempts(ledger: Ledger) -> None:
    await ledger.begin_call(call_start("a"))
    await ledger.begin_attempt(attempt_start("a"))
    assert await ledger.attempts("a") == ()


async def test_the_first_end_of_a_call_and_of_an_attempt_stands(ledger: Ledger) -> None:
    await ledger.begin_call(call_start("a"))
    await ledger.begin_attempt(attempt_start("a"))
    await ledger.end_attempt(attempt_end("a", outcome="cancelled", usage=Usage(7, 0)))
    await ledger.end_attempt(attempt_end("a", usage=Usage(500, 500), cooldown_until=NOON + 500))
    await ledger.end_call(call_end("a", state="cancelled"))
    await ledger.end_call(call_end("a", state="ok"))
    call, snapshot = await ledger.call("a"), await ledger.snapshot(NOON + 5, DAYS)
    assert call is not None
    assert call.state == "cancelled"
    assert snapshot.use[GROQ].tokens_day == 7
    assert snapshot.cooldowns == ()


async def test_the_same_call_or_attempt_cannot_begin_twice(ledger: Ledger) -> None:
    await ledger.begin_call(call_start("a"))
    with pytest.raises(LedgerError):
        await ledger.begin_call(call_start("a"))
    await ledger.begin_attempt(attempt_start("a"))
    with pytest.raises(LedgerError):
        await ledger.begin_attempt(attempt_start("a"))
    assert (await ledger.totals(0)).calls == 1


async def test_ends_whose_beginning_was_lost_are_recorded_all_the_same(ledger: Ledger) -> None:
    await ledger.end_attempt(attempt_end("lost", usage=Usage(30, 3)))
    await ledger.end_call(call_end("lost", saved_usd=Decimal("0.5")))
    call = await ledger.call("lost")
    assert call is not None
    assert (call.state, call.tool) == ("ok", "unknown")
    assert (await ledger.snapshot(NOON + 5, DAYS)).use[GROQ].tokens_day == 33
    assert (await ledger.totals(MIDNIGHT)).saved_usd == Decimal("0.5")


async def test_the_newest_calls_come_first(ledger: Ledger) -> None:
    for number in range(5):
        await ledger.begin_call(call_start(f"c{number}", NOON + number))
    assert [call.call_id for call in await ledger.recent_calls(3)] == ["c4", "c3", "c2"]


async def test_an_attempt_under_way_is_reserved_and_counted_nowhere_else(ledger: Ledger) -> None:
    await ledger.begin_call(call_start("a"))
    await ledger.begin_attempt(attempt_start("a", reserved=700))
    use = (await ledger.snapshot(NOON + 1, DAYS)).use
    assert use == {GROQ: ModelUse(reserved_requests=1, reserved_tokens=700, oldest_in_minute=NOON)}


async def test_a_settled_attempt_counts_as_used_and_is_reserved_no_more(ledger: Ledger) -> None:
    await ledger.begin_call(call_start("a"))
    await ledger.begin_attempt(attempt_start("a", reserved=700))
    await ledger.end_attempt(attempt_end("a", usage=Usage(100, 20, 50)))
    use = (await ledger.snapshot(NOON + 2, DAYS)).use
    assert use == {GROQ: ModelUse(1, 120, 1, 120, oldest_in_minute=NOON)}


async def test_a_failed_attempt_counts_as_a_request_with_the_tokens_it_reported(ledger: Ledger) -> None:
    await ledger.begin_call(call_start("a"))
    await ledger.begin_attempt(attempt_start("a"))
    await ledger.end_attempt(attempt_end("a", outcome="failed", error_kind=ErrorKind.BAD_ANSWER, usage=Usage(9, 0)))
    use = (await ledger.snapshot(NOON + 2, DAYS)).use[GROQ]
    assert (use.requests_minute, use.tokens_minute) == (1, 9)


async def test_a_reservation_outlives_no_lease(ledger: Ledger) -> None:
    await ledger.begin_call(call_start("a"))
    await ledger.begin_attempt(attempt_start("a", lease_s=30))
    assert (await ledger.snapshot(NOON + 29, DAYS)).use[GROQ].reserved_requests == 1
    assert (await ledger.snapshot(NOON + 30, DAYS)).use == {}


async def test_an_attempt_leaves_the_minute_after_60_seconds_and_stays_in_the_day(ledger: Ledger) -> None:
    await ledger.begin_call(call_start("a"))
    for number, at in ((1, NOON), (2, NOON + 30)):
        await ledger.begin_attempt(attempt_start("a", number, at=at))
        await ledger.end_attempt(attempt_end("a", number, at=at + 1))
    before = (await ledger.snapshot(NOON + 59.9, DAYS)).use[GROQ]
    after = (await ledger.snapshot(NOON + 60, DAYS)).use[GROQ]
    assert (before.requests_minute, before.oldest_in_minute) == (2, NOON)
    assert (after.requests_minute, after.oldest_in_minute) == (1, NOON + 30)
    assert after.requests_day == 2


async def test_a_day_begins_when_its_service_says(ledger: Ledger) -> None:
    await ledger.begin_call(call_start("a"))
    for number, (model_id, at) in enumerate(
        (
            (GROQ, MIDNIGHT - 1),
            (GROQ, MIDNIGHT),
            (GEMINI, MIDNIGHT + 8 * 3600 - 1),
            (GEMINI, MIDNIGHT + 8 * 3600),
        )
    ):
        await ledger.begin_attempt(attempt_start("a", number, model_id, at))
        await ledger.end_attempt(attempt_end("a", number, model_id, at + 1))
    use = (await ledger.snapshot(NOON, DAYS)).use
    assert (use[GROQ].requests_day, use[GEMINI].requests_day) == (1, 1)


async def test_a_day_may_begin_in_the_midst_of_an_hour(ledger: Ledger) -> None:
    await ledger.begin_call(call_start("a"))
    start = MIDNIGHT + 1800
    for number, at in enumerate((start - 1, start, start + 1799, start + 1800)):
        await ledger.begin_attempt(attempt_start("a", number, at=at))
        await ledger.end_attempt(attempt_end("a", number, at=at + 1))
    assert (await ledger.snapshot(NOON, {"groq": start})).use[GROQ].requests_day == 3


async def test_a_provider_whose_day_is_not_given_has_it_from_midnight_utc(ledger: Ledger) -> None:
    await ledger.begin_call(call_start("a"))
    for number, at in enumerate((MIDNIGHT - 1, MIDNIGHT)):
        await ledger.begin_attempt(attempt_start("a", number, at=at))
        await ledger.end_attempt(attempt_end("a", number, at=at + 1))
    assert (await ledger.snapshot(NOON, {})).use[GROQ].requests_day == 1


async def test_the_last_word_on_a_limit_is_kept_with_where_and_when_it_was_said(ledger: Ledger) -> None:
    await ledger.begin_call(call_start("a"))
    older = RateLimit("tokens", "minute", 6000, 100, 3.5, "refusal")
    newer = RateLimit("tokens", "minute", 8000, 7000, 0.5, "header")
    day = RateLimit("requests", "day", 1000)
    await ledger.begin_attempt(attempt_start("a", 1))
    await ledger.begin_attempt(attempt_start("a", 2))
    await ledger.end_attempt(attempt_end("a", 1, at=NOON + 9, rate_limits=(newer, day)))
    await ledger.end_attempt(attempt_end("a", 2, at=NOON + 8, rate_limits=(older,)))
    assert (await ledger.snapshot(NOON + 10, DAYS)).limits == (
        LearnedLimit(GROQ, day, NOON + 9),
        LearnedLimit(GROQ, newer, NOON + 9),
    )


async def test_a_cooldown_holds_until_its_time_and_a_shorter_one_does_not_cut_it(ledger: Ledger) -> None:
    await ledger.begin_call(call_start("a"))
    for number, (until, kind) in enumerate(((NOON + 600, ErrorKind.RATE_LIMITED), (NOON + 20, ErrorKind.OVERLOADED))):
        await ledger.begin_attempt(attempt_start("a", number))
        end = attempt_end("a", number, outcome="failed", error_kind=kind, cooldown_until=until)
        await ledger.end_attempt(end)
    assert (await ledger.snapshot(NOON + 599, DAYS)).cooldowns == (Cooldown(GROQ, NOON + 600, ErrorKind.RATE_LIMITED),)
    assert (await ledger.snapshot(NOON + 600, DAYS)).cooldowns == ()


async def test_totals_add_up_by_tier_since_a_time(ledger: Ledger) -> None:
    await ledger.begin_call(call_start("old", MIDNIGHT - 1))
    await ledger.begin_call(call_start("a"))
    await ledger.begin_attempt(attempt_start("a", 1))
    await ledger.end_attempt(attempt_end("a", 1, outcome="failed", error_kind=ErrorKind.NETWORK, usage=Usage()))
    await ledger.begin_attempt(attempt_start("a", 2, GEMINI, tier="paid"))
    await ledger.end_attempt(attempt_end("a", 2, GEMINI, tier="paid", cost_usd=Decimal("0.01")))
    await ledger.end_call(call_end("a", candidate=GEMINI, tier="paid", saved_usd=Decimal("0.2"), director=(30, 60)))
    await ledger.begin_call(call_start("b"))
    await ledger.end_call(call_end("b", state="failed", candidate=None, tier=None, director=(3, 6)))
    totals = await ledger.totals(MIDNIGHT)
    assert (totals.calls, totals.failed_calls) == (2, 1)
    assert (totals.director_input_tokens, totals.director_output_tokens) == (33, 66)
    assert (totals.cost_usd, totals.saved_usd) == (Decimal("0.01"), Decimal("0.2"))
    free, paid = totals.tiers
    assert (free.tier, free.calls, free.attempts, free.input_tokens) == ("free", 0, 1, 0)
    assert (paid.tier, paid.calls, paid.attempts, paid.input_tokens, paid.output_tokens) == ("paid", 1, 1, 100, 20)
    assert (paid.cost_usd, paid.saved_usd) == (Decimal("0.01"), Decimal("0.2"))


async def test_totals_of_one_connection_leave_the_others_out(ledger: Ledger) -> None:
    for call_id, connection in (("a", "desk"), ("b", "phone")):
        await ledger.begin_call(call_start(call_id, connection=connection))
        await ledger.begin_attempt(attempt_start(call_id))
        await ledger.end_attempt(attempt_end(call_id))
        await ledger.end_call(call_end(call_id, director=(1, 2)))
    phone = await ledger.totals(0, "phone")
    assert (phone.calls, phone.director_output_tokens, phone.tiers[0].attempts) == (1, 2, 1)
    assert await ledger.totals(0, "nobody") == Totals()
    assert (await ledger.totals(0)).calls == 2


async def test_a_running_call_whose_process_is_gone_reads_as_failed(open_ledger: Opener) -> None:
    ledger = await open_ledger(living=())
    await ledger.begin_call(call_start("a"))
    call = await ledger.call("a")
    assert call is not None
    assert (call.state, call.error) == ("failed", "its server ended")
    assert (await ledger.recent_calls(1)) == (call,)


async def test_a_running_call_whose_process_number_was_given_anew_reads_as_failed_after_its_lease(
    open_ledger: Opener,
) -> None:
    later = await open_ledger(now=NOON + 4000)
    await later.begin_call(call_start("leased"))
    await later.begin_attempt(attempt_start("leased", lease_s=5000))
    await later.begin_call(call_start("unleased"))
    states = {call.call_id: call.state for call in await later.recent_calls(2)}
    assert states == {"leased": "running", "unleased": "failed"}


async def test_a_closed_ledger_says_so_and_may_be_closed_again(ledger: Ledger) -> None:
    await ledger.aclose()
    await ledger.aclose()
    with pytest.raises(LedgerError, match="closed"):
        await ledger.begin_call(call_start("a"))
