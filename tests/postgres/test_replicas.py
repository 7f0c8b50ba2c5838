"""Two servers of a team, each with a ledger object of its own over one database."""

import asyncio
import time
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from delegate_mcp.domain.errors import LedgerError
from delegate_mcp.domain.limit import Limit
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.ledger.base import Ticket
from delegate_mcp.ledger.postgres import PostgresLedger
from tests.fakes.ledger_rows import GEMINI, GROQ, NOON, asked, call_end, call_start, ended
from tests.fakes.postgres_server import PostgresServer

pytestmark = pytest.mark.postgres

ONE = (Limit("requests", "minute", 1),)
PATIENCE_S = 30.0


@pytest.fixture
async def here(dsn: str) -> AsyncIterator[PostgresLedger]:
    ledger = await PostgresLedger.open(dsn, lambda: NOON)
    yield ledger
    await ledger.aclose()


@pytest.fixture
async def there(dsn: str) -> AsyncIterator[PostgresLedger]:
    ledger = await PostgresLedger.open(dsn, lambda: NOON)
    yield ledger
    await ledger.aclose()


async def settled_down(*changes: asyncio.Task[None]) -> None:
    """Wait until it was heard; each write is one notice."""
    await asyncio.wait_for(asyncio.gather(*changes), PATIENCE_S)


async def test_what_one_writes_wakes_the_other(here: PostgresLedger, there: PostgresLedger) -> None:
    for write in (
        lambda: there.begin_call(call_start("a")),
        lambda: there.reserve(asked("a")),
        lambda: there.settle(ended("a")),
        lambda: there.leave("nobody"),
        lambda: there.end_call(call_end("a")),
    ):
        changed = asyncio.create_task(here.changed())
        await asyncio.sleep(0)
        assert not changed.done()
        await write()
        await settled_down(changed)


async def test_ones_own_writes_wake_nobody_here(here: PostgresLedger, there: PostgresLedger) -> None:
    mine = asyncio.create_task(here.changed())
    await here.begin_call(call_start("a"))
    await settled_down(asyncio.create_task(there.changed()))
    assert not mine.done()
    await there.begin_call(call_start("b"))
    await settled_down(mine)


async def test_a_refusal_wakes_nobody(here: PostgresLedger, there: PostgresLedger) -> None:
    await here.begin_call(call_start("a"))
    await settled_down(asyncio.create_task(there.changed()))
    await here.reserve(asked("a", limits=ONE))
    await settled_down(asyncio.create_task(there.changed()))
    waiting = asked("a", 2, limits=ONE, ticket=Ticket("t", NOON, NOON + 10))
    refusal = await here.reserve(waiting)
    assert refusal is not None
    assert refusal.why == "limit"
    changed = asyncio.create_task(there.changed())
    assert (await there.snapshot(NOON, {})).waiting == {GROQ: 1}
    assert not changed.done()
    await here.leave("t")
    await settled_down(changed)


async def test_what_was_written_since_a_refusal_is_heard_although_nobody_listened_then(
    here: PostgresLedger, there: PostgresLedger
) -> None:
    await there.begin_call(call_start("a"))
    await there.reserve(asked("a", limits=ONE))
    await there.begin_call(call_start("b"))
    assert await here.reserve(asked("b", limits=ONE)) is not None
    await there.settle(ended("a", counted=False))
    await settled_down(asyncio.create_task(here.changed()))
    assert await here.reserve(asked("b", limits=ONE)) is None


async def test_after_a_broken_connection_one_looks_again(
    server: PostgresServer, here: PostgresLedger, there: PostgresLedger
) -> None:
    changed = asyncio.create_task(here.changed())
    await asyncio.sleep(0)
    server.execute("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
    await settled_down(changed)
    later = asyncio.create_task(here.changed())
    await there.begin_call(call_start("a"))
    await settled_down(later)


async def test_closing_ends_the_wait_for_changes(here: PostgresLedger) -> None:
    changed = asyncio.create_task(here.changed())
    await asyncio.sleep(0)
    await here.aclose()
    with pytest.raises(LedgerError, match="closed"):
        await changed


async def test_the_line_is_one_for_all(here: PostgresLedger, there: PostgresLedger) -> None:
    for call_id in "abc":
        await here.begin_call(call_start(call_id))
    await here.reserve(asked("a", limits=ONE))
    first, second = Ticket("first", NOON + 1, NOON + 30), Ticket("second", NOON + 2, NOON + 30)
    assert await there.reserve(asked("b", limits=ONE, ticket=first)) is not None
    await here.settle(ended("a", counted=False))
    refusal = await here.reserve(asked("c", limits=ONE, ticket=second))
    assert refusal is not None
    assert (refusal.why, refusal.ahead) == ("turn", 1)
    assert await there.reserve(asked("b", limits=ONE, ticket=first)) is None


async def test_the_daily_cap_holds_over_providers_that_are_asked_at_once(
    here: PostgresLedger, there: PostgresLedger
) -> None:
    async def take(ledger: PostgresLedger, model_id: ModelId) -> int:
        refusals = [
            await ledger.reserve(
                asked(model_id.provider, number, model_id, tier="paid", usd=Decimal("0.1"), daily_usd=Decimal(5))
            )
            for number in range(40)
        ]
        return refusals.count(None)

    assert sum(await asyncio.gather(take(here, GROQ), take(there, GEMINI))) == 50


async def test_a_call_of_another_machine_runs_until_its_lease_whatever_runs_here_under_its_number(
    server: PostgresServer, dsn: str
) -> None:
    ledger = await PostgresLedger.open(dsn, lambda: NOON, alive=lambda _: False)
    await ledger.begin_call(call_start("mine"))
    await ledger.begin_call(call_start("old", NOON - 3601))
    await ledger.begin_call(call_start("new"))
    server.execute(
        dsn.partition("@/")[2].partition("?")[0],
        "UPDATE delegate_mcp.calls SET machine = 'elsewhere' WHERE call_id <> 'mine'",
    )
    states = {call.call_id: call.state for call in await ledger.recent_calls(3)}
    assert states == {"mine": "failed", "old": "failed", "new": "running"}
    await ledger.aclose()


@pytest.mark.parametrize(("ahead_s", "told"), [(90.0, "90 s ahead of"), (-90.0, "90 s behind"), (0.0, None)])
async def test_a_clock_that_is_off_is_told_of(dsn: str, ahead_s: float, told: str | None) -> None:
    ledger = await PostgresLedger.open(dsn, machine_clock=lambda: time.time() + ahead_s)
    assert [told in notice for notice in ledger.notices() if told] == ([True] if told else [])
    assert len(ledger.notices()) == (1 if told else 0)
    await ledger.aclose()
