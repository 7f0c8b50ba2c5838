"""What is left of a limit."""

from dataclasses import replace
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from delegate_mcp.catalog.catalog import Limit
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.usage import RateLimit
from delegate_mcp.ledger.quota import Window, earliest_room, fits, too_large, windows, windows_for
from delegate_mcp.ledger.snapshot import LearnedLimit, LedgerSnapshot, ModelUse
from tests.fakes.ledger_rows import GEMINI, GROQ, MIDNIGHT, NOON

TOMORROW = MIDNIGHT + 86_400
RPM = Limit("requests", "minute", 30)
RPD = Limit("requests", "day", 1000)
TPM = Limit("tokens", "minute", 8000)
TPD = Limit("tokens", "day", 200_000)

counts = st.integers(0, 10**9)
metrics = st.sampled_from(["requests", "tokens"])
periods = st.sampled_from(["minute", "day", "month"])
uses = st.builds(ModelUse, counts, counts, counts, counts, counts, counts)
words = st.builds(
    RateLimit, metrics, periods, counts, st.none() | counts, st.none() | st.floats(0, 1e6), st.just("header")
)


def said(told: RateLimit, at: float = NOON) -> LearnedLimit:
    return LearnedLimit(GROQ, told, at)


def only(limits: tuple[Limit, ...], learned: tuple[LearnedLimit, ...] = (), use: ModelUse = ModelUse()) -> Window:  # noqa: B008 - a frozen value
    (window,) = windows(limits, learned, use, now=NOON, reset="utc")
    return window


def test_a_catalog_limit_is_less_by_what_is_used_and_reserved() -> None:
    use = ModelUse(2, 300, 40, 50_000, 1, 1200, NOON - 20)
    made = windows((TPD, RPM, RPD, TPM), (), use, now=NOON, reset="utc")
    assert [(w.metric, w.period, w.used, w.reserved, w.left, w.resets_at) for w in made] == [
        ("requests", "minute", 2, 1, 27, NOON + 40),
        ("requests", "day", 40, 1, 959, TOMORROW),
        ("tokens", "minute", 300, 1200, 6500, NOON + 40),
        ("tokens", "day", 50_000, 1200, 148_800, TOMORROW),
    ]
    assert {w.learned_from for w in made} == {"catalog"}


def test_a_pacific_day_resets_at_pacific_midnight() -> None:
    (window,) = windows((RPD,), (), ModelUse(), now=NOON, reset="pacific")
    assert window.resets_at == MIDNIGHT + 32 * 3600


def test_the_services_word_overrides_the_catalogs_limit() -> None:
    window = only((TPM,), (said(RateLimit("tokens", "minute", 6000, source="refusal"), NOON - 5000),))
    assert (window.limit, window.learned_from, window.learned_at) == (6000, "refusal", NOON - 5000)


def test_a_limit_of_which_only_the_service_knows_makes_a_window() -> None:
    window = only((), (said(RateLimit("requests", "day", 20)),), ModelUse(requests_day=5))
    assert (window.limit, window.left) == (20, 15)


def test_a_limit_of_0_leaves_no_room() -> None:
    window = only((RPD,), (said(RateLimit("requests", "day", 0)),))
    assert window.left == 0
    assert not fits([window], 1)


def test_use_from_elsewhere_that_the_service_tells_of_counts() -> None:
    told = said(RateLimit("requests", "day", 1000, remaining=100, reset_s=500.0), NOON - 10)
    told = replace(told, elsewhere=897)
    window = only((RPD,), (told,), ModelUse(requests_day=3, reserved_requests=2))
    assert (window.used, window.left) == (900, 98)


def test_our_own_count_stands_where_it_is_higher() -> None:
    told = said(RateLimit("requests", "day", 1000, remaining=999), NOON - 10)
    assert only((RPD,), (told,), ModelUse(requests_day=30)).used == 30


def test_what_was_left_before_the_reset_says_nothing_now() -> None:
    over = replace(said(RateLimit("tokens", "minute", 8000, 0, reset_s=9.9), NOON - 10), elsewhere=8000)
    assert only((TPM,), (over,)).used == 0
    minute_ago = replace(said(RateLimit("tokens", "minute", 8000, 0), NOON - 60), elsewhere=8000)
    assert only((TPM,), (minute_ago,)).used == 0
    yesterday = replace(said(RateLimit("requests", "day", 1000, 0), MIDNIGHT - 1), elsewhere=1000)
    assert only((RPD,), (yesterday,)).used == 0
    today = replace(said(RateLimit("requests", "day", 1000, 0), MIDNIGHT), elsewhere=1000)
    assert only((RPD,), (today,)).left == 0


def test_room_that_somebody_else_uses_returns_when_the_service_says() -> None:
    told = replace(said(RateLimit("tokens", "minute", 8000, 0, reset_s=25.0), NOON - 10), elsewhere=8000)
    assert (only((TPM,), (told,)).resets_at, only((TPM,), (told,)).elsewhere_until) == (NOON + 15, NOON + 15)
    silent = replace(said(RateLimit("tokens", "minute", 8000, 0), NOON - 10), elsewhere=8000)
    assert only((TPM,), (silent,)).resets_at == NOON + 50


def test_a_window_of_the_account_counts_all_its_models_and_stands_beside_the_models_own() -> None:
    limits = (RPD, Limit("requests", "day", 50, "account"))
    other = ModelId("groq", "other")
    snapshot = LedgerSnapshot(
        taken_at=NOON,
        use={GROQ: ModelUse(requests_day=4, reserved_requests=1), other: ModelUse(requests_day=7), GEMINI: ModelUse(9)},
        limits=(LearnedLimit(ModelId("groq", "*"), RateLimit("requests", "day", 60, scope="account"), NOON),),
    )
    own, account = windows_for(GROQ, limits, snapshot, "utc")
    assert (own.scope, own.limit, own.used, own.left) == ("model", 1000, 4, 995)
    assert (account.scope, account.limit, account.used, account.left) == ("account", 60, 11, 48)
    (other_own,) = windows_for(other, (), snapshot, "utc")
    assert (other_own.scope, other_own.used) == ("account", 11)


def test_a_month_is_what_the_service_says_of_it() -> None:
    month = Limit("tokens", "month", 1_000_000)
    assert windows((month,), (), ModelUse(), now=NOON, reset="utc") == ()
    told = replace(said(RateLimit("tokens", "month", 1_000_000, remaining=250_000), NOON - 1e6), elsewhere=750_000)
    assert only((month,), (told,)).left == 250_000


def test_a_request_fits_where_every_window_has_room() -> None:
    made = windows((RPM, TPM), (), ModelUse(tokens_minute=3000, requests_minute=1), now=NOON, reset="utc")
    assert fits(made, 5000)
    assert not fits(made, 5001)
    assert fits((), 10**9)


def test_a_request_over_the_whole_limit_is_too_large_for_ever() -> None:
    made = windows((RPM, TPM), (), ModelUse(tokens_minute=7000), now=NOON, reset="utc")
    assert too_large(made, 8000) is None
    hit = too_large(made, 8001)
    assert hit is not None
    assert (hit.metric, hit.period) == ("tokens", "minute")


def test_room_is_there_when_the_last_of_the_full_windows_resets() -> None:
    use = ModelUse(30, 0, 1000, 0, oldest_in_minute=NOON - 10)
    made = windows((RPM, RPD), (), use, now=NOON, reset="utc")
    assert earliest_room(made, 1) == TOMORROW
    assert earliest_room(made[:1], 1) == NOON + 50
    assert earliest_room((), 1) is None


def test_a_snapshot_gives_each_model_its_own_windows() -> None:
    snapshot = LedgerSnapshot(
        taken_at=NOON,
        use={GROQ: ModelUse(requests_day=4)},
        limits=(LearnedLimit(GEMINI, RateLimit("requests", "day", 20), NOON),),
    )
    (groq,) = windows_for(GROQ, (RPD,), snapshot, "utc")
    (gemini,) = windows_for(GEMINI, (RPD,), snapshot, "pacific")
    assert (groq.limit, groq.left) == (1000, 996)
    assert (gemini.limit, gemini.left) == (20, 20)


@given(
    limits=st.lists(st.builds(Limit, metrics, periods, counts), max_size=6),
    learned=st.lists(st.builds(said, words, st.floats(NOON - 1e5, NOON)), max_size=6),
    use=uses,
    tokens=counts,
    reset=st.sampled_from(["utc", "pacific"]),
)
def test_the_arithmetic_holds_whatever_is_known(
    limits: list[Limit], learned: list[LearnedLimit], use: ModelUse, tokens: int, reset: Literal["utc", "pacific"]
) -> None:
    made = windows(limits, learned, use, now=NOON, reset=reset)
    assert len({(window.metric, window.period) for window in made}) == len(made)
    for window in made:
        assert window.used >= 0
        assert window.left == max(0, window.limit - window.used - window.reserved)
        assert window.resets_at is None or window.resets_at >= NOON
    if fits(made, tokens):
        assert too_large(made, tokens) is None
        assert earliest_room(made, tokens) is None


@given(use=uses, more=st.integers(1, 10**6), tokens=counts)
def test_more_use_never_makes_more_room(use: ModelUse, more: int, tokens: int) -> None:
    busier = ModelUse(
        use.requests_minute + 1, use.tokens_minute + more, use.requests_day + 1, use.tokens_day + more,
        use.reserved_requests, use.reserved_tokens,
    )  # fmt: skip
    before = windows((RPM, RPD, TPM, TPD), (), use, now=NOON, reset="utc")
    after = windows((RPM, RPD, TPM, TPD), (), busier, now=NOON, reset="utc")
    assert all(late.left <= early.left for early, late in zip(before, after, strict=True))
    assert fits(before, tokens) or not fits(after, tokens)
