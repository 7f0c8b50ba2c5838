"""The line of calls that wait for a model: first come, first served, in this process and among all of them.

Only the first of each process's line asks the ledger, so a long line costs no more than a short one.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import anyio

from delegate_mcp.dispatch.clock import Clock
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.ledger.base import Ledger, Refusal, Reserve, Ticket

# Room may come back early (an attempt that used less than it had reserved), so a longer wait looks again in between.
LOOK_AGAIN_S = 1.0
# A waiting call whose process died holds the line up no longer than this.
TICKET_LEASE_S = 10.0
_SOON_S = 0.02

WAITABLE = frozenset({"limit", "cooldown", "breaker", "turn"})
"""Refusals that time heals."""


@dataclass(slots=True, eq=False)
class Lines:
    """The lines of this process, one a model."""

    ledger: Ledger
    clock: Clock
    _locks: dict[ModelId, anyio.Lock] = field(default_factory=dict[ModelId, anyio.Lock])

    async def wait(
        self, ask: Reserve, *, renew: Callable[[Reserve], Reserve], deadline: float, tell: Callable[[float], None]
    ) -> Refusal | None:
        """Stand in line until there is a place; a Refusal where none comes before `deadline` (steady seconds).

        `renew` gives the ask its times anew; `tell` hears how many seconds are left to wait, as far as is known.
        """
        ticket = Ticket(f"{ask.call_id}.{ask.number}", self.clock.now(), 0.0)
        async with self._first_of_the_line(ask.model_id, deadline) as first:
            if not first:
                return Refusal(why="turn")
            try:
                while True:
                    now = self.clock.now()
                    held = replace(ticket, lease_until=now + TICKET_LEASE_S)
                    refusal = await self.ledger.reserve(replace(renew(ask), ticket=held))
                    if refusal is None or refusal.why not in WAITABLE:
                        return refusal
                    until = refusal.until if refusal.until is not None else now + LOOK_AGAIN_S
                    if self.clock.steady() + (until - now) >= deadline:
                        return refusal
                    tell(max(0.0, until - now))
                    await self.clock.sleep(min(max(until - now, _SOON_S), LOOK_AGAIN_S))
            finally:
                with anyio.CancelScope(shield=True):
                    await self.ledger.leave(ticket.ticket_id)

    @asynccontextmanager
    async def _first_of_the_line(self, model_id: ModelId, deadline: float) -> AsyncGenerator[bool]:
        """Yield True when every earlier call of this process has its place; False where the deadline comes first."""
        lock = self._locks.setdefault(model_id, anyio.Lock())
        with anyio.move_on_after(max(0.0, deadline - self.clock.steady())) as scope:
            await lock.acquire()
        if scope.cancelled_caught:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()
