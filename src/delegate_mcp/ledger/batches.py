"""Batches in the ledger: whose a batch is, how far it is, and when it may be done. No prompt, no answer."""

from dataclasses import dataclass
from typing import Literal, Protocol

BatchState = Literal["running", "done", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRow:
    """One batch as its server last told of it."""

    batch_id: str
    state: BatchState
    created_at: float
    total: int
    """How many items it has."""
    owner: str
    """Which server process works on it: `machine:pid`."""
    lease_until: float
    """After this time, or once its owner is dead, another server may go on with it."""
    answered: int = 0
    failed: int = 0
    expected_at: float | None = None
    """When it will be done at the pace so far; None: nothing is known of it yet."""
    waits_until: float | None = None
    """No model has room before then."""
    ended_at: float | None = None


class Batches(Protocol):
    """The part of the Ledger that batches use."""

    async def begin_batch(self, row: BatchRow) -> None:
        """Record a batch; one that is there stays as it is."""
        ...

    async def hold_batch(self, row: BatchRow, now: float, dead: str = "") -> bool:
        """Put the row in the place of the one that is there, where it is the owner's own and still runs.

        So is one whose lease ran out before `now`, or whose owner is `dead`. False: it is another's, or over.
        """
        ...

    async def batch(self, batch_id: str) -> BatchRow | None:
        """One batch, or None."""
        ...
