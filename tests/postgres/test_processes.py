"""Several servers on one database, and servers that are killed."""

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from delegate_mcp.ledger.postgres import PostgresLedger
from delegate_mcp.ledger.snapshot import ModelUse
from tests.fakes.ledger_rows import GROQ, MIDNIGHT, NOON, asked, call_start

pytestmark = pytest.mark.postgres

ROOT = Path(__file__).parents[2]
ENDLESS = 1_000_000


@contextmanager
def writer(dsn: str, name: str, calls: int, limit: int = ENDLESS) -> Generator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.postgres.writing", dsn, name, str(calls), str(limit)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


async def test_processes_that_start_at_once_on_an_empty_database_lose_nothing(dsn: str) -> None:
    with writer(dsn, "a", 60) as a, writer(dsn, "b", 60) as b, writer(dsn, "c", 60) as c:
        for process in (a, b, c):
            process.communicate(timeout=60)
        assert [process.returncode for process in (a, b, c)] == [0, 0, 0]
    ledger = await PostgresLedger.open(dsn)
    totals = await ledger.totals(0)
    assert (totals.calls, totals.director_output_tokens) == (180, 360)
    assert (await ledger.totals(0, "b")).calls == 60
    use = (await ledger.snapshot(NOON + 1, {"groq": MIDNIGHT})).use[GROQ]
    assert (use.requests_day, use.tokens_day, use.reserved_requests) == (180, 90_000, 0)
    await ledger.aclose()


async def test_processes_that_contend_take_every_place_and_none_twice(dsn: str) -> None:
    with (
        writer(dsn, "a", 60, 100) as a,
        writer(dsn, "b", 60, 100) as b,
        writer(dsn, "c", 60, 100) as c,
        writer(dsn, "d", 60, 100) as d,
    ):
        told = [process.communicate(timeout=60)[0].split() for process in (a, b, c, d)]
    assert sum(map(len, told)) == 100
    ledger = await PostgresLedger.open(dsn)
    use = (await ledger.snapshot(NOON + 1, {"groq": MIDNIGHT})).use[GROQ]
    assert (use.requests_minute, use.tokens_day, use.reserved_requests) == (100, 50_000, 0)
    assert (await ledger.totals(0)).calls == 240
    await ledger.aclose()


@pytest.mark.parametrize("placed_before_the_kill", [1, 13, 40])
async def test_a_killed_process_leaves_whole_records_no_lock_and_no_reservation_past_its_lease(
    dsn: str, placed_before_the_kill: int
) -> None:
    with writer(dsn, "a", ENDLESS) as process:
        assert process.stdout is not None
        told = [process.stdout.readline().strip() for _ in range(placed_before_the_kill)]
        process.kill()
        told += process.stdout.read().split()
        process.wait(60)
    ledger = await PostgresLedger.open(dsn, lambda: NOON)
    await ledger.begin_call(call_start("b"))
    assert await ledger.reserve(asked("b", lease_s=10)) is None
    totals = await ledger.totals(0)
    assert len(told) <= totals.tiers[0].attempts <= len(told) + 11  # ours, and places that were not told any more
    use = (await ledger.snapshot(NOON + 1, {"groq": MIDNIGHT})).use[GROQ]
    assert use.requests_day + use.reserved_requests == totals.tiers[0].attempts
    assert use.tokens_day == totals.tiers[0].input_tokens + totals.tiers[0].output_tokens
    after_the_lease = (await ledger.snapshot(NOON + 301, {"groq": MIDNIGHT})).use.get(GROQ, ModelUse())
    assert after_the_lease.reserved_requests == 0
    await ledger.aclose()
