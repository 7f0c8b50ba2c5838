"""Time that only moves when a test or a sleeper moves it."""

from dataclasses import dataclass, field

import anyio.lowlevel

from delegate_mcp.dispatch.clock import Clock


@dataclass(slots=True)
class ManualTime:
    """Seconds since the epoch; sleeping moves them on."""

    at: float = 1_800_000_000.0
    slept: list[float] = field(default_factory=list[float])

    async def sleep(self, seconds: float) -> None:
        """Let the others go first, then let the time pass."""
        await anyio.lowlevel.checkpoint()
        self.slept.append(seconds)
        self.at += seconds

    @property
    def clock(self) -> Clock:
        """As the dispatcher takes it."""
        return Clock(now=lambda: self.at, steady=lambda: self.at, sleep=self.sleep)
