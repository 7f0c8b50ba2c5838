"""A server of a team: `python -m tests.postgres.writing DSN NAME CALLS LIMIT` prints each attempt that got its place.

All ask for one model with LIMIT requests a minute and a day, at the same time of day; what got no place is not printed.
"""

import asyncio
import os
import sys

from delegate_mcp.domain.limit import Limit
from delegate_mcp.domain.usage import Usage
from delegate_mcp.ledger.postgres import PostgresLedger
from tests.fakes.ledger_rows import asked, call_end, call_start, ended


async def write(dsn: str, name: str, calls: int, limit: int) -> None:
    limits = (Limit("requests", "minute", limit), Limit("tokens", "day", limit * 500))
    ledger = await PostgresLedger.open(dsn)

    async def call(call_id: str) -> None:
        await ledger.begin_call(call_start(call_id, connection=name, pid=os.getpid()))
        if await ledger.reserve(asked(call_id, tokens=500, limits=limits)) is None:
            print(call_id, flush=True)  # noqa: T201 - the test reads it
            await ledger.settle(ended(call_id, usage=Usage(450, 50)))
        await ledger.end_call(call_end(call_id, director=(1, 2)))

    for first in range(0, calls, 10):
        await asyncio.gather(*(call(f"{name}-{number}") for number in range(first, min(first + 10, calls))))
    await ledger.aclose()


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
