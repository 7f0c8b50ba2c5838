"""What every ledger promises of places in windows: who gets one, who is told when, and what an end gives back."""

from decimal import Decimal

import pytest

from delegate_mcp.domain.errors import ErrorKind
from delegate_mcp.domain.limit import Limit
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.usage import RateLimit, Usage
from delegate_mcp.ledger.base import Ledger, Refusal, Ticket
from delegate_mcp.ledger.decision import LOOK_AGAIN_S, TURN_S
from delegate_mcp.ledger.health import GONE_S, LONGEST_OPEN_S, failing_since, open_s
from delegate_mcp.ledger.snapshot import Cooldown, LearnedLimit, OpenBreaker, ProviderOff, Tombstone
from tests.fakes.ledger_rows import GEMINI, GROQ, MIDNIGHT, NOON, asked, ended

DAYS = {"groq": MIDNIGHT, "gemini": MIDNIGHT + 8 * 3600}
TOMORROW = MIDNIGHT + 86_400
OTHER = ModelId("groq", "llama-3.1-8b")
RPM2 = (Limit("requests", "minute", 2),)
TPM = (Limit("tokens", "minute", 1000),)
RPD1 = (Limit("requests", "day", 1),)
ACCOUNT_RPM1 = (Limit("requests", "minute", 1, "account"),)


async def used(ledger: Ledger, call_id: str, at: float, tokens: int = 0, model_id: ModelId = GROQ) -> None:
    """One attempt that the service had, and answered, at once."""
    assert await ledger.reserve(asked(call_id, model_id=model_id, at=at, tokens=tokens)) is None
    await ledger.settle(ended(call_id, model_id=model_id, at=at, latency_ms=0, usage=Usage(tokens, 0)))


def why(refusal: Refusal | None) -> str | None:
    return refusal.why if refusal is not None else None


# --- Room in the windows ---------------------------------------------------------------------------------------------


async def test_a_full_minute_refuses_until_60_seconds_after_its_oldest_request(ledger: Ledger) -> None:
    await used(ledger, "a", NOON)
    await used(ledger, "b", NOON + 20)
    refusal = await ledger.reserve(asked("c", at=NOON + 30, limits=RPM2))
    assert refusal is not None
    assert (refusal.why, refusal.until) == ("limit", NOON + 60)
    assert refusal.window is not None
    assert (refusal.window.metric, refusal.window.used, refusal.window.left) == ("requests", 2, 0)
    assert await ledger.reserve(asked("c", at=NOON + 60, limits=RPM2)) is None


async def test_what_is_under_way_takes_room_and_a_refused_attempt_takes_none(ledger: Ledger) -> None:
    for number in (1, 2):
        assert await ledger.reserve(asked("a", number, limits=RPM2)) is None
    assert why(await ledger.reserve(asked("a", 3, limits=RPM2))) == "limit"
    use = (await ledger.snapshot(NOON, DAYS)).use[GROQ]
    assert use.reserved_requests == 2
    await ledger.settle(ended("a", 1, at=NOON, counted=False))
    assert await ledger.reserve(asked("a", 3, limits=RPM2)) is None


async def test_a_place_is_taken_in_all_windows_or_in_none(ledger: Ledger) -> None:
    limits = (*RPM2, Limit("tokens", "day", 1000))
    assert await ledger.reserve(asked("a", tokens=800, limits=limits)) is None
    refusal = await ledger.reserve(asked("b", tokens=300, limits=limits))
    assert refusal is not None
    assert refusal.window is not None
    assert (refusal.window.metric, refusal.window.period) == ("tokens", "day")
    use = (await ledger.snapshot(NOON, DAYS)).use[GROQ]
    assert (use.reserved_requests, use.reserved_tokens) == (1, 800)
    assert await ledger.call("b") is None


async def test_tokens_have_room_exactly_when_enough_of_them_are_a_minute_old(ledger: Ledger) -> None:
    for call_id, at, tokens in (("a", NOON, 100), ("b", NOON + 10, 500), ("c", NOON + 20, 300)):
        await used(ledger, call_id, at, tokens)
    small = await ledger.reserve(asked("d", at=NOON + 30, tokens=200, limits=TPM))
    large = await ledger.reserve(asked("d", at=NOON + 30, tokens=700, limits=TPM))
    largest = await ledger.reserve(asked("d", at=NOON + 30, tokens=1000, limits=TPM))
    assert [refusal and refusal.until for refusal in (small, large, largest)] == [NOON + 60, NOON + 70, NOON + 80]
    assert await ledger.reserve(asked("d", at=NOON + 70, tokens=700, limits=TPM)) is None


async def test_tokens_that_are_only_reserved_may_come_back_at_any_moment(ledger: Ledger) -> None:
    assert await ledger.reserve(asked("a", tokens=900, limits=TPM)) is None
    refusal = await ledger.reserve(asked("b", at=NOON + 5, tokens=500, limits=TPM))
    assert refusal is not None
    assert refusal.until == NOON + 5 + LOOK_AGAIN_S
    await ledger.settle(ended("a", at=NOON + 6, usage=Usage(200, 50)))
    assert await ledger.reserve(asked("b", at=NOON + 6, tokens=500, limits=TPM)) is None


async def test_a_full_day_refuses_until_the_services_midnight(ledger: Ledger) -> None:
    await used(ledger, "a", NOON)
    await used(ledger, "b", NOON, model_id=GEMINI)
    utc = await ledger.reserve(asked("c", at=NOON + 90, limits=RPD1))
    pacific = await ledger.reserve(asked("c", model_id=GEMINI, at=NOON + 90, limits=RPD1, reset="pacific"))
    assert utc is not None
    assert pacific is not None
    assert (utc.until, pacific.until) == (TOMORROW, MIDNIGHT + 32 * 3600)
    assert await ledger.reserve(asked("c", at=TOMORROW, limits=RPD1)) is None


async def test_a_request_that_can_never_fit_is_too_large_whatever_is_used(ledger: Ledger) -> None:
    assert await ledger.reserve(asked("a", tokens=1000, limits=TPM)) is None
    refusal = await ledger.reserve(asked("b", tokens=1001, limits=TPM))
    assert refusal is not None
    assert (refusal.why, refusal.until) == ("too_large", None)
    assert refusal.window is not None
    assert refusal.window.limit == 1000


async def test_models_of_one_account_share_its_windows(ledger: Ledger) -> None:
    await used(ledger, "a", NOON)
    refusal = await ledger.reserve(asked("b", model_id=OTHER, at=NOON + 1, limits=ACCOUNT_RPM1))
    assert refusal is not None
    assert refusal.window is not None
    assert (refusal.window.scope, refusal.window.used, refusal.until) == ("account", 1, NOON + 60)
    assert await ledger.reserve(asked("b", model_id=OTHER, at=NOON + 1, limits=RPM2)) is None
    assert await ledger.reserve(asked("c", model_id=GEMINI, at=NOON + 1, limits=ACCOUNT_RPM1)) is None


async def test_a_reservation_whose_process_died_makes_room_with_its_lease(ledger: Ledger) -> None:
    assert await ledger.reserve(asked("a", limits=RPD1, lease_s=30)) is None
    assert why(await ledger.reserve(asked("b", at=NOON + 29, limits=RPD1))) == "limit"
    assert await ledger.reserve(asked("b", at=NOON + 30, limits=RPD1)) is None


async def test_an_end_after_the_lease_counts_all_the_same(ledger: Ledger) -> None:
    assert await ledger.reserve(asked("a", limits=RPD1, lease_s=30)) is None
    await ledger.settle(ended("a", at=NOON + 40, latency_ms=40_000))
    assert why(await ledger.reserve(asked("b", at=NOON + 41, limits=RPD1))) == "limit"


async def test_what_the_service_did_not_count_counts_nowhere(ledger: Ledger) -> None:
    assert await ledger.reserve(asked("a")) is None
    await ledger.settle(ended("a", error_kind=ErrorKind.BAD_REQUEST, counted=False, usage=Usage(10, 0)))
    snapshot = await ledger.snapshot(NOON + 2, DAYS)
    assert snapshot.use == {}
    assert (await ledger.totals(0)).tiers[0].attempts == 1


async def test_only_the_tokens_that_the_service_counts_take_room(ledger: Ledger) -> None:
    assert await ledger.reserve(asked("a")) is None
    await ledger.settle(ended("a", usage=Usage(1000, 50, 900), counted_tokens=150))
    use = (await ledger.snapshot(NOON + 2, DAYS)).use[GROQ]
    assert (use.tokens_minute, use.tokens_day) == (150, 150)


async def test_an_attempt_counts_in_the_day_in_which_the_service_had_it(ledger: Ledger) -> None:
    assert await ledger.reserve(asked("a", at=TOMORROW - 1, limits=RPD1)) is None
    await ledger.settle(ended("a", at=TOMORROW + 1, latency_ms=2000))
    assert why(await ledger.reserve(asked("b", at=TOMORROW + 2, limits=RPD1))) == "limit"


# --- What services tell ----------------------------------------------------------------------------------------------


async def test_a_limit_that_the_service_told_overrides_the_catalogs(ledger: Ledger) -> None:
    assert await ledger.reserve(asked("a", limits=RPM2)) is None
    await ledger.settle(ended("a", rate_limits=(RateLimit("requests", "minute", 1, source="refusal"),)))
    refusal = await ledger.reserve(asked("b", at=NOON + 2, limits=RPM2))
    assert refusal is not None
    assert refusal.window is not None
    assert (refusal.window.limit, refusal.window.learned_from) == (1, "refusal")


async def test_use_elsewhere_is_seen_and_our_own_later_use_is_not_lost(ledger: Ledger) -> None:
    day = RateLimit("requests", "day", 10, remaining=4)
    assert await ledger.reserve(asked("a")) is None
    await ledger.settle(ended("a", rate_limits=(day,)))
    (word,) = (await ledger.snapshot(NOON + 2, DAYS)).limits
    assert word == LearnedLimit(GROQ, day, NOON + 1, elsewhere=5)
    for number in range(4):
        await used(ledger, f"b{number}", NOON + 2)
    assert why(await ledger.reserve(asked("c", at=NOON + 3))) == "limit"
    assert await ledger.reserve(asked("c", at=TOMORROW)) is None


async def test_what_is_under_way_is_not_taken_for_somebody_elses(ledger: Ledger) -> None:
    for number in range(1, 4):
        assert await ledger.reserve(asked("a", number)) is None
    await ledger.settle(ended("a", 1, rate_limits=(RateLimit("requests", "minute", 10, remaining=7),)))
    assert (await ledger.snapshot(NOON + 2, DAYS)).limits[0].elsewhere == 0


async def test_what_was_counted_when_the_request_arrived_is_ours_though_it_left_our_minute_since(
    ledger: Ledger,
) -> None:
    await used(ledger, "a", NOON)
    assert await ledger.reserve(asked("b", at=NOON + 50)) is None
    told = RateLimit("requests", "minute", 10, remaining=8)
    await ledger.settle(ended("b", at=NOON + 70, latency_ms=20_000, rate_limits=(told,)))
    assert (await ledger.snapshot(NOON + 70, DAYS)).limits[0].elsewhere == 0


async def test_what_was_left_of_yesterday_says_nothing_of_today(ledger: Ledger) -> None:
    assert await ledger.reserve(asked("a", at=TOMORROW - 1)) is None
    told = RateLimit("requests", "day", 1000, remaining=0)
    await ledger.settle(ended("a", at=TOMORROW + 1, latency_ms=2000, rate_limits=(told,)))
    assert await ledger.reserve(asked("b", at=TOMORROW + 2)) is None


async def test_a_limit_of_the_account_is_learned_for_all_its_models(ledger: Ledger) -> None:
    assert await ledger.reserve(asked("a")) is None
    await ledger.settle(ended("a", rate_limits=(RateLimit("requests", "day", 1, 0, scope="account"),)))
    assert why(await ledger.reserve(asked("b", model_id=OTHER, at=NOON + 2))) == "limit"
    (word,) = (await ledger.snapshot(NOON + 2, DAYS)).limits
    assert (word.model_id, word.limit.scope) == (ModelId("groq", "*"), "account")


# --- Cooldowns, breakers, keys, models gone --------------------------------------------------------------------------


async def struck(ledger: Ledger, call_id: str, at: float, told_until: float | None = None, **more: object) -> None:
    assert await ledger.reserve(asked(call_id, at=at)) is None
    await failed(ledger, call_id, at, ErrorKind.RATE_LIMITED, told_until=told_until, **more)


async def failed(ledger: Ledger, call_id: str, at: float, kind: ErrorKind, **more: object) -> None:
    fields = {"latency_ms": 0, "counted": False, "usage": Usage(), **more}
    await ledger.settle(ended(call_id, at=at, error_kind=kind, **fields))  # type: ignore[arg-type]


async def test_refusals_in_a_row_cool_a_model_down_longer_and_longer(ledger: Ledger) -> None:
    at = NOON
    for strikes, seconds in enumerate((20, 120, 600, 3600, 3600), 1):
        await struck(ledger, f"s{strikes}", at)
        refusal = await ledger.reserve(asked("x", at=at + seconds - 1))
        assert refusal is not None
        assert (refusal.why, refusal.until) == ("cooldown", at + seconds)
        (cooldown,) = (await ledger.snapshot(at, DAYS)).cooldowns
        assert cooldown == Cooldown(GROQ, at + seconds, ErrorKind.RATE_LIMITED, strikes)
        at += seconds


async def test_the_first_refusal_cools_as_long_as_the_service_says_and_later_ones_at_least_so(ledger: Ledger) -> None:
    await struck(ledger, "a", NOON, NOON + 3)
    assert why(await ledger.reserve(asked("x", at=NOON + 2))) == "cooldown"
    await struck(ledger, "b", NOON + 3, NOON + 10)
    (cooldown,) = (await ledger.snapshot(NOON + 4, DAYS)).cooldowns
    assert cooldown.until == NOON + 3 + 120
    await struck(ledger, "c", NOON + 123, TOMORROW)
    (cooldown,) = (await ledger.snapshot(NOON + 200, DAYS)).cooldowns
    assert cooldown.until == TOMORROW


async def test_refusals_of_calls_that_were_under_way_together_are_one_strike(ledger: Ledger) -> None:
    for number in range(1, 6):
        assert await ledger.reserve(asked("a", number)) is None
    for number in range(1, 6):
        end = ended(
            "a",
            number,
            at=NOON + number,
            error_kind=ErrorKind.RATE_LIMITED,
            counted=False,
            told_until=NOON + 30 - number,
        )
        await ledger.settle(end)
    (cooldown,) = (await ledger.snapshot(NOON + 5, DAYS)).cooldowns
    assert (cooldown.strikes, cooldown.until) == (1, NOON + 29)


async def test_an_answer_after_a_cooldown_clears_the_strikes_and_one_from_before_it_does_not(ledger: Ledger) -> None:
    assert await ledger.reserve(asked("early")) is None
    await struck(ledger, "a", NOON + 1)
    await ledger.settle(ended("early", at=NOON + 2))
    assert len((await ledger.snapshot(NOON + 3, DAYS)).cooldowns) == 1
    await struck(ledger, "b", NOON + 21)
    await used(ledger, "late", NOON + 141)
    await struck(ledger, "c", NOON + 142)
    assert (await ledger.snapshot(NOON + 142, DAYS)).cooldowns[0].strikes == 1


async def test_a_full_account_cools_down_with_all_its_models(ledger: Ledger) -> None:
    await struck(ledger, "a", NOON, rate_limits=(RateLimit("requests", "day", 50, 0, scope="account"),))
    assert why(await ledger.reserve(asked("b", model_id=OTHER, at=NOON + 19))) == "cooldown"
    assert (await ledger.snapshot(NOON + 1, DAYS)).cooldowns[0].model_id == ModelId("groq", "*")


async def broken(ledger: Ledger, at: float = NOON, kind: ErrorKind = ErrorKind.OVERLOADED, failures: int = 5) -> None:
    for number in range(failures):
        call_id = f"{at}-{number}"
        assert await ledger.reserve(asked(call_id, at=at)) is None
        await failed(ledger, call_id, at, kind)


@pytest.mark.parametrize("kind", [ErrorKind.OVERLOADED, ErrorKind.NETWORK, ErrorKind.TIMEOUT])
async def test_five_failures_in_a_row_close_a_provider_off_for_all_its_models(ledger: Ledger, kind: ErrorKind) -> None:
    await broken(ledger, kind=kind)
    refusal = await ledger.reserve(asked("x", model_id=OTHER, at=NOON + 29))
    assert refusal == Refusal(why="breaker", until=NOON + 30)
    assert (await ledger.snapshot(NOON + 31, DAYS)).breakers == (OpenBreaker("groq", NOON + 30, 5),)
    assert await ledger.reserve(asked("y", model_id=GEMINI, at=NOON + 29)) is None


async def test_any_answer_between_failures_keeps_the_breaker_closed(ledger: Ledger) -> None:
    await broken(ledger, failures=4)
    assert await ledger.reserve(asked("a")) is None
    await failed(ledger, "a", NOON, ErrorKind.REFUSED)
    await broken(ledger, NOON + 1, failures=4)
    assert await ledger.reserve(asked("b", at=NOON + 2)) is None


async def test_a_half_open_breaker_lets_one_probe_through_and_an_answer_closes_it(ledger: Ledger) -> None:
    await broken(ledger)
    assert await ledger.reserve(asked("probe", at=NOON + 30)) is None
    assert await ledger.reserve(asked("x", at=NOON + 31)) == Refusal(why="breaker", until=NOON + 31 + LOOK_AGAIN_S)
    await ledger.settle(ended("probe", at=NOON + 32))
    assert await ledger.reserve(asked("x", at=NOON + 32)) is None
    assert (await ledger.snapshot(NOON + 32, DAYS)).breakers == ()


async def test_a_probe_that_fails_opens_the_breaker_for_twice_as_long_up_to_ten_minutes(ledger: Ledger) -> None:
    await broken(ledger)
    at, waits = NOON + 30, [60, 120, 240, 480, 600, 600]
    for number, seconds in enumerate(waits):
        assert await ledger.reserve(asked(f"p{number}", at=at)) is None
        await failed(ledger, f"p{number}", at, ErrorKind.TIMEOUT)
        assert (await ledger.snapshot(at, DAYS)).breakers[0].until == at + seconds
        at += seconds


async def test_a_breaker_that_is_half_opened_early_lets_one_try_through_and_a_failed_one_opens_it_for_longer(
    ledger: Ledger,
) -> None:
    await broken(ledger)
    seen = (await ledger.snapshot(NOON + 10, DAYS)).breakers[0]
    assert await ledger.half_open(seen, NOON + 10)
    assert await ledger.reserve(asked("try", at=NOON + 10)) is None
    assert why(await ledger.reserve(asked("x", at=NOON + 11))) == "breaker"
    await failed(ledger, "try", NOON + 12, ErrorKind.OVERLOADED)
    assert (await ledger.snapshot(NOON + 12, DAYS)).breakers == (OpenBreaker("groq", NOON + 72, 6),)


async def test_a_breaker_is_half_opened_only_as_it_was_seen(ledger: Ledger) -> None:
    await broken(ledger)
    seen = (await ledger.snapshot(NOON, DAYS)).breakers[0]
    assert await ledger.reserve(asked("try", at=NOON + 30)) is None
    await failed(ledger, "try", NOON + 30, ErrorKind.OVERLOADED)
    assert not await ledger.half_open(seen, NOON + 31)
    assert why(await ledger.reserve(asked("x", at=NOON + 31))) == "breaker"
    assert await ledger.reserve(asked("again", at=NOON + 90)) is None
    await ledger.settle(ended("again", at=NOON + 91))
    assert not await ledger.half_open(OpenBreaker("groq", NOON + 90, 6), NOON + 91)
    assert (await ledger.snapshot(NOON + 91, DAYS)).breakers == ()


async def test_a_breaker_tells_since_when_calls_fail(ledger: Ledger) -> None:
    await broken(ledger)
    at = NOON + 30
    for number, seconds in enumerate([60, 120, 240, 480, 600, 600]):
        assert await ledger.reserve(asked(f"p{number}", at=at)) is None
        await failed(ledger, f"p{number}", at, ErrorKind.TIMEOUT)
        assert failing_since((await ledger.snapshot(at, DAYS)).breakers[0]) == NOON
        at += seconds


def test_a_service_that_is_away_for_weeks_brings_no_number_too_large() -> None:
    assert open_s(1_000_000) == LONGEST_OPEN_S


async def test_failures_of_calls_that_were_under_way_when_it_opened_do_not_prolong_it(ledger: Ledger) -> None:
    for number in range(1, 9):
        assert await ledger.reserve(asked("a", number)) is None
    for number in range(1, 9):
        await ledger.settle(ended("a", number, at=NOON + number, error_kind=ErrorKind.OVERLOADED, counted=False))
    assert (await ledger.snapshot(NOON + 9, DAYS)).breakers == (OpenBreaker("groq", NOON + 35, 5),)


async def test_a_probe_that_was_cancelled_or_died_makes_way_for_the_next(ledger: Ledger) -> None:
    await broken(ledger)
    assert await ledger.reserve(asked("cancelled", at=NOON + 30)) is None
    await ledger.settle(ended("cancelled", at=NOON + 31, outcome="cancelled"))
    assert await ledger.reserve(asked("dies", at=NOON + 31, lease_s=20)) is None
    assert why(await ledger.reserve(asked("x", at=NOON + 50))) == "breaker"
    assert await ledger.reserve(asked("x", at=NOON + 51)) is None


async def test_a_probe_that_finds_no_room_leaves_its_place_to_another(ledger: Ledger) -> None:
    await used(ledger, "a", NOON)
    await broken(ledger, NOON)
    assert why(await ledger.reserve(asked("x", at=NOON + 31, limits=RPD1))) == "limit"
    assert await ledger.reserve(asked("y", at=NOON + 31)) is None


async def test_a_refused_key_is_off_until_its_mark_changes(ledger: Ledger) -> None:
    assert await ledger.reserve(asked("a", key_mark="old")) is None
    await failed(ledger, "a", NOON, ErrorKind.AUTH, key_mark="old")
    assert await ledger.reserve(asked("b", model_id=OTHER, at=TOMORROW, key_mark="old")) == Refusal(why="auth")
    assert (await ledger.snapshot(NOON, DAYS)).off == (ProviderOff("groq", "old", NOON),)
    assert await ledger.reserve(asked("b", key_mark="new")) is None
    await ledger.settle(ended("b", key_mark="new"))
    assert (await ledger.snapshot(NOON, DAYS)).off == ()


async def test_a_login_that_has_no_mark_is_asked_again_after_a_while(ledger: Ledger) -> None:
    assert await ledger.reserve(asked("a")) is None
    await failed(ledger, "a", NOON, ErrorKind.AUTH)
    refusal = await ledger.reserve(asked("b", model_id=OTHER))
    assert refusal == Refusal(why="cooldown", until=NOON + 20)
    assert await ledger.reserve(asked("b", at=NOON + 20)) is None


async def test_a_model_that_is_gone_is_not_asked_for_a_day(ledger: Ledger) -> None:
    assert await ledger.reserve(asked("a")) is None
    await failed(ledger, "a", NOON, ErrorKind.MODEL_GONE)
    assert await ledger.reserve(asked("b", at=NOON + 9)) == Refusal(why="gone", until=NOON + GONE_S)
    assert (await ledger.snapshot(NOON + 9, DAYS)).gone == (Tombstone(GROQ, NOON),)
    assert await ledger.reserve(asked("b", model_id=OTHER)) is None
    assert await ledger.reserve(asked("c", at=NOON + GONE_S)) is None
    await ledger.settle(ended("c", at=NOON + GONE_S + 1))
    assert (await ledger.snapshot(NOON + 10, DAYS)).gone == ()


# --- Money -----------------------------------------------------------------------------------------------------------


async def test_the_daily_cap_holds_with_what_was_paid_and_what_is_under_way(ledger: Ledger) -> None:
    cap = Decimal("1.00")

    def paid(call_id: str, usd: str, at: float = NOON) -> object:
        return ledger.reserve(asked(call_id, at=at, tier="paid", usd=Decimal(usd), daily_usd=cap))

    assert await paid("a", "0.60") is None  # type: ignore[misc]
    assert await paid("b", "0.41") == Refusal(why="budget", until=TOMORROW)  # type: ignore[misc]
    await ledger.settle(ended("a", tier="paid", cost_usd=Decimal("0.55")))
    assert await paid("b", "0.45") is None  # type: ignore[misc]
    assert await paid("c", "0.01") == Refusal(why="budget", until=TOMORROW)  # type: ignore[misc]
    assert await paid("d", "1.01") == Refusal(why="budget")  # type: ignore[misc]
    assert await paid("e", "1.00", TOMORROW) is None  # type: ignore[misc]


# --- The line --------------------------------------------------------------------------------------------------------


def ticket(name: str, since: float, lease_until: float = NOON + 300) -> Ticket:
    return Ticket(name, since, lease_until)


async def test_who_waited_longest_is_served_first_and_who_waits_not_at_all_comes_last(ledger: Ledger) -> None:
    await used(ledger, "a", NOON)
    await used(ledger, "b", NOON)
    second, first = ticket("second", NOON + 2), ticket("first", NOON + 1)
    for held in (second, first):
        assert why(await ledger.reserve(asked(held.ticket_id, at=NOON + 3, limits=RPM2, ticket=held))) in (
            "limit",
            "turn",
        )
    assert (await ledger.snapshot(NOON + 3, DAYS)).waiting == {GROQ: 2}
    late = NOON + 60
    refusal = await ledger.reserve(asked("nobody", at=late, limits=RPM2))
    assert refusal == Refusal(why="turn", until=late + TURN_S, ahead=2)
    refusal = await ledger.reserve(asked("second", at=late, limits=RPM2, ticket=second))
    assert refusal == Refusal(why="turn", until=late + TURN_S, ahead=1)
    assert await ledger.reserve(asked("first", at=late, limits=RPM2, ticket=first)) is None
    assert await ledger.reserve(asked("second", at=late, limits=RPM2, ticket=second)) is None
    assert (await ledger.snapshot(late, DAYS)).waiting == {}


async def test_who_waits_behind_others_is_told_when_room_returns(ledger: Ledger) -> None:
    await used(ledger, "a", NOON)
    await used(ledger, "b", NOON)
    first = ticket("first", NOON + 1)
    assert why(await ledger.reserve(asked("first", at=NOON + 1, limits=RPM2, ticket=first))) == "limit"
    refusal = await ledger.reserve(asked("x", at=NOON + 2, limits=RPM2))
    assert refusal == Refusal(why="turn", until=NOON + 60, ahead=1)


async def test_who_steps_out_dies_or_asks_for_the_impossible_holds_nobody_up(ledger: Ledger) -> None:
    await used(ledger, "a", NOON)
    await used(ledger, "b", NOON)
    for held in (ticket("steps out", NOON), ticket("dies", NOON, NOON + 10), ticket("too large", NOON)):
        refused = await ledger.reserve(asked(held.ticket_id, at=NOON + 1, limits=RPM2, ticket=held))
        assert refused is not None
    huge = asked("too large", at=NOON + 2, tokens=2000, limits=TPM, ticket=ticket("too large", NOON))
    assert why(await ledger.reserve(huge)) == "too_large"
    await ledger.leave("steps out")
    assert (await ledger.snapshot(NOON + 9, DAYS)).waiting == {GROQ: 1}
    assert await ledger.reserve(asked("x", at=NOON + 60, limits=RPM2)) is None


async def test_asking_again_renews_a_waiting_calls_lease_and_keeps_its_place(ledger: Ledger) -> None:
    await used(ledger, "a", NOON)
    await used(ledger, "b", NOON)
    for at in (NOON + 1, NOON + 8, NOON + 16):
        held = ticket("w", NOON + 1, at + 10)
        assert why(await ledger.reserve(asked("w", at=at, limits=RPM2, ticket=held))) == "limit"
    refusal = await ledger.reserve(asked("x", at=NOON + 25, limits=RPM2, ticket=ticket("x", NOON + 2)))
    assert refusal == Refusal(why="turn", until=NOON + 60, ahead=1)


async def test_each_model_has_a_line_of_its_own(ledger: Ledger) -> None:
    await used(ledger, "a", NOON)
    held = ticket("w", NOON)
    assert why(await ledger.reserve(asked("w", at=NOON + 1, limits=RPD1, ticket=held))) == "limit"
    assert await ledger.reserve(asked("x", model_id=OTHER, at=NOON + 1)) is None


# --- The time to the first token -------------------------------------------------------------------------------------


async def test_the_first_token_is_learned_from_20_answers_on_and_from_the_last_100(ledger: Ledger) -> None:
    async def answered(number: int, ms: float | None, kind: ErrorKind | None = None) -> None:
        await ledger.reserve(asked("a", number))
        await ledger.settle(ended("a", number, at=NOON + number, first_token_ms=ms, error_kind=kind))

    for number in range(1, 20):
        await answered(number, 1000.0 * number)
    await answered(20, None)
    await answered(21, 9e9, ErrorKind.BAD_ANSWER)
    assert await ledger.first_token_p95_ms(GROQ) is None
    await answered(22, 20_000.0)
    assert await ledger.first_token_p95_ms(GROQ) == 19_000
    assert await ledger.first_token_p95_ms(OTHER) is None
    for number in range(100, 200):
        await answered(number, float(number))
    assert await ledger.first_token_p95_ms(GROQ) == 194
