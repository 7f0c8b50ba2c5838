"""What the planner and the budget see of the ledger: use, limits, cooldowns, and who waits."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from delegate_mcp.domain.errors import ErrorKind
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.usage import RateLimit


@dataclass(frozen=True, slots=True)
class ModelUse:
    """Requests and tokens of one model in the sliding minute and in the day of its service."""

    requests_minute: int = 0
    tokens_minute: int = 0
    requests_day: int = 0
    tokens_day: int = 0
    reserved_requests: int = 0
    """Attempts under way; included in none of the above."""
    reserved_tokens: int = 0
    oldest_in_minute: float | None = None
    """When the oldest of the sliding minute was counted (one under way: began): its room returns 60 s after that."""


@dataclass(frozen=True, slots=True)
class LearnedLimit:
    """A limit as the service last told it; of an account limit `model_id.model` is `*`."""

    model_id: ModelId
    limit: RateLimit
    seen_at: float
    elsewhere: int = 0
    """What the service had counted beyond our own count when it told: somebody else's use of the same key."""


@dataclass(frozen=True, slots=True)
class Cooldown:
    """A model that is not to be asked before `until`."""

    model_id: ModelId
    until: float
    why: ErrorKind
    strikes: int = 1
    """Refusals in a row; each further one cools longer."""


@dataclass(frozen=True, slots=True)
class OpenBreaker:
    """A provider that failed too often in a row; after `until` one probe at a time is let through."""

    provider: str
    until: float
    failures: int


@dataclass(frozen=True, slots=True)
class ProviderOff:
    """A provider whose key was not accepted; off until the key's mark changes."""

    provider: str
    key_mark: str
    since: float


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A model that its service says is gone."""

    model_id: ModelId
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSnapshot:
    """What the planner and the budget see: one consistent read."""

    taken_at: float
    use: Mapping[ModelId, ModelUse] = field(default_factory=dict[ModelId, ModelUse])
    limits: tuple[LearnedLimit, ...] = ()
    cooldowns: tuple[Cooldown, ...] = ()
    breakers: tuple[OpenBreaker, ...] = ()
    """Open ones, those that wait for a probe included."""
    off: tuple[ProviderOff, ...] = ()
    gone: tuple[Tombstone, ...] = ()
    waiting: Mapping[ModelId, int] = field(default_factory=dict[ModelId, int])
    """Calls in line, by model."""
