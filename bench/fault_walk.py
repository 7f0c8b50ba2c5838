"""One kind of fault at one backend, through a whole server and back: how the call ends and what it leaves behind.

Limits are short where one of them is to end an attempt, so that a hang takes seconds and not minutes; every cell has a
home, a server and a client of its own.
"""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client

from delegate_mcp.app import App
from delegate_mcp.delivery.reply import Reply
from delegate_mcp.dispatch.calls import RunningCall
from delegate_mcp.domain.errors import ErrorKind
from delegate_mcp.holder import AppHolder
from delegate_mcp.ledger.days import day_starts
from delegate_mcp.server import build_server
from delegate_mcp.wiring import open_app
from tests.fakes import cli as programs
from tests.fakes.faults.cli import BACKEND as CLI
from tests.fakes.faults.cli import MODEL_ID as CLI_MODEL
from tests.fakes.faults.cli import CliFault
from tests.fakes.faults.dialects import Dialect
from tests.fakes.faults.kinds import Fault
from tests.fakes.faults.stand_in import faulty
from tests.fakes.person import become, facts_of, read_json
from tests.fakes.services import Services

DEADLINE_S = 20.0
SHORT_DEADLINE_S = 3.0
"""Of the calls that nothing but the deadline ends."""
LIMITS = {"CONNECT_S": 0.7, "FIRST_TOKEN_S": 1.0, "IDLE_S": 0.5}
"""Where a limit is to end the attempt; elsewhere they are as long as a call, so that a busy machine changes nothing."""
PACE_S = 0.1
GONE_S = 10.0
"""After so long what has not been closed or ended counts as left behind."""
KEYS = {
    "groq": "GROQ_API_KEY",
    "gemini": "GEMINI_API_KEY",
    "openrouter": "OPENROUTER_API_KEY",
    "mistral": "MISTRAL_API_KEY",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One kind at one backend, walked."""

    fault: str
    backend: str
    ended: str
    """answer (of the backend itself), fallback, error (typed), or what should not be."""
    kinds: tuple[str, ...]
    """What was recorded of the attempts at the backend, in order."""
    expected: ErrorKind | None
    """What the table says of the first of them; None: it answers."""
    ends: str
    """How the table says that the call ends."""
    seconds: float
    deadline_s: float
    reserved: int = 0
    sockets: int = 0
    processes: int = 0
    passed_over: bool = False
    """Seen to be unusable and so never asked."""
    told: str = ""
    """What the director read."""

    @property
    def over_s(self) -> float:
        """Seconds past the deadline."""
        return self.seconds - self.deadline_s

    @property
    def well(self) -> bool:
        """Whether it ended in an answer or in a typed error."""
        return self.ended in {"answer", "fallback", "error"}

    @property
    def as_expected(self) -> bool:
        """Whether it ended as the table says, with what the table says recorded first."""
        if self.ended != self.ends:
            return False
        if self.passed_over:
            return not self.kinds
        return self.kinds[:1] == (self.expected.value if self.expected else "ok",)

    @property
    def leaks(self) -> int:
        """Reservations, sockets and processes left behind."""
        return self.reserved + self.sockets + self.processes


@dataclass(slots=True)
class World:
    """What all cells share: the healthy last candidate, and this process's environment, lent to one cell at a time."""

    folder: Path
    healthy: Services
    lent: anyio.Lock = field(default_factory=anyio.Lock)
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1_000_000)))

    @asynccontextmanager
    async def server(
        self, first: str, deadline_s: float, *, limited: bool, **variables: str
    ) -> AsyncGenerator["Served"]:
        """A person's server with that candidate first and the healthy one last."""
        home = self.folder / str(next(self.numbers))
        home.mkdir()
        rules = home / "rules.toml"
        candidates = f'"{first}", "local:*"' if first else '"local:*"'
        rules.write_text(f"[quick]\ncandidates = [{candidates}]\nfloor = 0\n", encoding="utf-8")
        local = ("ollama",) if first else ("ollama", "llama-server")
        limits = {
            f"DELEGATE_MCP_CALLS__{name}": str(value if limited else DEADLINE_S) for name, value in LIMITS.items()
        }
        given = {
            **self.healthy.ollama_env,
            **limits,
            "DELEGATE_MCP_CALLS__DEADLINE_S": str(deadline_s),
            "DELEGATE_MCP_RULES": str(rules),
            "NO_PROXY": "*",
            **variables,
        }
        holder = AppHolder(open_app)
        async with holder, Client(build_server(holder)) as client:
            async with self.lent:
                with pytest.MonkeyPatch.context() as patch:
                    become(home, patch, **given)
                    app = await holder.app()
                # A server of this process answers late where this process is busy.
                with anyio.fail_after(30):
                    while not all(map((await app.discovery.look(fresh=True)).usable, local)):
                        pass
            yield Served(client, app, deadline_s)


@dataclass(frozen=True, slots=True)
class Served:
    """A server that can be asked."""

    client: Client
    app: App
    deadline_s: float

    async def ask(self) -> "Ended":
        """One call, from the tool to the reply."""
        began = time.perf_counter()
        with anyio.move_on_after(self.deadline_s + 10.0):
            result = await self.client.call_tool("delegate_quick", {"prompt": "hello"})
            taken = time.perf_counter() - began
            text = "".join(getattr(block, "text", "") for block in result.content)
            facts = facts_of(result) if result.meta and "delegate" in result.meta else {}
            return Ended(is_error=bool(result.is_error), text=text, seconds=taken, facts=facts)
        return Ended(is_error=True, text="never ended", seconds=time.perf_counter() - began, facts={})

    async def take_back(self, when: Callable[[], Awaitable[object]]) -> "Ended":
        """One call that the host cancels as soon as `when` returns; `seconds` from there to the call's end."""
        calls: tuple[RunningCall[Reply], ...] = ()
        began = 0.0
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.ask)
            await when()
            calls = tuple(self.app.calls.running.values())
            began = time.perf_counter()
            tasks.cancel_scope.cancel()
        with anyio.move_on_after(self.deadline_s + 10.0):
            for call in calls:
                await call.done.wait()
        taken = time.perf_counter() - began
        how = "cancelled" if calls and not self.app.calls.running else "still running"
        return Ended(is_error=True, text="", seconds=taken, facts={}, told=how)

    async def reserved(self) -> int:
        """Attempts that the ledger still holds a place for, and requests and tokens that the budget shows as held."""
        now = self.app.clock.now()
        snapshot = await self.app.ledger.snapshot(
            now, day_starts(now, {row.name: row.day_reset for row in self.app.rows})
        )
        budget = await read_json(self.client, "budget://current")
        models = [model for provider in budget["providers"].values() for model in provider["models"].values()]
        shown = sum(window["reserved"] for model in models for window in model.get("windows", ()))
        return shown + sum(use.reserved_requests for use in snapshot.use.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a call ended, as its host sees it."""

    is_error: bool
    text: str
    seconds: float
    facts: dict[str, Any]
    told: str = ""
    """How it ended, where no reply came."""

    def attempts(self, backend: str) -> tuple[str, ...]:
        """What was recorded of the attempts at that backend."""
        rows = [row for row in self.facts.get("attempts", ()) if row["provider"] == backend]
        return tuple(row["error_kind"] or row["outcome"] for row in rows)

    def how(self, backend: str) -> str:
        """In a word."""
        if self.told:
            return self.told
        if not self.is_error:
            return "answer" if self.facts["attempts"][-1]["provider"] == backend else "fallback"
        return "error" if self.facts.get("error", "").endswith("Error") else f"untyped: {self.text[:80]}"


def variable(backend: str, name: str) -> str:
    """The environment variable of that setting of a provider."""
    return f"DELEGATE_MCP_PROVIDERS__{backend.upper().replace('-', '_')}__{name}"


async def walk_http(world: World, fault: Fault, dialect: Dialect, *, cancel: bool = False) -> Cell:
    """One kind at one service; `cancel`: the host takes its call back while it fails."""
    backend = dialect.backend
    deadline_s = SHORT_DEADLINE_S if fault.runs_out(backend) and not cancel else DEADLINE_S
    limited = fault.expected(backend) is ErrorKind.TIMEOUT and not fault.lasts and not cancel
    async with faulty(fault, dialect, pace_s=PACE_S) as service:
        variables = {variable(backend, "BASE_URL"): service.base_url}
        if backend in KEYS:
            variables[KEYS[backend]] = "made-up"
        first = dialect.model_id if backend in KEYS else ""
        async with world.server(first, deadline_s, limited=limited, **variables) as served:
            await service.begin(fault)
            ended = await (served.take_back(service.reached.wait) if cancel else served.ask())
            reserved = await served.reserved()
            # A cancelled call closes its connection at once, a kept one is closed when the server ends.
            sockets = 0 if not cancel or await service.all_closed(GONE_S) else service.open_connections
        if not await service.all_closed(GONE_S):
            sockets = service.open_connections
    return Cell(
        fault=fault.name,
        backend=backend,
        ended=ended.how(backend),
        kinds=ended.attempts(backend),
        expected=fault.expected(backend),
        ends=fault.ends(backend),
        seconds=ended.seconds,
        deadline_s=deadline_s,
        reserved=reserved,
        sockets=sockets,
        told=ended.text,
    )


async def walk_cli(world: World, fault: CliFault, *, cancel: bool = False) -> Cell:
    """One kind of the CLI; `cancel`: the host takes its call back while it fails."""
    deadline_s = SHORT_DEADLINE_S if fault.lasts and not cancel else DEADLINE_S
    folder = world.folder / f"cli-{next(world.numbers)}"
    folder.mkdir()
    program = None if fault.passed_over else programs.install(folder, CLI, fault.behaviour)
    command = {variable(CLI, "COMMAND"): program.command} if program else {}
    left = 0
    try:
        async with world.server(CLI_MODEL, deadline_s, limited=False, **command) as served:
            if program and fault.vanishes:
                await anyio.Path(program.command).unlink()
            if program and cancel:
                ended = await served.take_back(partial(anyio.wait_readable, program.alive))
            else:
                ended = await served.ask()
            reserved = await served.reserved()
            if program and not fault.vanishes:
                with anyio.move_on_after(GONE_S) as waited:
                    await program.processes_until_all_are_gone()
                left = int(waited.cancelled_caught)
    finally:
        if program:
            program.close()
    return Cell(
        fault=fault.name,
        backend=CLI,
        ended=ended.how(CLI),
        kinds=ended.attempts(CLI),
        expected=fault.kind,
        ends=fault.ends,
        seconds=ended.seconds,
        deadline_s=deadline_s,
        reserved=reserved,
        processes=left,
        passed_over=fault.passed_over,
        told=ended.text,
    )
