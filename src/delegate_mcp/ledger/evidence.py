"""What use has shown, in the ledger: how each model stands at each task type, and the verdicts on single calls.

Counts, names, and the few words that a person gives with a verdict; no prompt, no answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.standing import Piece, Standing, Verdict

WHY_CHARS = 200
"""So much is kept of why a verdict was given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRow:
    """What was said of the answer to a call."""

    call_id: str
    model_id: ModelId
    """Who answered it."""
    task_type: str
    verdict: Verdict
    why: str
    at: float


class Evidence(Protocol):
    """The part of the Ledger that learning uses; each method is one transaction. Raises LedgerError."""

    async def learn(self, call_id: str, pieces: Sequence[Piece], now: float) -> None:
        """Add what a call has shown, once, however often it is told; what is older fades. A call must be recorded."""
        ...

    async def standings(self) -> dict[tuple[ModelId, str], Standing]:
        """All that is known, by model and task type."""
        ...

    async def judge(self, call_id: str, verdict: Verdict, why: str, now: float) -> VerdictRow | None:
        """Keep a verdict in the place of an earlier one, whose weight is taken off again; None: nobody answered it."""
        ...

    async def verdicts(self) -> tuple[VerdictRow, ...]:
        """All that are kept, the oldest first."""
        ...
