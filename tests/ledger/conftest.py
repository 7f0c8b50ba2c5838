"""Every ledger there is, opened the same way: the contract tests run over each."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import settings

from delegate_mcp.ledger.base import Ledger
from delegate_mcp.ledger.sqlite import SqliteLedger
from tests.fakes.ledger_rows import HERE, NOON
from tests.fakes.memory_ledger import MemoryLedger

settings.register_profile("no clock", deadline=None)  # a busy machine is slow, not wrong
settings.load_profile("no clock")

Opener = Callable[..., Awaitable[Ledger]]


async def _memory(_: Path, clock: Callable[[], float], alive: Callable[[int], bool]) -> Ledger:
    return MemoryLedger(clock, alive)


async def _sqlite(folder: Path, clock: Callable[[], float], alive: Callable[[int], bool]) -> Ledger:
    return await SqliteLedger.open(folder / "ledger.db", clock, alive=alive)


@pytest.fixture(params=[_memory, _sqlite], ids=["memory", "sqlite"])
async def open_ledger(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Opener]:
    opened: list[Ledger] = []

    async def open_it(now: float = NOON, living: tuple[int, ...] = (HERE,)) -> Ledger:
        ledger = await request.param(tmp_path, lambda: now, living.__contains__)
        opened.append(ledger)
        return ledger

    yield open_it
    for ledger in opened:
        await ledger.aclose()


@pytest.fixture
async def ledger(open_ledger: Opener) -> Ledger:
    return await open_ledger()
