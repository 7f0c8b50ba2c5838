"""What each kind of failure leads to within a call. To change a reaction, change its row.

What it leads to for later calls (cooldowns, breakers, tombstones) stands in `ledger/health.py`: all processes share it.
"""

import random
from dataclasses import dataclass
from typing import Literal

from delegate_mcp.domain.errors import ErrorKind, ProviderError
from delegate_mcp.domain.outcome import Attempt
from delegate_mcp.ledger.days import DayReset, next_day_start


@dataclass(frozen=True, slots=True)
class Reaction:
    """What follows a failed attempt."""

    then: Literal["next", "retry", "stop"]
    """retry: the same candidate once more where time allows, then the next."""
    counted: bool
    """Whether services count such a request against their limits."""


REACTIONS: dict[ErrorKind, Reaction] = {
    ErrorKind.RATE_LIMITED: Reaction("next", counted=False),
    ErrorKind.TOO_LARGE: Reaction("next", counted=False),
    ErrorKind.OVERLOADED: Reaction("retry", counted=False),
    ErrorKind.TIMEOUT: Reaction("retry", counted=True),
    ErrorKind.NETWORK: Reaction("retry", counted=False),
    ErrorKind.AUTH: Reaction("next", counted=False),
    ErrorKind.MODEL_GONE: Reaction("next", counted=False),
    ErrorKind.REFUSED: Reaction("next", counted=True),
    ErrorKind.BAD_ANSWER: Reaction("next", counted=True),
    # Ours: another service would refuse it just the same.
    ErrorKind.BAD_REQUEST: Reaction("stop", counted=False),
}

_JITTER_S = (0.1, 0.4)


def was_counted(attempt: Attempt, *, counts_failures: bool) -> bool:
    """Whether the service counted the request of an attempt that ended."""
    if attempt.error_kind is None or counts_failures:
        return True  # an answer, or a cancel after the request was sent
    # A connection that broke in the middle of an answer was counted, one that was never made was not.
    return REACTIONS[attempt.error_kind].counted or attempt.usage.total > 0


def told_until(error: ProviderError, now: float, reset: DayReset) -> float | None:
    """When the service says it may be asked again; a day's limit ends with the day, whatever delay is told."""
    if error.kind is ErrorKind.RATE_LIMITED and error.window == "day" and error.retry_after_s is None:
        return next_day_start(now, reset)
    return None if error.retry_after_s is None else now + max(0.0, error.retry_after_s)


def jitter_s() -> float:
    """Seconds before the same candidate is asked again; drawn, so that callers do not come back together."""
    return random.uniform(*_JITTER_S)  # noqa: S311 - no secret hangs on it
