"""A server as the ledger sees it: `python -m tests.ledger.writing FILE NAME CALLS` prints each call that it ended."""

import asyncio
import os
import sys
from decimal import Decimal
from pathlib import Path

from delegate_mcp.domain.usage import Usage
from delegate_mcp.ledger.sqlite import SqliteLedger
from tests.fakes.ledger_rows import asked, call_end, call_start, ended


async def write(path: Path, name: str, calls: int) -> None:
    ledger = await SqliteLedger.open(path, busy_s=30)
    for number in range(calls):
        call_id = f"{name}-{number}"
        await ledger.begin_call(call_start(call_id, connection=name, pid=os.getpid()))
        await ledger.reserve(asked(call_id))
        await ledger.settle(ended(call_id, usage=Usage(10, 1), cost_usd=Decimal("0.001")))
        await ledger.end_call(call_end(call_id, director=(1, 2)))
        print(call_id, flush=True)  # noqa: T201 - the test reads it
    await ledger.aclose()


if __name__ == "__main__":
    asyncio.run(write(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
