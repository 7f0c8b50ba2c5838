import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegate_mcp.domain.usage import RateLimit
from delegate_mcp.providers.rate_limits import duration_s, from_headers, retry_after_s

NOW = 1_760_000_000.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1m26.4s", 86.4),
        ("310ms", 0.31),
        ("17.399999999s", 17.399999999),
        ("1h34m52.896s", 5692.896),
        ("6m0s", 360.0),
        ("12", 12.0),
        ("0.5", 0.5),
        ("250µs", 0.00025),
    ],
)
def test_a_go_duration_is_read_to_the_last_digit(text: str, seconds: float) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "1x", "s", "1m 2s", "-3s", "1m26"])
def test_what_is_no_duration_is_none(text: str) -> None:
    assert duration_s(text) is None


@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59_999))
def test_every_duration_that_go_writes_is_read_back(hours: int, minutes: int, milliseconds: int) -> None:
    text = f"{hours}h{minutes}m{milliseconds / 1000}s"
    assert duration_s(text) == pytest.approx(hours * 3600 + minutes * 60 + milliseconds / 1000)


@given(st.text(max_size=20))
def test_no_header_value_breaks_the_reader(text: str) -> None:
    seconds = duration_s(text)
    assert seconds is None or seconds >= 0
    from_headers("groq", {"x-ratelimit-limit-requests": text, "x-ratelimit-reset-requests": text}, NOW)
    retry_after_s({"retry-after": text}, NOW)


def test_groq_counts_requests_by_day_and_tokens_by_minute() -> None:
    headers = {
        "x-ratelimit-limit-requests": "14400",
        "x-ratelimit-remaining-requests": "14398",
        "x-ratelimit-reset-requests": "10.332999999s",
        "X-RateLimit-Limit-Tokens": "30000",
        "X-RateLimit-Remaining-Tokens": "29987",
        "X-RateLimit-Reset-Tokens": "26ms",
    }
    assert from_headers("groq", headers, NOW) == (
        RateLimit("requests", "day", 14400, 14398, 10.332999999),
        RateLimit("tokens", "minute", 30000, 29987, 0.026),
    )


def test_a_header_without_a_period_is_not_guessed_for_a_service_that_is_not_known() -> None:
    assert from_headers("nvidia", {"x-ratelimit-limit-requests": "40"}, NOW) == ()


def test_mistral_and_cerebras_spell_the_period_out() -> None:
    mistral = {
        "x-ratelimit-limit-req-minute": "60",
        "x-ratelimit-remaining-req-minute": "59",
        "x-ratelimit-limit-tokens-month": "1000000000",
    }
    assert from_headers("mistral", mistral, NOW) == (
        RateLimit("requests", "minute", 60, 59, scope="account"),
        RateLimit("tokens", "month", 1_000_000_000, scope="account"),
    )
    cerebras = {
        "x-ratelimit-limit-requests-day": "14400",
        "x-ratelimit-remaining-requests-day": "14399",
        "x-ratelimit-reset-requests-day": "33011.382867",
    }
    assert from_headers("cerebras", cerebras, NOW) == (RateLimit("requests", "day", 14400, 14399, 33011.382867),)


@pytest.mark.parametrize(("ahead_s", "period"), [(30, "minute"), (40_000, "day")])
def test_openrouters_reset_in_milliseconds_tells_the_period(ahead_s: int, period: str) -> None:
    headers = {
        "X-RateLimit-Limit": "50",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(int((NOW + ahead_s) * 1000)),
    }
    (limit,) = from_headers("openrouter", headers, NOW)
    assert (limit.metric, limit.period, limit.limit, limit.remaining, limit.reset_s) == (
        "requests",
        period,
        50,
        0,
        ahead_s,
    )


def test_the_period_that_a_refusal_names_is_believed_over_the_nearness_of_the_reset() -> None:
    headers = {"x-ratelimit-limit": "50", "x-ratelimit-reset": str(int((NOW + 30) * 1000))}
    assert [limit.period for limit in from_headers("openrouter", headers, NOW, "day")] == ["day"]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"Retry-After": "11.8125"}, 11.8125),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "Thu, 09 Oct 2025 08:54:00 GMT"}, 1_760_000_040.0 - NOW),
        ({"retry-after": "Thu, 09 Oct 2025 08:00:00 GMT"}, 0.0),
        ({"retry-after": "later"}, None),
        ({}, None),
    ],
)
def test_retry_after_comes_as_seconds_milliseconds_or_a_date(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers, NOW) == seconds
