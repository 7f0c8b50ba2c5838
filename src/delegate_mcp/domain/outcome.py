"""What came of a call: the answer and every attempt on the way to it."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from delegate_mcp.domain.errors import ErrorKind
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.plan import Candidate, RoutePlan, Tier
from delegate_mcp.domain.usage import ZERO, RateLimit, Usage

FinishReason = Literal["stop", "length", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """One provider's whole answer."""

    text: str
    finish_reason: FinishReason
    usage: Usage
    rate_limits: tuple[RateLimit, ...] = ()
    model: str | None = None
    """The model as the service names it in its answer."""
    cost_usd: Decimal | None = None
    """What the service says it cost; None: computed from prices."""
    sources: tuple[str, ...] = ()
    """URLs that a grounded answer rests on."""
    notes: tuple[str, ...] = ()
    """What the director should know of how it was made; the words before a colon stand below the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One provider call as recorded."""

    number: int
    """From 1, in the order of the call."""
    model_id: ModelId
    tier: Tier
    outcome: Literal["ok", "failed", "cancelled"]
    error_kind: ErrorKind | None = None
    status: int | None = None
    message: str | None = None
    latency_ms: float = 0.0
    first_token_ms: float | None = None
    usage: Usage = Usage()
    cost_usd: Decimal = ZERO
    retry_after_s: float | None = None
    aside: bool = False
    """A question of our own on the way to the answer; not recorded."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """The call whose answer stands for this one: nobody was asked."""

    call_id: str
    answered_at: float
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class PartsRead:
    """How a long text was read."""

    number: int
    unread: tuple[str, ...] = ()
    """What nobody read, by file and lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A call that ended with an answer."""

    call_id: str
    completion: Completion
    candidate: Candidate
    plan: RoutePlan
    attempts: tuple[Attempt, ...]
    tally: str = ""
    """Of a vote: how many agree, and who says what else."""
    repeated: Repeated | None = None
    """An identical call's answer, from the cache."""
    parts: PartsRead | None = None
    """Of what was too long to be read at once."""

    @property
    def usage(self) -> Usage:
        """Tokens of all attempts together, failed ones included."""
        parts = [attempt.usage for attempt in self.attempts]
        return Usage(
            sum(part.input_tokens for part in parts),
            sum(part.output_tokens for part in parts),
            sum(part.cache_read_tokens for part in parts),
            any(part.estimated for part in parts),
        )

    @property
    def cost_usd(self) -> Decimal:
        """USD of all attempts together."""
        return sum((attempt.cost_usd for attempt in self.attempts), ZERO)
