"""A rented machine: started when it is wanted and the budget allows, paid by time, stopped when idle and at the end."""

import os
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import anyio
import pytest
from anyio.lowlevel import checkpoint

from delegate_mcp.config.settings import RentedSettings
from delegate_mcp.domain.errors import ErrorKind, ProviderError
from delegate_mcp.rented.lease import Held, Lease
from delegate_mcp.rented.machine import Machine
from tests.fakes.clock import ManualTime
from tests.fakes.memory_ledger import MemoryLedger

START, STOP = ("rent", "it"), ("stop", "it")
MINUTE_S = 60.0


@dataclass
class Place:
    """Where a machine can be rented, with the time that passes there."""

    folder: Path
    starts_in_s: float = 120.0
    fails: list[str] = field(default_factory=list[str])
    time: ManualTime = field(default_factory=ManualTime)
    ran: list[str] = field(default_factory=list[str])
    running: bool = False

    def __post_init__(self) -> None:
        self.ledger = MemoryLedger(lambda: self.time.at)
        self.began = self.time.at

    async def run(self, argv: Sequence[str], limit_s: float, log: Path) -> str | None:
        await checkpoint()
        self.ran.append(argv[0])
        if argv[0] in self.fails:
            self.fails.remove(argv[0])
            return f"{argv[0]} ended with exit code 1"
        self.running = argv[0] == "rent"
        if self.running:
            self.time.at += self.starts_in_s
        return None

    async def healthy(self) -> bool:
        return self.running

    def lease(self) -> Lease:
        return Lease(self.folder / "rented", "coder")

    @asynccontextmanager
    async def machine(self, daily_usd: str | None = "5", **settings: object) -> AsyncGenerator[Machine]:
        fields = {
            "base_url": "http://127.0.0.1:1/v1",
            "model": "m",
            "start": START,
            "stop": STOP,
            "usd_per_hour": "0.6",
        }
        async with anyio.create_task_group() as tasks:
            machine = Machine(
                "coder",
                RentedSettings.model_validate(fields | settings),
                lease=self.lease(),
                ledger=self.ledger,
                clock=self.time.clock,
                tasks=tasks,
                run=self.run,
                healthy=self.healthy,
                daily_usd=Decimal(daily_usd) if daily_usd else None,
                pid=1,
            )
            yield machine
            await machine.aclose()

    async def until(self, done: Callable[[], bool]) -> None:
        with anyio.fail_after(5):
            while not done():
                await checkpoint()

    async def cost(self) -> Decimal:
        return (await self.ledger.totals(0.0)).cost_usd

    async def paid(self) -> list[Decimal]:
        """Each block as it was settled."""
        (call,) = await self.ledger.recent_calls(1)
        return [attempt.cost_usd for attempt in await self.ledger.attempts(call.call_id)]


async def refused(machine: Machine) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await machine.wanted()
    assert caught.value.kind is ErrorKind.RATE_LIMITED  # the next candidate answers meanwhile
    assert caught.value.retry_after_s is not None
    return caught.value


async def told(machine: Machine) -> str:
    """Why it cannot be had, once that is known."""
    with anyio.fail_after(5):
        while "is being rented" in (why := str(await refused(machine))):
            await checkpoint()
    return why


async def test_it_is_rented_when_it_is_first_wanted_and_the_next_candidate_answers_meanwhile(tmp_path: Path) -> None:
    place = Place(tmp_path)
    async with place.machine() as machine:
        assert place.ran == []
        assert "is being rented" in str(await refused(machine))
        await place.until(lambda: place.running)
        await machine.wanted()
    assert place.ran == ["rent", "stop"]
    assert place.lease().held() is None


async def test_it_is_stopped_when_nobody_asks_it_and_its_time_is_in_the_ledger(tmp_path: Path) -> None:
    place = Place(tmp_path)
    async with place.machine(idle_minutes=15) as machine:
        await refused(machine)
        await place.until(lambda: place.ran == ["rent", "stop"])
    hours = Decimal(round(place.time.at - place.began)) / 3600
    assert Decimal("0.17") < await place.cost() < Decimal("0.19")  # two minutes to start, fifteen idle
    assert abs(await place.cost() - hours * Decimal("0.6")) < Decimal("0.01")
    assert (await place.ledger.totals(0.0)).saved_usd == -(await place.cost())  # what its answers save is less this
    assert len(await place.paid()) == 2


async def test_a_machine_that_is_asked_is_kept(tmp_path: Path) -> None:
    place = Place(tmp_path)
    async with place.machine(idle_minutes=15) as machine:
        await refused(machine)
        await place.until(lambda: place.running)
        for _ in range(6):
            start = place.time.at
            await place.until(lambda start=start: place.time.at > start + 10 * MINUTE_S)
            await machine.wanted()
        assert place.running


async def test_without_a_cap_nothing_is_rented(tmp_path: Path) -> None:
    place = Place(tmp_path)
    async with place.machine(daily_usd=None) as machine:
        assert "today's budget does not allow it" in await told(machine)
        assert place.ran == []


async def test_it_is_stopped_when_the_days_money_is_spent(tmp_path: Path) -> None:
    place = Place(tmp_path)
    async with place.machine(daily_usd="5", max_usd_day="0.25", idle_minutes=600) as machine:
        await refused(machine)
        await place.until(lambda: place.ran == ["rent", "stop"])
    assert Decimal("0.15") < await place.cost() <= Decimal("0.25")


async def test_a_start_that_fails_is_stopped_told_and_not_tried_again_at_once(tmp_path: Path) -> None:
    place = Place(tmp_path, fails=["rent"])
    async with place.machine() as machine:
        assert "rent ended with exit code 1" in await told(machine)
        await refused(machine)
    assert place.ran == ["rent", "stop"]


async def test_a_stop_that_fails_is_tried_until_it_works(tmp_path: Path) -> None:
    place = Place(tmp_path, fails=["stop", "stop"])
    async with place.machine(idle_minutes=1) as machine:
        await refused(machine)
        await place.until(lambda: place.ran == ["rent", "stop", "stop", "stop"] and place.lease().held() is None)


async def test_one_that_was_left_running_is_taken_over_with_what_is_due(tmp_path: Path) -> None:
    place = Place(tmp_path, running=True)
    hour_ago = place.time.at - 3_600
    place.lease().hold(Held(since=hour_ago, paid_until=hour_ago))
    async with place.machine(idle_minutes=1) as machine:
        machine.adopt()
        await place.until(lambda: place.ran == ["stop"] and place.lease().held() is None)
    assert await place.cost() > Decimal("0.6")


async def test_two_servers_rent_it_once_and_the_last_one_stops_it(tmp_path: Path) -> None:
    place = Place(tmp_path)
    async with place.machine() as second, place.machine() as first:
        await refused(first)
        await refused(second)
        await place.until(lambda: place.running)
        await first.wanted()
        await second.wanted()
        assert place.ran == ["rent"]
    assert place.ran[0] == "rent"
    assert place.ran.count("rent") == 1
    assert not place.running


async def test_a_machine_that_another_process_uses_is_left_to_it(tmp_path: Path) -> None:
    place = Place(tmp_path)
    async with place.machine() as machine:
        await refused(machine)
        await place.until(lambda: place.running)
        (tmp_path / "rented" / f"coder.used-{os.getppid()}").touch()
    assert place.ran == ["rent"]
    held = place.lease().held()
    assert held is not None
    assert held.paid_until == place.time.at  # the next payer goes on from here


async def test_what_cannot_be_read_counts_as_running(tmp_path: Path) -> None:
    lease = Place(tmp_path).lease()
    lease.hold(Held(since=1.0, paid_until=2.0))
    (tmp_path / "rented" / "coder.json").write_text("{", encoding="utf-8")
    assert lease.held() is not None
