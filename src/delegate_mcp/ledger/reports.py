"""What reports read of the ledger, and what a call costs the director after it has ended."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from delegate_mcp.domain.outcome import Attempt
from delegate_mcp.domain.standing import Verdict
from delegate_mcp.domain.usage import ZERO, Usage

if TYPE_CHECKING:  # the Ledger of `base` has these methods among its own
    from delegate_mcp.ledger.base import CallRow


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """A call with all that was counted of it."""

    call: "CallRow"
    rule: str
    complexity: str
    conversation: str | None
    project: str | None
    tier: str | None
    """Of the model that answered; None: none did."""
    brief_tokens: int
    written: int
    """Tokens that the director wrote to make it and to fetch its answer (estimates, as are the next two)."""
    read: int
    """Tokens that the director read of it."""
    listing: int
    """Tokens of schemas and instructions, counted with the first call of a connection."""
    spared: Usage
    """What the director would have read and written itself."""
    saved_usd: Decimal
    verdict: Verdict | None = None
    """What was said of its answer."""
    attempts: tuple[Attempt, ...] = ()
    """Those that ended, in order."""

    @property
    def cost_usd(self) -> Decimal:
        """USD of all attempts together."""
        return sum((attempt.cost_usd for attempt in self.attempts), ZERO)


class Records(Protocol):
    """Calls with their counts; each method is one transaction. Raises LedgerError."""

    async def records(self, since: float, until: float) -> tuple[CallRecord, ...]:
        """The calls that began at or after `since` and before `until`, the oldest first."""
        ...

    async def charge(self, call_id: str, *, written: int, read: int, usd: Decimal) -> Decimal | None:
        """Count more of the director's tokens with a call; what it saved after that, or None: no such call."""
        ...
