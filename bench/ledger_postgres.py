"""What a place in a team's ledger costs a call: reserve and settle over PostgreSQL, by eight server processes.

For scale, without a target. The server is started for it on this machine, over a Unix socket, with fsync as it is by
default: a network between adds two journeys to a reserve and three to a settle.
"""

import asyncio
import json
import subprocess
import sys
import time
from itertools import count
from pathlib import Path
from random import Random
from statistics import median, quantiles
from time import perf_counter

if not __package__:  # run as a file: a worker
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from bench.figure import Figure
from delegate_mcp.domain.limit import Limit
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.outcome import Attempt
from delegate_mcp.domain.usage import RateLimit, Usage
from delegate_mcp.ledger.base import Reserve, Settle
from delegate_mcp.ledger.postgres import PostgresLedger
from tests.fakes.postgres_server import MISSING, PostgresServer, programs

PROCESSES = 8
CALLS_A_SECOND = 10.0
"""Of each process."""
HELD_S = 0.5
SECONDS = 10.0
MODELS = tuple(ModelId(provider, model) for provider in ("groq", "gemini", "mistral", "openrouter") for model in "abc")
MUCH = 10**9
LIMITS = tuple(Limit(metric, period, MUCH) for metric in ("requests", "tokens") for period in ("minute", "day"))
TOLD = (RateLimit("requests", "day", MUCH, MUCH - 9, 60.0), RateLimit("tokens", "minute", MUCH, MUCH - 900, 0.5))


async def _place(ledger: PostgresLedger, call_id: str, model_id: ModelId, held_s: float) -> float:
    """One place taken, held and settled: the milliseconds of taking and settling."""
    now = time.time()
    ask = Reserve(
        call_id=call_id, number=1, model_id=model_id, tier="free", now=now, tokens=1500, lease_until=now + 60,
        limits=LIMITS,
    )  # fmt: skip
    began = perf_counter()
    assert await ledger.reserve(ask) is None
    taken = perf_counter() - began
    await asyncio.sleep(held_s)
    attempt = Attempt(number=1, model_id=model_id, tier="free", outcome="ok", latency_ms=held_s, usage=Usage(400, 200))
    end = Settle(call_id=call_id, attempt=attempt, ended_at=time.time(), rate_limits=TOLD)
    began = perf_counter()
    await ledger.settle(end)
    return (taken + perf_counter() - began) * 1000


async def _work(dsn: str, name: str, starts_at: float) -> list[float]:
    ledger = await PostgresLedger.open(dsn)
    random, numbers = Random(name), count()  # noqa: S311 - when calls come, no secret
    for _ in range(10):  # unmeasured: statements are prepared from the fifth time on
        await _place(ledger, f"{name}-{next(numbers)}", random.choice(MODELS), 0.0)
    await asyncio.sleep(max(0.0, starts_at - time.time()))
    calls: list[asyncio.Task[float]] = []
    async with asyncio.TaskGroup() as tasks:
        while time.time() < starts_at + SECONDS:
            placed = _place(ledger, f"{name}-{next(numbers)}", random.choice(MODELS), HELD_S)
            calls.append(tasks.create_task(placed))
            await asyncio.sleep(random.expovariate(CALLS_A_SECOND))
    await ledger.aclose()
    return [call.result() for call in calls]


def _loaded(dsn: str, processes: int) -> list[float]:
    starts_at = str(time.time() + 3.0)
    workers = [
        subprocess.Popen(
            [sys.executable, __file__, dsn, f"{starts_at}-{number}", starts_at], stdout=subprocess.PIPE, text=True
        )
        for number in range(processes)
    ]
    told = [worker.communicate()[0] for worker in workers]
    assert all(worker.returncode == 0 for worker in workers)
    return [ms for each in told for ms in json.loads(each)]


def measure() -> list[Figure]:
    """Nothing where PostgreSQL is not installed."""
    if programs() is None:
        print(f"ledger over PostgreSQL: not measured. {MISSING}", file=sys.stderr)
        return []
    with PostgresServer(durable=True) as server:
        dsn = server.fresh_database()
        eight, alone = _loaded(dsn, PROCESSES), _loaded(dsn, 1)
    p99 = quantiles(eight, n=100)[-1]
    return [
        Figure(
            name="for scale: reserve + settle over PostgreSQL, median",
            unit="ms",
            ours=median(eight),
            note=f"{len(eight)} calls, {CALLS_A_SECOND:g} a second by each of {PROCESSES} processes, 99th percentile "
            f"{p99:.2f} ms; one process by itself {median(alone):.2f} ms",
        )
    ]


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_work(sys.argv[1], sys.argv[2], float(sys.argv[3])))))
