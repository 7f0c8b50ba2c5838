"""A server that contends with others: `python -m tests.ledger.contending MODE FILE NAME [CLOCK METRIC]`.

`calls` makes calls under a limit of that metric a minute and a day until the time of CLOCK (a file that all of them
move on, from NOON) is up, and prints for each that the service counted when it arrived there and with how many tokens.
`probe` asks once, half a minute after NOON, and prints what it is told. `killed` dies in the midst of the transaction
that takes a place.
"""

import asyncio
import os
import signal
import sys
from collections import deque
from pathlib import Path
from random import Random
from sqlite3 import Connection
from typing import Literal

from delegate_mcp.domain.errors import ErrorKind
from delegate_mcp.domain.limit import Limit
from delegate_mcp.domain.usage import Usage
from delegate_mcp.ledger.base import Reserve
from delegate_mcp.ledger.places import reserve
from delegate_mcp.ledger.sqlite import SqliteLedger
from delegate_mcp.ledger.sqlite_file import LedgerFile
from delegate_mcp.ledger.sqlite_statements import Transaction
from tests.fakes.ledger_rows import NOON, asked, ended

A_MINUTE = {"requests": 30, "tokens": 1500}
A_DAY = {"requests": 100, "tokens": 4000}
TOKENS = 80
"""What each call reserves; it uses less or all of it."""
SECONDS = 190.0
STEP_S = 0.02
UNDER_WAY = 3


class Clock:
    """Goes on by a step whenever anybody looks at it, and never back: each look makes a file longer."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND)

    def now(self) -> float:
        os.write(self._file, b".")
        return NOON + os.fstat(self._file).st_size * STEP_S


async def calls(path: Path, name: str, clock: Clock, metric: Literal["requests", "tokens"]) -> None:
    limits = (Limit(metric, "minute", A_MINUTE[metric]), Limit(metric, "day", A_DAY[metric]))
    ledger = await SqliteLedger.open(path, busy_s=30)
    random = Random(name)  # noqa: S311 - no secret hangs on it
    open_ones: deque[Reserve] = deque()
    number = 0

    async def end(ask: Reserve) -> None:
        now = clock.now()
        counted = random.random() < 0.9
        usage = Usage(random.randint(20, 60), random.randint(0, 20)) if counted else Usage()
        first_token_s = random.uniform(0, now - ask.now)
        kind = None if counted else ErrorKind.BAD_REQUEST
        await ledger.settle(
            ended(
                ask.call_id,
                at=now,
                latency_ms=(now - ask.now) * 1000,
                first_token_ms=first_token_s * 1000,
                usage=usage,
                error_kind=kind,
                counted=counted,
            )
        )
        if counted:
            print(ask.now + random.uniform(0, first_token_s), usage.total, flush=True)  # noqa: T201 - the test reads it

    while (now := clock.now()) < NOON + SECONDS:
        ask = asked(f"{name}-{number}", at=now, tokens=TOKENS, limits=limits)
        if await ledger.reserve(ask) is None:
            open_ones.append(ask)
            number += 1
        if len(open_ones) > UNDER_WAY or (open_ones and random.random() < 0.3):
            await end(open_ones.popleft())
    while open_ones:
        await end(open_ones.popleft())
    await ledger.aclose()


async def probe(path: Path, name: str) -> None:
    ledger = await SqliteLedger.open(path, busy_s=30)
    refusal = await ledger.reserve(asked(name, at=NOON + 30))
    print("probe" if refusal is None else refusal.why)  # noqa: T201 - the test reads it
    await ledger.aclose()


def killed(path: Path, name: str) -> None:
    def die(db: Connection) -> None:
        assert reserve(Transaction(db), asked(name)) is None
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))

    LedgerFile(path, lambda: NOON, 5.0, None).write(die)


if __name__ == "__main__":
    mode, where, who = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    if mode == "calls":
        asyncio.run(calls(where, who, Clock(Path(sys.argv[4])), "tokens" if sys.argv[5] == "tokens" else "requests"))
    elif mode == "probe":
        asyncio.run(probe(where, who))
    else:
        killed(where, who)
