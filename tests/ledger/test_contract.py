"""What every ledger promises."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from delegate_mcp.domain.errors import ErrorKind, LedgerError
from delegate_mcp.domain.limit import Limit
from delegate_mcp.domain.usage import RateLimit, Usage
from delegate_mcp.ledger.base import Ledger, Totals
from delegate_mcp.ledger.snapshot import LearnedLimit, ModelUse
from tests.fakes.ledger_rows import (
    GEMINI,
    GROQ,
    HERE,
    MIDNIGHT,
    NOON,
    asked,
    call_end,
    call_start,
    ended,
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
    first = ended("a", 1, outcome="failed", error_kind=ErrorKind.OVERLOADED, usage=Usage())
    second = ended("a", 2, GEMINI, usage=Usage(10, 5, 3, estimated=True), cost_usd=Decimal("0.000000123"))
    await ledger.reserve(asked("a", 1))
    await ledger.reserve(asked("a", 2, GEMINI))
    await ledger.settle(second)
    await ledger.settle(first)
    assert await ledger.attempts("a") == (first.attempt, second.attempt)


async def test_an_attempt_under_way_is_not_among_the_attempts(ledger: Ledger) -> None:
    await ledger.begin_call(call_start("a"))
    await ledger.reserve(asked("a"))
    assert await ledger.attempts("a") == ()


async def test_the_first_end_of_a_call_and_of_an_attempt_stands(ledger: Ledger) -> None:
    await ledger.begin_call(call_start("a"))
    await ledger.reserve(asked("a"))
    await ledger.settle(ended("a", outcome="cancelled", usage=Usage(7, 0)))
    await ledger.settle(ended("a", usage=Usage(500, 500), told_until=NOON + 500))
    await ledger.end_call(call_end("a", state="cancelled"))
    await ledger.end_call(call_end("a", state="ok"))
    call, snapshot = await ledger.call("a"), await ledger.snapshot(NOON + 5, DAYS)
    assert call is not None
    assert call.state == "cancelled"
    assert snapshot.use[GROQ].tokens_day == 7
    assert snapshot.cooldowns == ()


async def test_a_call_that_begins_again_is_one_call_with_the_later_route(ledger: Ledger) -> None:
    await ledger.begin_call(call_start("a", connection="first"))
    await ledger.begin_call(replace(call_start("a", connection="second"), task_type="coding"))
    row = await ledger.call("a")
    assert row is not None
    assert (row.task_type, row.state) == ("coding", "running")
    assert (await ledger.totals(0, "first")).calls == 1
    await ledger.end_call(call_end("a"))
    await ledger.begin_call(call_start("a"))
    row = await ledger.call("a")
    assert row is not None
    assert (row.task_type, row.state) == ("coding", "ok")


async def test_the_same_attempt_cannot_begin_twice(ledger: Ledger) -> None:
    await ledger.begin_call(call_start("a"))
    await ledger.reserve(asked("a"))
    with pytest.raises(LedgerError):
        await ledger.reserve(asked("a"))
    assert (await ledger.totals(0)).calls == 1


async def test_ends_whose_beginning_was_lost_are_recorded_all_the_same(ledger: Ledger) -> None:
    await ledger.settle(ended("lost", usage=Usage(30, 3)))
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
    await ledger.reserve(asked("a", tokens=700))
    use = (await ledger.snapshot(NOON + 1, DAYS)).use
    assert use == {GROQ: ModelUse(reserved_requests=1, reserved_tokens=700, oldest_in_minute=NOON)}


async def test_a_settled_attempt_counts_as_used_and_is_reserved_no_more(ledger: Ledger) -> None:
    await ledger.begin_call(call_start("a"))
    await ledger.reserve(asked("a", tokens=700))
    await ledger.settle(ended("a", usage=Usage(100, 20, 50)))
    use = (await ledger.snapshot(NOON + 2, DAYS)).use
    assert use == {GROQ: ModelUse(1, 120, 1, 120, oldest_in_minute=NOON + 1)}


async def test_a_failed_attempt_counts_as_a_request_with_the_tokens_it_reported(ledger: Ledger) -> None:
    await ledger.begin_call(call_start("a"))
    await ledger.reserve(asked("a"))
    await ledger.settle(ended("a", outcome="failed", error_kind=ErrorKind.BAD_ANSWER, usage=Usage(9, 0)))
    use = (await ledger.snapshot(NOON + 2, DAYS)).use[GROQ]
    assert (use.requests_minute, use.tokens_minute) == (1, 9)


async def test_a_reservation_outlives_no_lease(ledger: Ledger) -> None:
    await ledger.begin_call(call_start("a"))
    await ledger.reserve(asked("a", lease_s=30))
    assert (await ledger.snapshot(NOON + 29, DAYS)).use[GROQ].reserved_requests == 1
    assert (await ledger.snapshot(NOON + 30, DAYS)).use == {}


async def test_an_attempt_leaves_the_minute_60_seconds_after_the_service_had_it_and_stays_in_the_day(
    ledger: Ledger,
) -> None:
    await ledger.begin_call(call_start("a"))
    for number, at in ((1, NOON), (2, NOON + 30)):
        await ledger.reserve(asked("a", number, at=at))
        await ledger.settle(ended("a", number, at=at + 5, latency_ms=5000, first_token_ms=2000))
    before = (await ledger.snapshot(NOON + 61.9, DAYS)).use[GROQ]
    after = (await ledger.snapshot(NOON + 62, DAYS)).use[GROQ]
    assert (before.requests_minute, before.oldest_in_minute) == (2, NOON + 2)
    assert (after.requests_minute, after.oldest_in_minute) == (1, NOON + 32)
    assert after.requests_day == 2


async def test_an_attempt_without_a_first_token_is_counted_when_it_ended(ledger: Ledger) -> None:
    await ledger.reserve(asked("a"))
    await ledger.settle(ended("a", at=NOON + 5, latency_ms=5000, outcome="cancelled"))
    assert (await ledger.snapshot(NOON + 6, DAYS)).use[GROQ].oldest_in_minute == NOON + 5


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
        await ledger.reserve(asked("a", number, model_id, at))
        await ledger.settle(ended("a", number, model_id, at + 1, first_token_ms=0.0))
    use = (await ledger.snapshot(NOON, DAYS)).use
    assert (use[GROQ].requests_day, use[GEMINI].requests_day) == (1, 1)


async def test_a_day_may_begin_in_the_midst_of_an_hour(ledger: Ledger) -> None:
    await ledger.begin_call(call_start("a"))
    start = MIDNIGHT + 1800
    for number, at in enumerate((start - 1, start, start + 1799, start + 1800)):
        await ledger.reserve(asked("a", number, at=at))
        await ledger.settle(ended("a", number, at=at + 1, first_token_ms=0.0))
    assert (await ledger.snapshot(NOON, {"groq": start})).use[GROQ].requests_day == 3


async def test_a_provider_whose_day_is_not_given_has_it_from_midnight_utc(ledger: Ledger) -> None:
    await ledger.begin_call(call_start("a"))
    for number, at in enumerate((MIDNIGHT - 1, MIDNIGHT)):
        await ledger.reserve(asked("a", number, at=at))
        await ledger.settle(ended("a", number, at=at + 1, first_token_ms=0.0))
    assert (await ledger.snapshot(NOON, {})).use[GROQ].requests_day == 1


async def test_the_last_word_on_a_limit_is_kept_with_where_and_when_it_was_said(ledger: Ledger) -> None:
    await ledger.begin_call(call_start("a"))
    older = RateLimit("tokens", "minute", 6000, 100, 3.5, "refusal")
    newer = RateLimit("tokens", "minute", 8000, 6600, 0.5, "header")
    day = RateLimit("requests", "day", 1000)
    await ledger.reserve(asked("a", 1))
    await ledger.reserve(asked("a", 2))
    await ledger.settle(ended("a", 1, at=NOON + 9, rate_limits=(newer, day)))
    await ledger.settle(ended("a", 2, at=NOON + 8, rate_limits=(older,)))
    assert (await ledger.snapshot(NOON + 10, DAYS)).limits == (
        LearnedLimit(GROQ, day, NOON + 9),
        LearnedLimit(GROQ, newer, NOON + 9, elsewhere=400),
    )


async def test_what_ended_after_an_attempt_was_asked_still_stood_with_its_ceiling_in_its_answer(ledger: Ledger) -> None:
    told = RateLimit("tokens", "minute", 8000, 7000, 30, "header")
    await ledger.reserve(asked("early"))
    await ledger.reserve(asked("late"))
    await ledger.settle(ended("early", at=NOON + 1))
    await ledger.settle(ended("late", at=NOON + 2, rate_limits=(told,)))
    learned = (await ledger.snapshot(NOON + 3, DAYS)).limits
    assert [word.elsewhere for word in learned] == [0]


async def test_a_requests_minute_begins_when_the_service_certainly_had_it(ledger: Ledger) -> None:
    limits = (Limit("requests", "minute", 1),)
    await ledger.reserve(asked("a", limits=limits))
    # The place was taken at NOON, the request left 20 s later and spoke after another 2 s.
    await ledger.settle(ended("a", at=NOON + 25, latency_ms=5_000, first_token_ms=2_000))
    refusal = await ledger.reserve(asked("b", at=NOON + 81.9, limits=limits))
    assert refusal is not None
    assert refusal.until == pytest.approx(NOON + 82)
    assert await ledger.reserve(asked("c", at=NOON + 82.1, limits=limits)) is None


async def test_totals_add_up_by_tier_since_a_time(ledger: Ledger) -> None:
    await ledger.begin_call(call_start("old", MIDNIGHT - 1))
    await ledger.begin_call(call_start("a"))
    await ledger.reserve(asked("a", 1))
    await ledger.settle(ended("a", 1, outcome="failed", error_kind=ErrorKind.NETWORK, usage=Usage()))
    await ledger.reserve(asked("a", 2, GEMINI, tier="paid"))
    await ledger.settle(ended("a", 2, GEMINI, tier="paid", cost_usd=Decimal("0.01")))
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
        await ledger.reserve(asked(call_id))
        await ledger.settle(ended(call_id))
        await ledger.end_call(replace(call_end(call_id, director=(1, 2)), listing_tokens=900))
    phone = await ledger.totals(0, "phone")
    assert phone.director_tokens == 903
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
    await later.reserve(asked("leased", lease_s=5000))
    await later.begin_call(call_start("unleased"))
    states = {call.call_id: call.state for call in await later.recent_calls(2)}
    assert states == {"leased": "running", "unleased": "failed"}


async def test_a_closed_ledger_says_so_and_may_be_closed_again(ledger: Ledger) -> None:
    await ledger.aclose()
    await ledger.aclose()
    with pytest.raises(LedgerError, match="closed"):
        await ledger.begin_call(call_start("a"))


async def test_calls_that_ended_are_forgotten_and_what_quotas_count_is_not(ledger: Ledger) -> None:
    for call_id, at in (("old", NOON - 600), ("new", NOON - 5), ("running", NOON - 600)):
        await ledger.begin_call(call_start(call_id, at))
        await ledger.reserve(asked(call_id, at=at, lease_s=3600))
    for call_id, at in (("old", NOON - 598), ("new", NOON - 3)):
        await ledger.settle(replace(ended(call_id, usage=Usage(10, 5)), ended_at=at))
        await ledger.end_call(call_end(call_id, error="words"))
    before = await ledger.snapshot(NOON, DAYS)
    assert await ledger.forget_calls(NOON) == 1
    assert await ledger.call("old") is None
    assert await ledger.attempts("old") == ()
    kept, running = await ledger.call("new"), await ledger.call("running")
    assert kept is not None
    assert kept.error is None
    assert running is not None
    assert running.state == "running"
    assert await ledger.snapshot(NOON, DAYS) == before
    assert [row.call_id for row in await ledger.recent_calls(9)] == ["new", "running"]
    await ledger.settle(ended("running", usage=Usage(1, 1)))
    assert await ledger.forget_calls(NOON + 600) == 1


async def test_paid_attempts_of_the_day_are_not_forgotten(ledger: Ledger) -> None:
    paid: dict[str, Any] = {"tier": "paid", "usd": Decimal(1), "daily_usd": Decimal(1)}
    await ledger.begin_call(call_start("a"))
    assert await ledger.reserve(asked("a", **paid)) is None
    await ledger.settle(ended("a", tier="paid", cost_usd=Decimal(1)))
    await ledger.end_call(call_end("a", tier="paid"))
    assert await ledger.forget_calls(NOON + 600) == 0
    await ledger.begin_call(call_start("b"))
    refused = await ledger.reserve(asked("b", at=NOON + 600, **paid))
    assert refused is not None
    assert refused.why == "budget"
