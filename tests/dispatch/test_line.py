"""Who waits for a place: what has been given back is used at once, wherever that was, and nobody spins."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
import anyio.lowlevel
import pytest

from delegate_mcp.dispatch.clock import Clock
from delegate_mcp.dispatch.line import OTHERS_S, TICKET_LEASE_S, Lines
from delegate_mcp.domain.limit import Limit
from delegate_mcp.ledger.base import Refusal, Reserve
from tests.fakes.ledger_rows import GEMINI, GROQ, NOON, asked, ended
from tests.fakes.memory_ledger import MemoryLedger

ONE = (Limit("requests", "minute", 1),)


@dataclass
class StillTime:
    """Time that stands still: a sleeper sleeps until the test lets it go."""

    at: float = 0.0
    slept: list[float] = field(default_factory=list[float])
    go_on: anyio.Event = field(default_factory=anyio.Event)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self.go_on.wait()

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: NOON + self.at, steady=lambda: self.at, sleep=self.sleep)


class Counting(MemoryLedger):
    """Counts the looks."""

    looks = 0

    async def reserve(self, ask: Reserve) -> Refusal | None:
        self.looks += 1
        return await super().reserve(ask)


@pytest.fixture
async def ledger() -> Counting:
    ledger = Counting(lambda: NOON)
    assert await ledger.reserve(asked("under way", limits=ONE)) is None
    ledger.looks = 0
    return ledger


@asynccontextmanager
async def waiting(lines: Lines, name: str = "b") -> AsyncGenerator[list[Refusal | None]]:
    """A call that stands in line while the block runs; what it was told."""
    told: list[Refusal | None] = []

    async def wait() -> None:
        ask = asked(name, limits=ONE)
        told.append(await lines.wait(ask, renew=lambda ask: ask, deadline=120.0, tell=lambda _: None))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await at_rest()
        yield told
        tasks.cancel_scope.cancel()


async def at_rest() -> None:
    for _ in range(20):  # more than any of them takes to its next wait
        await anyio.lowlevel.checkpoint()


async def test_what_an_attempt_of_this_process_gives_back_is_used_at_once(ledger: Counting) -> None:
    lines = Lines(ledger, StillTime().clock)
    async with waiting(lines) as told:
        assert (told, ledger.looks) == ([], 1)
        await ledger.settle(ended("under way", counted=False))
        lines.stir(GROQ.provider)
        await at_rest()
        assert (told, ledger.looks) == ([None], 2)


async def test_what_ends_at_another_provider_wakes_nobody(ledger: Counting) -> None:
    lines = Lines(ledger, StillTime().clock)
    async with waiting(lines):
        lines.stir(GEMINI.provider)
        await at_rest()
        assert ledger.looks == 1


async def test_what_ends_during_the_look_is_not_missed(ledger: Counting) -> None:
    lines = Lines(ledger, StillTime().clock)

    class Slow(Counting):
        async def reserve(self, ask: Reserve) -> Refusal | None:
            refusal = await ledger.reserve(ask)
            if ledger.looks == 1:  # while the answer is on its way
                await ledger.settle(ended("under way", counted=False))
                lines.stir(GROQ.provider)
            return refusal

    lines.ledger = Slow(lambda: NOON)
    async with waiting(lines) as told:
        assert told == [None]


async def test_what_others_write_is_looked_at_but_not_more_often_than_ten_times_a_second(ledger: Counting) -> None:
    time = StillTime()
    lines = Lines(ledger, time.clock)
    async with waiting(lines) as told:
        await ledger.settle(ended("under way", counted=False))
        ledger.elsewhere_wrote.set()
        await at_rest()
        assert (told, ledger.looks) == ([], 1)
        assert time.slept == [1.0, OTHERS_S]
        time.go_on.set()
        await at_rest()
        assert (told, ledger.looks) == ([None], 2)


async def test_the_first_in_line_is_served_first_and_the_others_do_not_look(ledger: Counting) -> None:
    lines = Lines(ledger, StillTime().clock)
    async with waiting(lines, "first") as first, waiting(lines, "second") as second:
        assert ledger.looks == 1
        await ledger.settle(ended("under way", counted=False))
        lines.stir(GROQ.provider)
        await at_rest()
        assert (first, second) == ([None], [])
        await ledger.settle(ended("first", counted=False))
        lines.stir(GROQ.provider)
        await at_rest()
        assert second == [None]


async def test_a_lease_is_renewed_before_it_ends_and_not_at_every_look(ledger: Counting) -> None:
    """What is written wakes the others in line, whose looks would wake this one."""
    time, leases = StillTime(), list[float]()
    lines = Lines(ledger, time.clock)
    async with waiting(lines):
        for _ in range(4):
            leases.append(next(iter(ledger.line.values()))[1].lease_until - NOON)
            time.at += 0.75
            lines.stir(GROQ.provider)
            await at_rest()
    assert ledger.looks == 5
    assert leases == [TICKET_LEASE_S, TICKET_LEASE_S, TICKET_LEASE_S, TICKET_LEASE_S + 2.25]
