"""A bar on a terminal, a line now and then where there is none. On stderr: stdout is for what was asked."""

import sys
import time
from collections.abc import Callable
from typing import TextIO

_WIDTH = 28
_MB = 1_000_000
_EACH_S = 0.2
_STEPS = 10


class Bar:
    """Shows how far a download is."""

    def __init__(self, out: TextIO = sys.stderr, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._clock = clock
        self._drawn_at = 0.0
        self._step = -1
        self._began: tuple[float, int] | None = None

    def __call__(self, done: int, total: int | None) -> None:
        """Take progress: bytes that are there, bytes that there will be."""
        now = self._clock()
        if self._began is None or done < self._began[1]:
            self._began = (now, done)
            self._step = -1
        ended = done == total
        if self._out.isatty():
            if ended or now - self._drawn_at >= _EACH_S:
                self._drawn_at = now
                self._out.write(f"\r{self._line(done, total, now)}\x1b[K{chr(10) if ended else ''}")
                self._out.flush()
        elif total and done * _STEPS // total > self._step:
            self._step = done * _STEPS // total
            self._out.write(f"{self._line(done, total, now)}\n")
        if ended:
            self._began = None

    def _line(self, done: int, total: int | None, now: float) -> str:
        at, before = self._began or (now, done)
        speed = (done - before) / (now - at) if now > at else 0.0
        told = f"{done / _MB:,.0f} MB"
        if not total:
            return f"{told}  {speed / _MB:.1f} MB/s"
        full = _WIDTH * done // total
        left = f", {(total - done) / speed:.0f} s left" if speed and done < total else ""
        bar = "#" * full + "-" * (_WIDTH - full)
        return f"[{bar}] {100 * done // total:3} %  {told} of {total / _MB:,.0f} MB  {speed / _MB:.1f} MB/s{left}"
