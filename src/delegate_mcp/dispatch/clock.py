"""Time as the dispatcher sees it, so that tests pass it in."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio


@dataclass(frozen=True, slots=True)
class Clock:
    """The wall clock for records, the steady clock for latencies, and sleeping."""

    now: Callable[[], float] = time.time
    """Unix seconds."""
    steady: Callable[[], float] = time.perf_counter
    """Seconds that never go back."""
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
