"""One server for all these tests, a database of its own for each."""

from collections.abc import AsyncIterator, Iterator

import pytest

from delegate_mcp.ledger.base import Ledger
from delegate_mcp.ledger.postgres import PostgresLedger
from tests.fakes.ledger_rows import HERE, NOON
from tests.fakes.postgres_server import PostgresServer
from tests.ledger.conftest import Opener


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    with PostgresServer() as running:
        yield running


@pytest.fixture
def dsn(server: PostgresServer) -> str:
    return server.fresh_database()


@pytest.fixture
async def open_ledger(dsn: str) -> AsyncIterator[Opener]:
    opened: list[Ledger] = []

    async def open_it(now: float = NOON, living: tuple[int, ...] = (HERE,)) -> Ledger:
        ledger = await PostgresLedger.open(dsn, lambda: now, alive=living.__contains__)
        opened.append(ledger)
        return ledger

    yield open_it
    for ledger in opened:
        await ledger.aclose()


@pytest.fixture
async def ledger(open_ledger: Opener) -> Ledger:
    return await open_ledger()
