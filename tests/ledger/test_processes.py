"""Several servers on one file, and servers that are killed."""

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from delegate_mcp.ledger.sqlite import SqliteLedger
from tests.fakes.ledger_rows import GROQ, MIDNIGHT, NOON

ROOT = Path(__file__).parents[2]
ENDLESS = 1_000_000


@contextmanager
def writer(path: Path, name: str, calls: int) -> Generator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.ledger.writing", str(path), name, str(calls)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def moved_aside(folder: Path) -> list[Path]:
    return list(folder.glob("ledger.db.broken-*"))


async def test_processes_that_start_at_once_on_no_file_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with writer(path, "a", 60) as a, writer(path, "b", 60) as b, writer(path, "c", 60) as c:
        assert [process.wait(60) for process in (a, b, c)] == [0, 0, 0]
    ledger = await SqliteLedger.open(path)
    totals = await ledger.totals(0)
    assert (totals.calls, totals.director_output_tokens, totals.cost_usd) == (180, 360, Decimal("0.18"))
    assert (await ledger.totals(0, "b")).calls == 60
    use = (await ledger.snapshot(NOON + 1, {"groq": MIDNIGHT})).use[GROQ]
    assert (use.requests_minute, use.tokens_minute, use.requests_day, use.tokens_day) == (180, 1980, 180, 1980)
    assert use.reserved_requests == 0
    await ledger.aclose()


async def test_processes_that_start_at_once_on_a_broken_file_move_it_aside_once(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"no database at all " * 500)
    with writer(path, "a", 20) as a, writer(path, "b", 20) as b, writer(path, "c", 20) as c:
        assert [process.wait(60) for process in (a, b, c)] == [0, 0, 0]
    ledger = await SqliteLedger.open(path)
    assert (await ledger.totals(0)).calls == 60
    await ledger.aclose()
    assert len(moved_aside(tmp_path)) == 1


@pytest.mark.parametrize("ended_before_the_kill", [1, 13, 40])
async def test_a_killed_process_leaves_whole_records_and_no_reservation_past_its_lease(
    tmp_path: Path, ended_before_the_kill: int
) -> None:
    path = tmp_path / "ledger.db"
    with writer(path, "a", ENDLESS) as process:
        assert process.stdout is not None
        told = [process.stdout.readline().strip() for _ in range(ended_before_the_kill)]
        process.kill()
        told += process.stdout.read().split()
        process.wait(60)
    ledger = await SqliteLedger.open(path, lambda: NOON)
    assert ledger.notices() == ()
    totals = await ledger.totals(0)
    assert len(told) <= totals.calls <= len(told) + 2  # one ended and not yet told, one under way
    newest = (await ledger.recent_calls(2))[0]
    assert newest.state in ("ok", "failed")
    assert newest.error == (None if newest.state == "ok" else "its server ended")
    use = (await ledger.snapshot(NOON + 1, {"groq": MIDNIGHT})).use[GROQ]
    assert use.requests_day + use.reserved_requests == totals.tiers[0].attempts
    assert use.tokens_day == totals.tiers[0].input_tokens + totals.tiers[0].output_tokens
    after_the_lease = (await ledger.snapshot(NOON + 301, {"groq": MIDNIGHT})).use[GROQ]
    assert after_the_lease.reserved_requests == 0
    await ledger.aclose()
