"""A limit of a free tier, and when a service's day begins."""

from dataclasses import dataclass
from typing import Literal

DayReset = Literal["utc", "pacific"]
"""At which midnight daily limits are full again."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A free tier's limit as the catalog knows it; a service's own word overrides it."""

    metric: Literal["requests", "tokens"]
    period: Literal["minute", "day", "month"]
    limit: int
    scope: Literal["model", "account"] = "model"
    """account: all models of the provider share it."""
