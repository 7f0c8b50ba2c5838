"""When a service is asked for its list again. Pure: times are Unix seconds and come in.

Found lists are believed for a week. Where models are free they are looked at twice a day, so that a new one is usable
the same day; where they are paid, once a week. A service that fails is asked less and less often.
"""

from dataclasses import dataclass

from delegate_mcp.domain.listed import ListedModel
from delegate_mcp.domain.plan import Tier
from delegate_mcp.domain.times import ahead

BELIEVED_S = 7 * 86_400.0
"""For so long a list is believed where no newer one comes."""
AGAIN_S: dict[Tier, float] = {"free": 43_200.0, "paid": BELIEVED_S}
"""How old a list may become before its service is asked anew."""
FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 300.0, 86_400.0
"""After the first failure, doubled by each further one in a row."""
PROBE_S, LONGEST_PROBE_S = 60.0, 240.0
"""The same for a service whose breaker is open: it is looked at before a call may try it, 10 minutes later at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderList:
    """What is known of one service's list."""

    models: tuple[ListedModel, ...] = ()
    """Those that are kept of what it lists."""
    listed: int = 0
    """How many chat models it lists in all, so far as they were read."""
    found_at: float | None = None
    """When the list was read; None: never."""
    asked_at: float | None = None
    """When it was asked for last."""
    failures: int = 0
    """In a row."""
    error: str = ""
    """Why the last one failed."""
    scans: int = 0
    """How often it was asked for in all."""
    avoided: int = 0
    """How often it was not asked for, because what is known was recent enough."""
    listing_ms: float | None = None
    """How long the last list took."""


def believed(known: ProviderList, now: float) -> bool:
    """Whether the list still says what there is. One from the future was read before a clock was set back."""
    return known.found_at is not None and now - known.found_at < BELIEVED_S


def due(known: ProviderList, now: float, tier: Tier, *, failing: bool = False) -> bool:
    """Whether it is time to ask; `failing`: its breaker is open, so asking tells whether it is back."""
    return now >= next_at(known, tier, failing=failing) or _from_the_future(known, now)


def next_at(known: ProviderList, tier: Tier, *, failing: bool = False) -> float:
    """When to ask again."""
    if known.asked_at is None:
        return 0.0
    if failing:
        return known.asked_at + _backoff(PROBE_S, known.failures + 1, LONGEST_PROBE_S)
    if known.failures:
        return known.asked_at + _backoff(FIRST_BACKOFF_S, known.failures, LONGEST_BACKOFF_S)
    return (known.found_at or 0.0) + AGAIN_S.get(tier, BELIEVED_S)


def is_back(before: ProviderList, failing_since: float) -> bool:
    """Whether a list that was read just now says that a service is back whose calls fail; `before`: what was known.

    It does where the list itself had failed, or was not read since the calls fail. A service that went on listing its
    models while it answered no call says nothing by listing them once more.
    """
    return before.failures > 0 or before.found_at is None or before.found_at < failing_since


def _backoff(first_s: float, failures: int, longest_s: float) -> float:
    # The exponent is bounded before it is used: two to the power of a broken file's number fits nowhere.
    return min(longest_s, first_s * 2 ** min(failures - 1, 20))


def _from_the_future(known: ProviderList, now: float) -> bool:
    """Whether the clock was set back since: waiting for its old time could take for ever."""
    return ahead(max(known.asked_at or 0.0, known.found_at or 0.0), now)
