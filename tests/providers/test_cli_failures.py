"""When a CLI says that its limit resets."""

from datetime import UTC, datetime

import pytest

from delegate_mcp.domain.errors import ErrorKind, ProviderError
from delegate_mcp.providers.cli_failures import Mending, classified, wait_s
from delegate_mcp.providers.registry import BY_NAME

NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC).timestamp()
"""13:30 in Berlin, 7:30 in New York."""


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        (f"Claude AI usage limit reached|{int(NOW) + 90}", 90),
        (f"Claude AI usage limit reached|{int(NOW) - 90}", 0),
        ("You've hit your session limit · resets 3:45pm (Europe/Berlin)", 2.25 * 3600),
        ("You've hit your session limit · resets 1pm (Europe/Berlin)", 23.5 * 3600),
        ("You've hit your session limit · resets 1:28pm (Europe/Berlin)", 0),
        ("You've hit your session limit · resets 12am (America/New_York)", 16.5 * 3600),
        ("You've hit your weekly limit · resets Nov 24, 3pm (UTC)", (3 * 24 + 2.5) * 3600),
        ("You've hit your weekly limit · resets Jan 2 at 9am (UTC)", (42 * 24 - 3.5) * 3600),
        ("You've hit your usage limit. Try again at Nov 24th, 2026 3:05 PM (UTC).", (3 * 24 + 2) * 3600 + 2100),
        ("Upgrade to Pro or try again in 2 days 3 hours 5 minutes.", (51 * 60 + 5) * 60),
        ("Please try again in 11.054s", 11.054),
        ("Please try again in 1h34m52s", 5692),
        ("retry after 310ms", 0.31),
        ("You've hit your session limit · resets 3pm (Nowhere/Land)", None),
        ("You've hit your session limit · resets Feb 31, 3pm (UTC)", None),
        ("You've hit your session limit", None),
        ("answered in 3 parts", None),
    ],
)
def test_the_wait_is_read_out_of_the_ways_in_which_clis_say_it(message: str, seconds: float | None) -> None:
    assert wait_s(message, NOW) == (None if seconds is None else pytest.approx(seconds))


def limit(name: str, message: str) -> ProviderError:
    error = classified(BY_NAME[name], Mending("install it", "log in"), message, now=NOW, status=429)
    assert error is not None
    assert error.kind is ErrorKind.RATE_LIMITED
    return error


@pytest.mark.parametrize(
    ("name", "message", "scope"),
    [
        ("claude", "You've hit your session limit · resets 3:45pm (Europe/Berlin)", "account"),
        ("claude", "You've hit your Opus limit · resets Nov 24, 3pm (UTC)", "model"),
        ("codex", "You've hit your usage limit. Try again in 2 days.", "account"),
        ("gemini-cli", "Quota exceeded for quota metric requests per day per model", "model"),
    ],
)
def test_a_plan_is_spent_for_all_of_its_models_unless_the_limit_names_one(name: str, message: str, scope: str) -> None:
    assert limit(name, message).scope == scope


def test_a_few_seconds_are_not_believed_of_a_day_that_is_spent() -> None:
    day = limit("gemini-cli", "Quota exceeded: GenerateRequestsPerDayPerProjectPerModel. Please retry in 17.2s")
    assert (day.window, day.retry_after_s) == ("day", None)
    assert limit("gemini-cli", "Quota exceeded: requests per minute. Please retry in 17.2s").retry_after_s == 17.2
