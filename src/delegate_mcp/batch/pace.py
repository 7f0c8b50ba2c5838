"""How many items are asked for at once, and from when on: as many as there is room for, over all models.

Where no model has room, the items wait at one door in their order; the first of them looks who has room, so that items
wait instead of failing. What is overloaded gets fewer at once.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import inf

import anyio

from delegate_mcp.dispatch.clock import Clock

LOOK_AGAIN_S = 60.0
"""Room may come earlier than was told (another key, a local model): a longer wait looks again in between."""
_SOON_S = 0.25
_UNKNOWN_S = 2.0
_EASY_AFTER = 50
"""So many answers in a row without a wait, and nobody looks ahead any more."""

Ready = Callable[[], Awaitable[float | None]]
"""None: some model has room. Else when there is room again, in Unix seconds (infinity: not known)."""


@dataclass(slots=True, eq=False)
class Pace:
    """The door of one batch."""

    clock: Clock
    most: int
    """Items at once."""
    waits_until: float | None = None
    """No model has room before then; None: nobody waits."""
    _width: int = 0
    _inside: int = 0
    _careful: int = 0
    """Answers until nobody need look ahead."""
    _closed_until: float = 0.0
    _door: anyio.Lock = field(default_factory=anyio.Lock)
    _left: anyio.Event = field(default_factory=anyio.Event)

    def __post_init__(self) -> None:
        self._width = self.most

    @asynccontextmanager
    async def place(self, ready: Ready) -> AsyncGenerator[None]:
        """Wait until an item may be asked for, and hold its place."""
        async with self._door:
            while self._inside >= self._width:
                await self._left.wait()
            await self._wait_for_room(ready)
            self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1
            self._left.set()
            self._left = anyio.Event()

    def answered(self) -> None:
        """All is well: one more at once."""
        self._width = min(self.most, self._width + 1)
        self._careful = max(0, self._careful - 1)

    def no_room(self, until: float | None) -> None:
        """No model had room, until then where that is known; from now on somebody looks before asking."""
        now = self.clock.now()
        self._careful = _EASY_AFTER
        self._closed_until = max(self._closed_until, self._until(now + _UNKNOWN_S if until is None else until, now))

    def overloaded(self) -> None:
        """Whoever answers has too much to do."""
        self._width = max(1, self._width // 2)

    async def _wait_for_room(self, ready: Ready) -> None:
        while True:
            now = self.clock.now()
            if now < self._closed_until:
                self.waits_until = self.waits_until or self._closed_until
                await self.clock.sleep(self._closed_until - now)
                continue
            until = await ready() if self._careful else None
            if until is None:
                self.waits_until = None
                return
            now = self.clock.now()
            self.waits_until = until if until < inf else now + LOOK_AGAIN_S
            self._closed_until = self._until(until, now)
            self._careful = _EASY_AFTER

    def _until(self, until: float, now: float) -> float:
        return min(max(until, now + _SOON_S), now + LOOK_AGAIN_S)
