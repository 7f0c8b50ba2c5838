"""A refusal of the ledger in words: what a director and a person read of a candidate that had no place."""

from delegate_mcp.dispatch.line import WAITABLE
from delegate_mcp.domain.plan import Candidate, PassedOver
from delegate_mcp.ledger.base import Refusal

_MINUTE_S = 60.0
_SHORT = {"limit": "no quota", "turn": "no quota", "cooldown": "no quota", "breaker": "not answering"}
"""For the line below an answer."""


def told(refusal: Refusal, candidate: Candidate, now: float) -> PassedOver:
    """The candidate as passed over, with why and, where time heals it, until when."""
    heals = refusal.why in WAITABLE
    until = refusal.until if heals else None
    return PassedOver(
        str(candidate.model_id), _why(refusal, now), temporary=heals, until=until, short=_SHORT.get(refusal.why, "")
    )


def _why(refusal: Refusal, now: float) -> str:
    again = f", room in {_seconds(refusal.until - now)}" if refusal.until is not None else ""
    window = refusal.window
    if window is not None and refusal.why == "limit":
        used = window.used + window.reserved
        return f"{used:,} of {window.limit:,} {window.metric} this {window.period} are used{again}"
    if window is not None and refusal.why == "too_large":
        return f"needs more than its {window.limit:,} {window.metric} a {window.period}"
    return {
        "limit": f"no room{again}",
        "too_large": "larger than its limits",
        "cooldown": f"cooling down after a refusal{again}",
        "breaker": f"its service keeps failing{again}",
        "auth": "its key was refused; it is asked again when the key changes",
        "gone": "its service says that the model is gone",
        "budget": "today's budget for paid models is used up",
        "turn": f"{refusal.ahead} calls wait for it{again}" if refusal.ahead else f"others wait for it{again}",
    }[refusal.why]


def _seconds(seconds: float) -> str:
    seconds = max(0.0, seconds)
    return f"{seconds:.0f} s" if seconds < 2 * _MINUTE_S else f"{seconds / _MINUTE_S:.0f} min"
