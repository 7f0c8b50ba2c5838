"""Times as a route tells them, in UTC."""

from datetime import UTC, datetime


def clock(at: float, now: float) -> str:
    """A time of day; with its date where that is not the date of `now`."""
    moment = datetime.fromtimestamp(at, UTC)
    today = moment.date() == datetime.fromtimestamp(now, UTC).date()
    return f"{moment:%H:%M:%S} UTC" if today else f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def day(at: float) -> str:
    """A date."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"
