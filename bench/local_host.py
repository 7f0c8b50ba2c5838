"""The shared model host beside an engine of its own: tokens a second, the first answer from cold, memory, its end.

The demonstration model writes short answers; both sides are asked by the same client, alternating.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import anyio

from bench import memory
from bench.figure import Figure
from bench.raw_stdio import RawServer, ours
from delegate_mcp.config.settings import LocalSettings
from delegate_mcp.domain.brief import Message
from delegate_mcp.domain.plan import AskOptions
from delegate_mcp.local import control
from delegate_mcp.local.demo_model import NAME, demo_model_path
from delegate_mcp.local.engine_child import EngineChild
from delegate_mcp.local.engines import BY_NAME, Order
from delegate_mcp.local.finding import freed
from delegate_mcp.local.keeper import Keeper
from delegate_mcp.local.runtime_dir import RuntimeDir
from delegate_mcp.platforms import cache_dir, runtime_dir
from delegate_mcp.providers.base import Ask
from delegate_mcp.providers.embedded import EmbeddedProvider
from delegate_mcp.providers.openai_compatible import OpenAICompatibleProvider
from delegate_mcp.providers.registry import BY_NAME as PROVIDERS

MOST_SLOWER = 1 / 0.97
"""0.97 of the engine's own tokens a second."""
MOST_COLD_S = 1.0
MOST_LATE_S = 5.0
MOST_MEMORY = 1.1
ROUNDS = 15
COLD_ROUNDS = 5
TOKENS = 64
SERVERS = 4
IDLE_S = 3.0
ENGINE = BY_NAME["xllamacpp"]
ROW = PROVIDERS["local"]

# Imports first: what is timed is the engine, not Python.
LOAD = """
import json, sys, time
import xllamacpp
from delegate_mcp.local.engine_serving import serve_xllamacpp
from delegate_mcp.local.engines import Order
order = Order(**json.loads(sys.stdin.readline()))
began = time.perf_counter()
port = serve_xllamacpp(order)
print(json.dumps({"load_s": time.perf_counter() - began, "port": port}), flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """A person with the demonstration model and a host of their own."""

    home: Path
    cache: Path

    def environ(self, **more: str) -> dict[str, str]:
        """For a server of this person."""
        return {**os.environ, "DELEGATE_MCP_HOME": str(self.home), "DELEGATE_MCP_CACHE": str(self.cache), **more}

    def keeper(self) -> Keeper:
        """As a server has it."""
        return Keeper(LocalSettings(engine="xllamacpp", gpu_layers=0), self.cache, self.environ())

    def order(self) -> Order:
        """The same as the keeper's."""
        model = self.keeper().model(NAME)
        return Order(
            model=str(model.file),
            name=NAME,
            secret="bench",  # noqa: S106 - of an engine that lives for this run
            context_tokens=model.context_tokens,
            slots=LocalSettings().slots,
            gpu_layers=0,
            threads=model.threads,
        )


def ask(tokens: int) -> Ask:
    """A short prompt; the answer is as long as it may be."""
    options = AskOptions(max_output_tokens=tokens, temperature=0.2)
    return Ask(model=NAME, messages=(Message("user", "Tell me about the sea, at length."),), options=options)


def _nothing(tokens: int) -> None:
    del tokens


@asynccontextmanager
async def _through(machine: Machine) -> AsyncGenerator[EmbeddedProvider]:
    keeper = machine.keeper()
    provider = EmbeddedProvider(ROW, keeper)
    try:
        yield provider
    finally:
        await provider.aclose()
        await keeper.aclose()
        await control.stop(machine.environ())


@asynccontextmanager
async def _direct(machine: Machine) -> AsyncGenerator[OpenAICompatibleProvider]:
    order = machine.order()
    engine = await EngineChild.start(ENGINE, order, os.environ)
    try:
        await engine.await_port(Path(order.model), 60.0)
        provider = OpenAICompatibleProvider(ROW, base_url=engine.base_url, api_key=order.secret)
        yield provider
        await provider.aclose()
    finally:
        await engine.end()


async def speed(machine: Machine) -> list[Figure]:
    """Milliseconds a token of whole calls, prompt included."""
    taken: dict[str, list[float]] = {"through": [], "direct": []}
    async with _through(machine) as host, _direct(machine) as engine:
        sides = {"through": host, "direct": engine}
        for number in range(ROUNDS + 1):
            for name, side in sorted(sides.items(), reverse=bool(number % 2)):
                began = perf_counter()
                answer = await side.complete(ask(TOKENS), _nothing)
                seconds = perf_counter() - began
                if number:  # the first loads the model and reads the prompt
                    taken[name].append(1000 * seconds / answer.usage.output_tokens)
    through, direct = median(taken["through"]), median(taken["direct"])
    return [
        Figure(
            name="a token through the local host",
            unit="ms",
            ours=through,
            reference=direct,
            reference_name="the engine itself",
            judged="ratio",
            at_most=round(MOST_SLOWER, 3),
            note=f"{1000 / through:,.0f} tokens/s through the host, {1000 / direct:,.0f} of the engine's own; medians "
            f"of {ROUNDS} calls of {TOKENS} tokens, alternating",
        )
    ]


async def cold(machine: Machine) -> list[Figure]:
    """From nothing running to the first answer, beside the engine's own load and first answer."""
    ours_s: list[float] = []
    load_s: list[float] = []
    for _ in range(COLD_ROUNDS):
        began = perf_counter()
        async with _through(machine) as host:
            await host.complete(ask(1), _nothing)
            ours_s.append(perf_counter() - began)
        load_s.append(await _loaded_and_asked(machine))
    return [
        Figure(
            name="first local answer from cold",
            unit="s",
            ours=median(ours_s),
            reference=median(load_s),
            reference_name="the engine's load and answer",
            judged="difference",
            at_most=MOST_COLD_S,
            note=f"host, engine process and model started for it; medians of {COLD_ROUNDS}, alternating",
        )
    ]


async def _loaded_and_asked(machine: Machine) -> float:
    order = machine.order()
    async with await anyio.open_process([sys.executable, "-c", LOAD], stderr=None) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        await process.stdin.send(json.dumps(asdict(order)).encode() + b"\n")
        said = json.loads(await process.stdout.receive())
        engine = OpenAICompatibleProvider(ROW, base_url=f"http://127.0.0.1:{said['port']}/v1", api_key=order.secret)
        began = perf_counter()
        await engine.complete(ask(1), _nothing)
        answered = perf_counter() - began
        await engine.aclose()
        process.kill()
    return float(said["load_s"]) + answered


async def shared(machine: Machine) -> list[Figure]:
    """Servers of whole processes that each answer a private call: what their one host holds, and when it ends."""
    held: dict[int, float] = {}
    engines: dict[int, int] = {}
    gone_s: list[float] = []
    for count in (1, SERVERS):
        with ExitStack() as stack:
            for _ in range(count):
                _ask_private(stack.enter_context(_server(machine)))
            [status] = await control.status(machine.environ(), time.time())
            if sys.platform == "linux":
                held[count] = memory.of_process(status.pid).rss
            engines[count] = len(status.models)
        gone_s.append(await _until_gone(machine))
    with _server(machine, DELEGATE_MCP_LOCAL__IDLE_MINUTES=str(IDLE_S / 60)) as server:
        _ask_private(server)
        [status] = await control.status(machine.environ(), time.time())
        idle_s = await _until_gone(machine)
    figures = [
        Figure(name=f"engines that {SERVERS} servers run together", unit="", ours=engines[SERVERS], at_most=1),
        Figure(name="the host's end after its last server's", unit="s", ours=max(gone_s), at_most=MOST_LATE_S),
        Figure(
            name="an idle host's end after its time",
            unit="s",
            ours=max(0.0, idle_s - IDLE_S),
            at_most=MOST_LATE_S,
            note=f"set to {IDLE_S:g} s, its server still there",
        ),
    ]
    if held:
        figures.insert(
            0,
            Figure(
                name=f"local host with engine, {SERVERS} servers sharing",
                unit="MB",
                ours=held[SERVERS],
                reference=held[1],
                reference_name="of one server",
                judged="ratio",
                at_most=MOST_MEMORY,
            ),
        )
    return figures


def _server(machine: Machine, **more: str) -> RawServer:
    environ = machine.environ(DELEGATE_MCP_LOCAL__DEMO_MODEL="always", DELEGATE_MCP_LOCAL__GPU_LAYERS="0", **more)
    return RawServer(ours(), machine.home, environ)


def _ask_private(server: RawServer) -> None:
    server.handshake()
    result = server.ask("tools/call", {"name": "delegate_private", "arguments": {"prompt": "Say hi."}})
    if result.get("isError"):
        raise SystemExit(f"delegate_private did not answer, so there is nothing to measure: {result['content']}")


async def _until_gone(machine: Machine) -> float:
    """Until the lock that a host lives by is free; its process may wait for whoever buries it."""
    began = perf_counter()
    if not await freed(RuntimeDir(runtime_dir(machine.environ())).living, 60.0):
        raise SystemExit("the host does not end")
    return perf_counter() - began


def measure() -> list[Figure]:
    """All of it; nothing where the engine or the model is not here."""
    cache = cache_dir(os.environ)
    if not ENGINE.installed() or demo_model_path(cache) is None:
        print("local: not measured; `make setup`, then `delegate-mcp demo --fetch-only`", file=sys.stderr)
        return []

    async def run() -> list[Figure]:
        with tempfile.TemporaryDirectory() as home:
            machine = Machine(Path(home), cache)
            try:
                return [*await speed(machine), *await cold(machine), *await shared(machine)]
            finally:
                await control.stop(machine.environ())

    return anyio.run(run)
