"""The Ledger protocol and the rows it takes and gives. Times are Unix seconds (float), passed in, never read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Protocol

from delegate_mcp.domain.limit import DayReset, Limit
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.outcome import Attempt
from delegate_mcp.domain.plan import Tier
from delegate_mcp.domain.usage import ZERO, RateLimit, Usage
from delegate_mcp.ledger.batches import Batches
from delegate_mcp.ledger.evidence import Evidence
from delegate_mcp.ledger.reports import Records
from delegate_mcp.ledger.snapshot import LedgerSnapshot, OpenBreaker
from delegate_mcp.ledger.window import Window

CallState = Literal["running", "ok", "failed", "cancelled"]

RENEWED_S = 2.0
"""The lease of a ticket that was renewed more lately stays as it is: what is written wakes all others who wait."""
PRUNED_AT_ONCE = 100
"""So many records are removed in one transaction: nobody waits longer than a few milliseconds for it."""


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
    project: str | None = None
    """The directory it was made in, as reports name it."""
    arm: str = ""
    """The arm of an experiment that it follows."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A place in the line of calls that wait for a model; the older `since` is served first, in every process."""

    ticket_id: str
    since: float
    lease_until: float
    """After this time a waiting call whose process died holds nobody up. Renewed by a `reserve` RENEWED_S later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserve:
    """An attempt that asks for its place: one request and its tokens in every window of its model, or nothing."""

    call_id: str
    number: int
    model_id: ModelId
    tier: Tier
    now: float
    tokens: int
    """Estimated prompt and output ceiling."""
    lease_until: float
    """After this time a reservation whose process died counts no more."""
    limits: tuple[Limit, ...] = ()
    """The catalog's; what the service told since overrides them inside the ledger."""
    reset: DayReset = "utc"
    usd: Decimal = ZERO
    """The most it can cost."""
    daily_usd: Decimal | None = None
    """Cap on what paid models cost a day (UTC); None: not asked."""
    key_mark: str = ""
    """Tells one key of the provider from another without being it."""
    ticket: Ticket | None = None
    """Given by a call that waits; others are refused while somebody waits for the same model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why an attempt got no place; nothing is held."""

    why: Literal["limit", "too_large", "cooldown", "breaker", "auth", "gone", "budget", "turn"]
    until: float | None = None
    """When asking again makes sense, in Unix seconds; None: not known, or never."""
    window: Window | None = None
    """For limit and too_large: the window that lacks room longest."""
    ahead: int = 0
    """Calls that wait for the same model and come first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """An attempt as it ended: its reservation becomes its true usage, and what it tells of the service is kept."""

    call_id: str
    attempt: Attempt
    ended_at: float
    counted: bool = True
    """Whether the service counted the request; False releases the reservation."""
    rate_limits: tuple[RateLimit, ...] = ()
    told_until: float | None = None
    """When the service says that it may be asked again (for a day's limit: when its day ends)."""
    key_mark: str = ""
    reset: DayReset = "utc"
    counted_tokens: int | None = None
    """What the service counts of the tokens, where it leaves some out (read from a cache); None: all."""


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
    listing_tokens: int = 0
    """What it read of schemas and instructions, at the first call of a connection."""
    spared: Usage = Usage()
    """What it would have read and written itself."""
    error: str | None = None
    beyond_arm: bool = False
    """It follows an arm of an experiment, and none of the arm's own models answered: the task type's chain did."""


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
    arm: str = ""
    beyond_arm: bool = False
    """Answered by another model than its arm's."""


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
    director_listing_tokens: int = 0
    cost_usd: Decimal = ZERO
    saved_usd: Decimal = ZERO
    tiers: tuple[TierTotals, ...] = ()

    @property
    def director_tokens(self) -> int:
        """All that the director wrote and read for us."""
        return self.director_input_tokens + self.director_output_tokens + self.director_listing_tokens


class Ledger(Batches, Evidence, Records, Protocol):
    """Safe with any number of server processes; each method is one transaction. Raises LedgerError."""

    async def begin_call(self, call: CallStart) -> None:
        """Record a call as running; one that runs already gets this route in the place of its own."""
        ...

    async def reserve(self, ask: Reserve) -> Refusal | None:
        """Record an attempt as under way with its place in every window, or refuse it whole and record nothing of it.

        Exact under contention: look and take are one transaction. With a ticket, a refused call stands in line.
        """
        ...

    async def settle(self, end: Settle) -> None:
        """Put the true usage in the place of a reservation, or release it. The first end stands."""
        ...

    async def half_open(self, breaker: OpenBreaker, now: float) -> bool:
        """Let one attempt try that provider before the breaker's time is over.

        False: it is no longer as it was seen, as an attempt has failed or was answered since.
        """
        ...

    async def leave(self, ticket_id: str) -> None:
        """Step out of the line."""
        ...

    async def first_token_p95_ms(self, model_id: ModelId) -> float | None:
        """The 95th percentile of the time to the first token of its last 100 answers; None below 20 of them."""
        ...

    async def changed(self, look_s: float = 1.0) -> None:
        """Return when another process or machine has written to this ledger. Cancel it to stop waiting.

        Where the database tells nobody, it is looked at so often.
        """
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

    async def forget_calls(self, now: float) -> int:
        """Remove the records of calls that ended and of their attempts; how many calls that were.

        What quotas and budgets still count (the last minute; paid attempts of today) stays, as numbers without words.
        """
        ...

    async def prune(self, before: float, due_before: float) -> int:
        """Remove the records of the oldest PRUNED_AT_ONCE calls that began before; how many calls that were.

        Nothing where none began before `due_before`. What is under way stays, unless it must have died long ago.
        """
        ...

    async def aclose(self) -> None:
        """Finish what is being written and close."""
        ...

    def notices(self) -> Sequence[str]:
        """What a person must know about this ledger (a broken file that was moved aside); empty otherwise."""
        ...
