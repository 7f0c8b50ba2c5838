"""One limit of one model, and what is left of it."""

from dataclasses import dataclass
from typing import Literal

Metric = Literal["requests", "tokens"]
Period = Literal["minute", "day", "month"]
Scope = Literal["model", "account"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One limit of one model and what is left of it: `left` is `limit - used - reserved`, never below 0."""

    metric: Metric
    period: Period
    limit: int
    used: int
    """Our own count and `elsewhere`."""
    reserved: int
    """Held by attempts under way."""
    left: int
    resets_at: float | None
    """When room returns, in Unix seconds; None: nothing is used, or the service does not say (month)."""
    learned_from: str
    """`catalog`, or where the service said it: `header`, `refusal`, …"""
    learned_at: float | None
    """When the service said it; None for the catalog's word."""
    scope: Scope = "model"
    """account: all models of the provider share it."""
    elsewhere: int = 0
    """What somebody else used of it with the same key, by the service's last word."""
    elsewhere_until: float | None = None
    """When that word ends to hold; None: not known (month)."""
