import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.service_books import DAY_S, Admitted, Books, Limits, Refused, go_duration

NOON = 20_000 * DAY_S + DAY_S / 2


def admitted(answer: Admitted | Refused) -> Admitted:
    assert isinstance(answer, Admitted)
    return answer


def refused(answer: Admitted | Refused) -> Refused:
    assert isinstance(answer, Refused)
    return answer


def test_a_minute_of_requests_slides_and_ends_sixty_seconds_after_each() -> None:
    books = Books(Limits(rpm=2))
    admitted(books.ask(NOON, 10))
    admitted(books.ask(NOON + 30, 10))
    late = refused(books.ask(NOON + 59.9, 10))
    assert (late.window, late.used, late.limit) == ("RPM", 2, 2)
    assert late.retry_after_s == pytest.approx(0.1)
    admitted(books.ask(NOON + 60, 10))
    assert refused(books.ask(NOON + 60, 10)).retry_after_s == pytest.approx(30)
    assert (books.admitted, books.refused["RPM"]) == (3, 2)


def test_tokens_are_admitted_by_their_ceiling_and_settled_to_their_use() -> None:
    books = Books(Limits(tpm=1_000))
    first = admitted(books.ask(NOON, 900))
    told = refused(books.ask(NOON + 1, 200))
    assert (told.window, told.used, told.requested) == ("TPM", 900, 200)
    assert told.retry_after_s == pytest.approx(59)
    books.settle(NOON + 2, first, 100)
    admitted(books.ask(NOON + 3, 900))
    assert books.tokens == 1_000


def test_a_request_settled_after_its_minute_gives_nothing_back_twice() -> None:
    books = Books(Limits(tpm=1_000))
    slow = admitted(books.ask(NOON, 900))
    admitted(books.ask(NOON + 61, 1_000))
    books.settle(NOON + 62, slow, 100)
    assert refused(books.ask(NOON + 63, 1)).used == 1_000


def test_a_day_of_requests_begins_anew_at_utc_midnight() -> None:
    books = Books(Limits(rpd=1))
    admitted(books.ask(NOON, 10))
    told = refused(books.ask(NOON + 3_600, 10))
    assert (told.window, told.retry_after_s) == ("RPD", DAY_S / 2 - 3_600)
    admitted(books.ask(NOON + DAY_S / 2, 10))


def test_the_share_used_is_the_average_fill_of_the_window_until_the_last_request_was_let_in() -> None:
    books = Books(Limits(rpm=2))
    books.ask(NOON, 10)
    books.ask(NOON + 30, 10)  # half full for 30 s, then full for 30 s
    books.ask(NOON + 60, 10)
    books.headers(NOON + 1_000)  # no demand any more: the silence counts for nothing
    assert books.share("requests") == pytest.approx(0.75)


def test_a_full_burst_at_each_full_minute_uses_the_whole_allowance() -> None:
    books = Books(Limits(rpm=3))
    for minute in range(3):
        for _ in range(3):
            admitted(books.ask(NOON + 60 * minute, 10))
    assert books.share("requests") == pytest.approx(1.0)
    assert books.per_minute == [3, 3, 3]


def test_headers_tell_requests_of_the_day_and_tokens_of_the_minute() -> None:
    books = Books(Limits(rpd=1_000, tpm=8_000))
    books.ask(NOON, 6_000)
    assert books.headers(NOON) == {
        "x-ratelimit-limit-requests": "1000",
        "x-ratelimit-remaining-requests": "999",
        "x-ratelimit-reset-requests": "1m26.4s",
        "x-ratelimit-limit-tokens": "8000",
        "x-ratelimit-remaining-tokens": "2000",
        "x-ratelimit-reset-tokens": "45s",
    }


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.31, "310ms"), (17.4, "17.4s"), (86.4, "1m26.4s"), (5_692.896, "1h34m52.896s"), (0, "0ms")]
)
def test_durations_are_written_as_go_writes_them(seconds: float, text: str) -> None:
    assert go_duration(seconds) == text


@given(
    asks=st.lists(st.tuples(st.floats(0, 40), st.integers(1, 600), st.integers(1, 600)), max_size=60),
    rpm=st.integers(1, 5),
    tpm=st.integers(600, 2_000),
)
def test_what_is_let_in_never_exceeds_a_window_that_is_counted_from_scratch(
    asks: list[tuple[float, int, int]], rpm: int, tpm: int
) -> None:
    books, now = Books(Limits(rpm=rpm, tpm=tpm)), NOON
    held: list[tuple[float, int]] = []
    for pause, ceiling, used in asks:
        now += pause
        inside = [one for one in held if one[0] + 60 > now]
        fits = len(inside) < rpm and sum(tokens for _, tokens in inside) + ceiling <= tpm
        answer = books.ask(now, ceiling)
        assert isinstance(answer, Admitted) is fits
        if isinstance(answer, Admitted):
            spent = min(used, ceiling)
            books.settle(now, answer, spent)
            held.append((now, spent))
