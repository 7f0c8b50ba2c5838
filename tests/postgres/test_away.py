"""A database that goes away in the midst of work, and comes back or does not."""

import asyncio
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from delegate_mcp.domain.errors import LedgerError
from delegate_mcp.domain.standing import Piece
from delegate_mcp.domain.usage import Usage
from delegate_mcp.ledger.postgres import PostgresLedger
from tests.fakes.ledger_rows import GROQ, MIDNIGHT, NOON, asked, call_end, call_start, ended
from tests.fakes.postgres_server import PostgresServer
from tests.postgres.cutting import cutting_way

pytestmark = pytest.mark.postgres

KILL_THE_OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"


@pytest.fixture
def restarted() -> Iterator[PostgresServer]:
    """A server of the test's own, which it may stop."""
    with PostgresServer() as server:
        yield server


async def whole_call(ledger: PostgresLedger, call_id: str) -> None:
    await ledger.begin_call(call_start(call_id))
    assert await ledger.reserve(asked(call_id)) is None
    await ledger.settle(ended(call_id, usage=Usage(10, 1)))
    await ledger.end_call(call_end(call_id))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["shut down", "crash"])
async def test_a_restart_in_the_midst_of_work_loses_and_repeats_nothing(
    restarted: PostgresServer, how: signal.Signals
) -> None:
    ledger = await PostgresLedger.open(restarted.fresh_database(), lambda: NOON, patience_s=60)
    began = asyncio.Event()

    async def work() -> None:
        for number in range(60):
            if number == 10:
                began.set()
            await whole_call(ledger, f"c{number}")

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(work())
        await began.wait()
        await asyncio.to_thread(restarted.stop, how)
        await asyncio.to_thread(restarted.start)
    totals = await ledger.totals(0)
    use = (await ledger.snapshot(NOON + 1, {"groq": MIDNIGHT})).use[GROQ]
    assert (totals.calls, totals.tiers[0].attempts, totals.tiers[0].input_tokens) == (60, 60, 600)
    assert (use.requests_day, use.tokens_day, use.reserved_requests) == (60, 660, 0)
    await ledger.aclose()


async def test_broken_connections_are_replaced(server: PostgresServer, dsn: str) -> None:
    ledger = await PostgresLedger.open(dsn, lambda: NOON)
    await whole_call(ledger, "before")
    server.execute("postgres", KILL_THE_OTHERS)
    await whole_call(ledger, "after")
    assert [call.call_id for call in await ledger.recent_calls(5)] == ["after", "before"]
    await ledger.aclose()


@pytest.mark.parametrize("step", ["begin_call", "reserve", "settle", "end_call", "learn"])
async def test_what_was_committed_although_its_answer_was_lost_is_not_done_twice(
    server: PostgresServer, dsn: str, step: str
) -> None:
    # Not pytest's folder: the path of a Unix socket has at most 107 bytes.
    with (
        tempfile.TemporaryDirectory(prefix="cut-", dir="/tmp") as folder,
        cutting_way(server.folder, Path(folder)) as way,
    ):
        ledger = await PostgresLedger.open(dsn.replace(str(server.folder), folder), lambda: NOON)
        for name, act in {
            "begin_call": lambda: ledger.begin_call(call_start("a")),
            "reserve": lambda: ledger.reserve(asked("a", tokens=500)),
            "settle": lambda: ledger.settle(ended("a", usage=Usage(10, 1))),
            "end_call": lambda: ledger.end_call(call_end("a", director=(1, 2))),
            "learn": lambda: ledger.learn("a", (Piece(model_id=GROQ, task_type="quick", worth_good=1.0),), NOON),
        }.items():
            way.armed = name == step
            assert await act() is None
        assert way.cuts == 1
        totals = await ledger.totals(0)
        use = (await ledger.snapshot(NOON + 1, {"groq": MIDNIGHT})).use[GROQ]
        assert (totals.calls, totals.director_output_tokens, totals.tiers[0].attempts) == (1, 2, 1)
        assert (use.requests_day, use.tokens_day, use.reserved_requests) == (1, 11, 0)
        assert (await ledger.standings())[GROQ, "quick"].worth.weight == 1.0
        await ledger.aclose()


async def test_a_database_that_stays_away_is_an_error_that_says_what_to_do(restarted: PostgresServer) -> None:
    ledger = await PostgresLedger.open(restarted.fresh_database(), lambda: NOON, patience_s=0.2)
    await asyncio.to_thread(restarted.stop)
    with pytest.raises(LedgerError, match=r"could not be reached .* What it held before is kept.* Check that it runs"):
        await ledger.begin_call(call_start("a"))
    await asyncio.to_thread(restarted.start)
    await ledger.begin_call(call_start("a"))
    await ledger.aclose()


async def test_closing_does_not_wait_for_a_database_that_is_away(restarted: PostgresServer) -> None:
    ledger = await PostgresLedger.open(restarted.fresh_database(), lambda: NOON, patience_s=600)
    await asyncio.to_thread(restarted.stop)
    writing = asyncio.create_task(ledger.begin_call(call_start("a")))
    await asyncio.sleep(0)  # it is handed over
    await asyncio.wait_for(ledger.aclose(), 30)
    with pytest.raises(LedgerError):
        await writing


async def test_a_lock_that_another_holds_is_waited_for_only_so_long(server: PostgresServer, dsn: str) -> None:
    ledger = await PostgresLedger.open(dsn, lambda: NOON, patience_s=0.2)
    await ledger.begin_call(call_start("a"))
    with server.connected(dsn) as other:
        other.execute("LOCK TABLE delegate_mcp.attempts")
        with pytest.raises(LedgerError, match="another server holds it"):
            await ledger.reserve(asked("a"))
    assert await ledger.reserve(asked("a")) is None
    await ledger.aclose()


async def test_a_machine_that_vanishes_in_the_midst_of_a_transaction_holds_nobody_up_for_long(
    server: PostgresServer, dsn: str
) -> None:
    ledger = await PostgresLedger.open(dsn, lambda: NOON, patience_s=20)
    await ledger.begin_call(call_start("a"))
    with server.connected(dsn) as vanished:
        vanished.execute("SET idle_in_transaction_session_timeout = '100ms'")  # ours have it from their own patience
        vanished.execute("LOCK TABLE delegate_mcp.attempts")
        assert await ledger.reserve(asked("a")) is None
    await ledger.aclose()
