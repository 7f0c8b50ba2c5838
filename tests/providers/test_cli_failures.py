"""When a CLI says that its limit resets."""

from datetime import UTC, datetime

import pytest

from delegate_mcp.providers.cli_failures import wait_s

NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC).timestamp()
"""13:30 in Berlin, 7:30 in New York."""


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        (f"Claude AI usage limit reached|{int(NOW) + 90}", 90),
        (f"Claude AI usage limit reached|{int(NOW) - 90}", 0),
        ("You've hit your session limit · resets 3:45pm (Europe/Berlin)", 2.25 * 3600),
        ("You've hit your session limit · resets 1pm (Europe/Berlin)", 23.5 * 3600),
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
