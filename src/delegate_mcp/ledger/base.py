"""The Ledger protocol and the rows it takes and gives. Times are Unix seconds (float), passed in, never read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, Protocol

from delegate_mcp.domain.errors import ErrorKind
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.outcome import Attempt
from delegate_mcp.domain.plan import Tier
from delegate_mcp.domain.usage import ZERO, RateLimit, Usage

CallState = Literal["running", "ok", "failed", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStart:
    """A call as it begins. Holds no prompt, no file and no answer: the ledger keeps counts only."""

    call_id: str
    started_at: float
    tool: str
    task_type: str
    complexity: str
    rule: str
    reason: str
    private: bool
    connection: str
    conversation: str | None
    parent: str | None
    """The call that this one continues."""
    pid: int
    input_tokens: int
    """Estimated size of the brief."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStart:
    """An attempt as it begins; its estimated tokens count as reserved until it ends."""

    call_id: str
    number: int
    model_id: ModelId
    tier: Tier
    started_at: float
    reserved_tokens: int
    lease_until: float
    """After this time a reservation whose process died counts no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnd:
    """An attempt as it ended: settles its reservation and keeps the limits that the service told, all at once."""

    call_id: str
    attempt: Attempt
    ended_at: float
    rate_limits: tuple[RateLimit, ...] = ()
    cooldown_until: float | None = None
    """The model is not to be asked before this time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnd:
    """A call as it ended."""

    call_id: str
    ended_at: float
    state: CallState
    candidate: ModelId | None = None
    tier: Tier | None = None
    usage: Usage = Usage()
    cost_usd: Decimal = ZERO
    saved_usd: Decimal = ZERO
    director_input_tokens: int = 0
    director_output_tokens: int = 0
    """What the director read of us: the reply's text."""
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """A call as recorded."""

    call_id: str
    state: CallState
    started_at: float
    ended_at: float | None
    tool: str
    task_type: str
    private: bool
    parent: str | None
    pid: int
    candidate: ModelId | None
    error: str | None


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
    """When the oldest attempt of the sliding minute began: the minute's room returns 60 s after it."""


@dataclass(frozen=True, slots=True)
class LearnedLimit:
    """A limit as the service last told it."""

    model_id: ModelId
    limit: RateLimit
    seen_at: float


@dataclass(frozen=True, slots=True)
class Cooldown:
    """A model that is not to be asked before `until`."""

    model_id: ModelId
    until: float
    why: ErrorKind


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSnapshot:
    """What the planner and the budget see: one consistent read."""

    taken_at: float
    use: Mapping[ModelId, ModelUse] = field(default_factory=dict[ModelId, ModelUse])
    limits: tuple[LearnedLimit, ...] = ()
    cooldowns: tuple[Cooldown, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TierTotals:
    """Calls and tokens of one tier."""

    tier: str
    calls: int
    attempts: int
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal
    saved_usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums since a time, over all or over one connection."""

    calls: int = 0
    failed_calls: int = 0
    director_input_tokens: int = 0
    director_output_tokens: int = 0
    cost_usd: Decimal = ZERO
    saved_usd: Decimal = ZERO
    tiers: tuple[TierTotals, ...] = ()


class Ledger(Protocol):
    """Safe with any number of server processes; each method is one transaction. Raises LedgerError."""

    async def begin_call(self, call: CallStart) -> None:
        """Record a call as running."""
        ...

    async def begin_attempt(self, attempt: AttemptStart) -> None:
        """Record an attempt as under way and reserve one request and its tokens."""
        ...

    async def end_attempt(self, end: AttemptEnd) -> None:
        """Settle an attempt to what it used."""
        ...

    async def end_call(self, end: CallEnd) -> None:
        """Record how a call ended."""
        ...

    async def call(self, call_id: str) -> CallRow | None:
        """One call, or None."""
        ...

    async def attempts(self, call_id: str) -> tuple[Attempt, ...]:
        """The attempts of a call, in order."""
        ...

    async def recent_calls(self, limit: int) -> tuple[CallRow, ...]:
        """The newest calls first."""
        ...

    async def snapshot(self, now: float, day_starts: Mapping[str, float]) -> LedgerSnapshot:
        """Use, limits and cooldowns; `day_starts` gives each provider's start of day (UTC or Pacific midnight)."""
        ...

    async def totals(self, since: float, connection: str | None = None) -> Totals:
        """Sums over the calls that began at or after `since`, of one connection where named."""
        ...

    async def aclose(self) -> None:
        """Finish what is being written and close."""
        ...

    def notices(self) -> Sequence[str]:
        """What a person must know about this ledger (a broken file that was moved aside); empty otherwise."""
        ...
