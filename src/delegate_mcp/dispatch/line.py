"""The line of calls that wait for a model: first come, first served, in this process and among all of them.

Only the first of each process's line asks the ledger, so a long line costs no more than a short one. It asks when room
is said to return, when an attempt of this process has given some back, and when others have written to the ledger.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import anyio

from delegate_mcp.dispatch.clock import Clock
from delegate_mcp.domain.errors import LedgerError
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.ledger.base import Ledger, Refusal, Reserve, Ticket

# Should the ledger not tell of what others write, a longer wait looks again in between.
LOOK_AGAIN_S = 1.0
# What others write may be of no use here, so it is not looked at more often than this.
OTHERS_S = 0.1
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
    _stirred: dict[str, anyio.Event] = field(default_factory=dict[str, anyio.Event])

    def stir(self, provider: str) -> None:
        """An attempt has ended there: what it did not use may be room for who waits."""
        if (event := self._stirred.pop(provider, None)) is not None:
            event.set()

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
                    now, looked = self.clock.now(), self.clock.steady()
                    # Taken before the look, so that nothing that ends after it goes unheard.
                    stirred = self._stirred.setdefault(ask.model_id.provider, anyio.Event())
                    held = replace(ticket, lease_until=now + TICKET_LEASE_S)
                    refusal = await self.ledger.reserve(replace(renew(ask), ticket=held))
                    if refusal is None or refusal.why not in WAITABLE:
                        return refusal
                    until = refusal.until if refusal.until is not None else now + LOOK_AGAIN_S
                    if self.clock.steady() + (until - now) >= deadline:
                        return refusal
                    tell(max(0.0, until - now))
                    await self._pause(min(max(until - now, _SOON_S), LOOK_AGAIN_S), stirred, looked)
            finally:
                with anyio.CancelScope(shield=True):
                    await self.ledger.leave(ticket.ticket_id)

    async def _pause(self, seconds: float, stirred: anyio.Event, looked: float) -> None:
        """Wait so long, or until there may be room."""

        async def others_wrote() -> None:
            try:
                await self.ledger.changed(OTHERS_S)
            except LedgerError:  # the next look tells it
                return
            await self.clock.sleep(max(0.0, looked + OTHERS_S - self.clock.steady()))
            tasks.cancel_scope.cancel()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(others_wrote)
            tasks.start_soon(_then, stirred.wait, tasks.cancel_scope)
            await self.clock.sleep(seconds)
            tasks.cancel_scope.cancel()

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


async def _then(wait: Callable[[], Awaitable[object]], scope: anyio.CancelScope) -> None:
    await wait()
    scope.cancel()
