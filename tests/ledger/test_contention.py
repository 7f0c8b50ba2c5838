"""Many servers that want the same places in one file: never one too many, and none left unused."""

import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import anyio
import pytest

from delegate_mcp.domain.errors import ErrorKind
from delegate_mcp.domain.limit import Limit
from delegate_mcp.domain.usage import Usage
from delegate_mcp.ledger.base import Refusal, Ticket
from delegate_mcp.ledger.sqlite import SqliteLedger
from tests.fakes.ledger_rows import GROQ, MIDNIGHT, NOON, asked, ended
from tests.ledger.contending import A_DAY, A_MINUTE, TOKENS

ROOT = Path(__file__).parents[2]
PROCESSES = 8
RPD1 = (Limit("requests", "day", 1),)


def contend(mode: str, path: Path, *more: str, processes: int = PROCESSES) -> list[str]:
    """What the servers print, line by line."""
    with ExitStack() as stack:
        servers = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "tests.ledger.contending", mode, str(path), f"s{number}", *more],
                    cwd=ROOT,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for number in range(processes)
        ]
        told = [server.communicate(timeout=120)[0] for server in servers]
    assert [server.returncode for server in servers] == [0] * processes
    return [line for each in told for line in each.splitlines()]


def most_in_a_minute(arrivals: Sequence[tuple[float, int]]) -> int:
    """The most that any 60 seconds held."""
    rows = sorted(arrivals)
    return max(sum(amount for later, amount in rows[first:] if later < at + 60) for first, (at, _) in enumerate(rows))


@pytest.mark.parametrize(("metric", "a_call"), [("requests", 1), ("tokens", TOKENS)])
def test_eight_processes_never_overrun_a_window_and_use_all_of_it(tmp_path: Path, metric: str, a_call: int) -> None:
    clock = tmp_path / "clock"
    clock.touch()
    lines = contend("calls", tmp_path / "ledger.db", str(clock), metric)
    told = [(float(at), int(tokens)) for at, tokens in map(str.split, lines)]
    arrivals = [(at, 1 if metric == "requests" else tokens) for at, tokens in told]
    assert A_MINUTE[metric] - a_call < most_in_a_minute(arrivals) <= A_MINUTE[metric]
    assert A_DAY[metric] - a_call < sum(amount for _, amount in arrivals) <= A_DAY[metric]
    minutes = A_DAY[metric] // A_MINUTE[metric]  # that must pass before the rest of the day's is there
    # The clock goes on with every look: a server that the machine leaves waiting loses time. bench/quota.py measures.
    assert max(at for at, _ in arrivals) < NOON + minutes * 60 * 1.15


async def test_eight_processes_at_a_half_open_breaker_send_one_probe(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    ledger = await SqliteLedger.open(path)
    for number in range(1, 6):
        await ledger.reserve(asked("a", number))
    for number in range(1, 6):
        await ledger.settle(ended("a", number, at=NOON, error_kind=ErrorKind.OVERLOADED, counted=False))
    told = await anyio.to_thread.run_sync(contend, "probe", path)
    await ledger.aclose()
    assert sorted(told) == ["breaker"] * (PROCESSES - 1) + ["probe"]


async def test_a_process_killed_in_the_midst_of_taking_a_place_has_taken_none_and_holds_nobody_up(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ledger.db"
    ledger = await SqliteLedger.open(path, busy_s=0.0)
    command = [sys.executable, "-m", "tests.ledger.contending", "killed", str(path), "dead"]
    process = await anyio.run_process(command, cwd=ROOT, check=False, stderr=None)
    assert process.returncode != 0
    assert (await ledger.snapshot(NOON, {})).use == {}
    assert await ledger.call("dead") is None
    assert await ledger.reserve(asked("a", limits=RPD1)) is None
    assert ledger.notices() == ()
    await ledger.aclose()


async def test_calls_of_two_servers_stand_in_one_line(tmp_path: Path) -> None:
    one, other = [await SqliteLedger.open(tmp_path / "ledger.db") for _ in range(2)]
    assert await one.reserve(asked("a", limits=RPD1)) is None
    tickets = {name: Ticket(name, NOON + since, NOON + 90_000) for name, since in (("first", 1), ("second", 2))}
    for ledger, name in ((other, "second"), (one, "first")):
        refusal = await ledger.reserve(asked(name, at=NOON + 3, limits=RPD1, ticket=tickets[name]))
        assert refusal is not None
    tomorrow = MIDNIGHT + 86_400
    early = await other.reserve(asked("second", at=tomorrow, limits=RPD1, ticket=tickets["second"]))
    assert isinstance(early, Refusal)
    assert (early.why, early.ahead) == ("turn", 1)
    assert await one.reserve(asked("first", at=tomorrow, limits=RPD1, ticket=tickets["first"])) is None
    late = await other.reserve(asked("second", at=tomorrow, limits=RPD1, ticket=tickets["second"]))
    assert isinstance(late, Refusal)
    assert late.why == "limit"
    for ledger in (one, other):
        await ledger.aclose()


# --- Hearing of others' writes ---------------------------------------------------------------------------------------


class Looks:
    """Sleeps that return at once, and what happens in the first of them."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.asleep = anyio.Event()
        self.go_on = anyio.Event()

    async def sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)
        self.asleep.set()
        await self.go_on.wait()


async def test_it_hears_of_what_another_server_wrote_and_not_of_its_own(tmp_path: Path) -> None:
    looks = Looks()
    one = await SqliteLedger.open(tmp_path / "ledger.db", sleep=looks.sleep)
    other = await SqliteLedger.open(tmp_path / "ledger.db")
    heard = anyio.Event()

    async def listen() -> None:
        await one.changed()
        heard.set()

    async with anyio.create_task_group() as group:
        assert await one.reserve(asked("own")) is None
        group.start_soon(listen)
        await looks.asleep.wait()
        assert not heard.is_set()
        await other.leave("nobody")  # no row is touched
        await other.settle(ended("own", usage=Usage(1, 1)))
        looks.go_on.set()
        await heard.wait()
    assert set(looks.seconds) == {1.0}
    assert (await one.snapshot(NOON + 2, {})).use[GROQ].requests_minute == 1
    for ledger in (one, other):
        await ledger.aclose()


async def test_what_was_written_between_a_refusal_and_the_wait_is_heard_at_once(tmp_path: Path) -> None:
    looks = Looks()
    one = await SqliteLedger.open(tmp_path / "ledger.db", sleep=looks.sleep)
    other = await SqliteLedger.open(tmp_path / "ledger.db")
    assert await other.reserve(asked("a", limits=RPD1)) is None
    assert await one.reserve(asked("b", limits=RPD1)) is not None
    await other.settle(ended("a", counted=False))
    await one.changed()
    assert looks.seconds == []
    for ledger in (one, other):
        await ledger.aclose()


async def test_who_looks_again_and_is_refused_again_wakes_nobody(tmp_path: Path) -> None:
    looks = Looks()
    one = await SqliteLedger.open(tmp_path / "ledger.db", sleep=looks.sleep)
    other = await SqliteLedger.open(tmp_path / "ledger.db")
    assert await one.reserve(asked("a", limits=RPD1)) is None
    for since in (1.0, 1.5, 2.9):  # its lease, renewed at the first look, is still good
        ticket = Ticket("b", NOON + 1, NOON + since + 10)
        assert await other.reserve(asked("b", at=NOON + since, limits=RPD1, ticket=ticket)) is not None
        if since == 1.0:
            await one.changed()
            assert looks.seconds == []
    async with anyio.create_task_group() as group:
        group.start_soon(one.changed)
        await looks.asleep.wait()
        group.cancel_scope.cancel()
    assert looks.seconds == [1.0]
    for ledger in (one, other):
        await ledger.aclose()
