"""What a place in the ledger costs a call: reserve and settle, by eight server processes on one SQLite file.

Each process makes calls at random moments, as people's hosts do, holds every place for a while and settles it with the
headers that Groq sends; the file holds a full minute of such calls from the start. A processor that has slept runs
slowly at first, so every other time two bare writes of one row are timed in a place's stead: the least that SQLite can
take just then. Beside it: one process that never waits, and all eight that never wait.
"""

import asyncio
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path
from random import Random
from statistics import median, quantiles
from time import perf_counter
from typing import Self

if not __package__:  # run as a file: a worker
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from bench.figure import Figure
from delegate_mcp.domain.limit import Limit
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.outcome import Attempt
from delegate_mcp.domain.usage import RateLimit, Usage
from delegate_mcp.ledger.base import CallStart, Reserve, Settle
from delegate_mcp.ledger.sqlite import SqliteLedger

MEDIAN_MS, P99_MS = 0.5, 10.0
PROCESSES = 8
CALLS_A_SECOND = 4.0
"""Of each process, half of them places: together 1.4 million places a day, twenty times all free tiers."""
HELD_S = 0.5
SECONDS = 25.0
FLAT_OUT_S = 4.0
MODELS = tuple(ModelId(provider, model) for provider in ("groq", "gemini", "mistral", "openrouter") for model in "abc")
MUCH = 10**9
LIMITS = tuple(Limit(metric, period, MUCH) for metric in ("requests", "tokens") for period in ("minute", "day"))
TOLD = (RateLimit("requests", "day", MUCH, MUCH - 9, 60.0), RateLimit("tokens", "minute", MUCH, MUCH - 900, 0.5))


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one worker does."""

    path: str
    name: str
    starts_at: float
    seconds: float
    calls_a_second: float | None
    """None: as many as it can, one after another."""


def _call(call_id: str) -> CallStart:
    return CallStart(
        call_id=call_id, started_at=time.time(), tool="bench", task_type="quick", complexity="simple", rule="bench",
        reason="bench", private=False, connection="bench", conversation=None, parent=None, pid=0, input_tokens=400,
    )  # fmt: skip


def _asked(call_id: str, model_id: ModelId, now: float) -> Reserve:
    return Reserve(
        call_id=call_id, number=1, model_id=model_id, tier="free", now=now, tokens=1500, lease_until=now + 60,
        limits=LIMITS,
    )  # fmt: skip


def _ended(ask: Reserve, now: float) -> Settle:
    attempt = Attempt(
        number=1, model_id=ask.model_id, tier="free", outcome="ok", latency_ms=(now - ask.now) * 1000,
        first_token_ms=(now - ask.now) * 400, usage=Usage(400, 200),
    )  # fmt: skip
    return Settle(call_id=ask.call_id, attempt=attempt, ended_at=now, rate_limits=TOLD)


class Bare:
    """A SQLite file of the worker's own with nothing but rows."""

    def __init__(self, folder: str) -> None:
        self.db = sqlite3.connect(Path(folder) / "bare.db", isolation_level=None)
        self.db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE rows (at REAL);")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.db.close()

    def write(self) -> float:
        """Seconds that one row takes."""
        began = perf_counter()
        self.db.execute("BEGIN IMMEDIATE")
        self.db.execute("INSERT INTO rows VALUES (?)", (began,))
        self.db.execute("COMMIT")
        return perf_counter() - began


class Worker:
    """One server process; `taken` holds the milliseconds of each reserve with its settle, `bare` of two bare writes."""

    def __init__(self, ledger: SqliteLedger, beside: Bare, load: Load) -> None:
        self.ledger, self.beside, self.load = ledger, beside, load
        self.random = Random(load.name)  # noqa: S311 - when calls come, no secret
        self.numbers, self.turns = count(), count()
        self.taken: list[float] = []
        self.bare: list[float] = []

    async def bare_call(self, held_s: float) -> None:
        """What a place is compared with."""
        taken = self.beside.write()
        await asyncio.sleep(held_s)
        self.bare.append((taken + self.beside.write()) * 1000)

    async def call(self, held_s: float) -> None:
        """One place: taken, held, settled."""
        call_id = f"{self.load.name}-{next(self.numbers)}"
        await self.ledger.begin_call(_call(call_id))
        ask = _asked(call_id, self.random.choice(MODELS), time.time())
        began = perf_counter()
        refusal = await self.ledger.reserve(ask)
        taken = perf_counter() - began
        assert refusal is None, refusal
        if held_s:
            await asyncio.sleep(held_s)
        end = _ended(ask, time.time())
        began = perf_counter()
        await self.ledger.settle(end)
        self.taken.append((taken + perf_counter() - began) * 1000)

    async def run(self) -> None:
        """From the common start on, for its time."""
        await asyncio.sleep(max(0.0, self.load.starts_at - time.time()))
        end, rate = self.load.starts_at + self.load.seconds, self.load.calls_a_second
        if rate is None:
            while time.time() < end:
                await self.call(0.0)
            return
        async with asyncio.TaskGroup() as calls:
            while time.time() < end:
                one = self.bare_call if next(self.turns) % 2 else self.call
                calls.create_task(one(HELD_S))
                await asyncio.sleep(self.random.expovariate(rate))


async def _work(load: Load) -> tuple[list[float], list[float]]:
    ledger = await SqliteLedger.open(Path(load.path))
    with tempfile.TemporaryDirectory() as folder, Bare(folder) as beside:
        worker = Worker(ledger, beside, load)
        await worker.call(0.0)
        worker.taken.clear()  # the first opens what is opened once
        await worker.run()
    await ledger.aclose()
    return worker.taken, worker.bare


async def _fill(path: Path, calls: int) -> None:
    """A minute of calls before the first that is measured."""
    ledger = await SqliteLedger.open(path)
    now = time.time()
    for number in range(calls):
        ask = _asked(f"before-{number}", MODELS[number % len(MODELS)], now - 60 * (1 - number / calls))
        await ledger.reserve(ask)
        await ledger.settle(_ended(ask, ask.now + 0.001))
    await ledger.aclose()


def _loaded(
    path: Path, processes: int, seconds: float, calls_a_second: float | None
) -> tuple[list[float], list[float]]:
    load = Load(path=str(path), name="", starts_at=time.time() + 2.0, seconds=seconds, calls_a_second=calls_a_second)
    with ExitStack() as stack:
        workers = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, __file__, json.dumps(asdict(replace(load, name=f"{time.time()}-{number}")))],
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for number in range(processes)
        ]
        told = [worker.communicate()[0] for worker in workers]
    assert all(worker.returncode == 0 for worker in workers)
    both = [json.loads(each) for each in told]
    return [ms for taken, _ in both for ms in taken], [ms for _, bare in both for ms in bare]


def _p99(taken: Iterable[float]) -> float:
    return quantiles(taken, n=100)[-1]


def measure() -> list[Figure]:
    """The same file throughout, so that it is as large as a busy day makes it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        asyncio.run(_fill(path, round(60 * PROCESSES * CALLS_A_SECOND)))
        eight, bare = _loaded(path, PROCESSES, SECONDS, CALLS_A_SECOND)
        alone, _ = _loaded(path, 1, FLAT_OUT_S, None)
        flat_out, _ = _loaded(path, PROCESSES, FLAT_OUT_S, None)
    what = f"{len(eight)} calls, {CALLS_A_SECOND / 2:g} a second by each of {PROCESSES} processes on one file"
    return [
        Figure(
            name="ledger: reserve + settle, median",
            unit="ms",
            ours=median(eight),
            reference=median(bare),
            reference_name="two bare writes",
            at_most=MEDIAN_MS,
            note=what,
        ),
        Figure(
            name="ledger: reserve + settle, 99th percentile",
            unit="ms",
            ours=_p99(eight),
            reference=_p99(bare),
            reference_name="two bare writes",
            at_most=P99_MS,
        ),
        Figure(
            name="ledger: reserve + settle, one process that never waits",
            unit="ms",
            ours=median(alone),
            at_most=MEDIAN_MS,
            note=f"99th percentile {_p99(alone):.2f} ms",
        ),
        Figure(
            name=f"for scale: places a second, {PROCESSES} processes flat out",
            unit="",
            ours=len(flat_out) / FLAT_OUT_S,
            note=f"each takes and settles as fast as it can: median {median(flat_out):.2f} ms, "
            f"99th percentile {_p99(flat_out):.2f} ms",
        ),
    ]


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_work(Load(**json.loads(sys.argv[1]))))))
