"""Times that were written while a clock was ahead. Times are Unix seconds and come in."""

CLOCKS_DIFFER_S = 300.0
"""By so much the clocks of machines that share something may differ."""


def ahead(at: float, now: float) -> bool:
    """Whether that time is so far ahead that the clock must have been set back since it was written."""
    return at > now + CLOCKS_DIFFER_S
