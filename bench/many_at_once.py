"""64 calls at once: ours beside the groq SDK called directly, both asking the same stand-in, in alternating rounds.

Twice: over stdio as a host does, and through the in-memory client, where one process is client and server.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from statistics import median
from time import perf_counter

import anyio
from groq import AsyncGroq
from mcp import Client, StdioServerParameters
from mcp_types import TextContent

from bench.figure import Figure
from bench.overhead import keyed
from bench.quota_service import FAST, MODELS, Pace, Remote, running
from bench.raw_stdio import ROOT, clean_environment, ours
from bench.service_books import Limits
from bench.wire import ANSWER, WORDS
from delegate_mcp.holder import AppHolder
from delegate_mcp.server import build_server
from delegate_mcp.wiring import open_app

AT_ONCE = 64
ROUNDS = 9
MOST_RATIO = 1.1
PACE = Pace(first_token_s=0.3, chunk_s=0.004, chunks=13 * len(WORDS))
"""0.3 s to the first token, then 117 tokens at 250 a second, each in an event of its own as Groq sends them."""
SHORT = Pace(first_token_s=0.3, chunk_s=0.02, chunks=len(WORDS))
"""Hardly any answer: what remains is what a call itself costs."""
MAX_TOKENS = 1_024
PROMPT = "In one short sentence: what does the number {} have to do with it?"
ROOMY = (
    '[{"metric": "requests", "period": "minute", "limit": 1000000},'
    ' {"metric": "tokens", "period": "minute", "limit": 100000000}]'
)

Call = Callable[[int], Coroutine[None, None, None]]


def environment(base_url: str) -> dict[str, str]:
    """Groq at the stand-in, with limits that nothing here reaches."""
    return {**keyed(base_url), "DELEGATE_MCP_PROVIDERS__GROQ__LIMITS": ROOMY}


def through(client: Client) -> Call:
    """One call of a director."""

    async def call(number: int) -> None:
        result = await client.call_tool("delegate_quick", {"prompt": PROMPT.format(number)})
        first = result.content[0]
        text = first.text if isinstance(first, TextContent) else ""
        if result.is_error or not text.startswith(ANSWER):
            raise SystemExit(f"delegate_quick did not answer through the stand-in: {text}")

    return call


def directly(groq: AsyncGroq) -> Call:
    """The same question by the SDK alone, with the same ceiling, read to its end."""

    async def call(number: int) -> None:
        stream = await groq.chat.completions.create(
            model=FAST,
            messages=[{"role": "user", "content": PROMPT.format(number)}],
            stream=True,
            max_completion_tokens=MAX_TOKENS,
        )
        parts = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
        assert "".join(parts).startswith(ANSWER)

    return call


async def together(call: Call, number: int) -> float:
    """Seconds until the last of so many is done."""
    began = perf_counter()
    async with anyio.create_task_group() as tasks:
        for index in range(AT_ONCE):
            tasks.start_soon(call, number * AT_ONCE + index)
    return perf_counter() - began


async def alternate(calls: dict[str, Call], rounds: int) -> dict[str, list[float]]:
    """Rounds in turn; the first of each warms up and is not counted."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(rounds + 1):
        for name, call in calls.items():
            seconds = await together(call, number)
            if number:
                taken[name].append(seconds)
    return taken


async def over_stdio(base_url: str, home: Path, rounds: int) -> dict[str, list[float]]:
    """A server process, as a host keeps one."""
    command, env = ours(), clean_environment(home, environment(base_url))
    server = StdioServerParameters(command=command[0], args=[*command[1:]], env=env, cwd=home)
    async with Client(server) as client, AsyncGroq(api_key="bench", base_url=base_url, max_retries=0) as groq:
        return await alternate({"ours": through(client), "direct": directly(groq)}, rounds)


async def in_memory(base_url: str, rounds: int) -> dict[str, list[float]]:
    """Server and client in this process, for which the environment is set."""
    async with (
        AppHolder(open_app) as holder,
        Client(build_server(holder)) as client,
        AsyncGroq(api_key="bench", base_url=base_url, max_retries=0) as groq,
    ):
        return await alternate({"ours": through(client), "direct": directly(groq)}, rounds)


def in_memory_apart(base_url: str, home: Path, rounds: int) -> dict[str, list[float]]:
    """The same in a process whose environment is that of a new person."""
    command = [sys.executable, "-m", "bench.many_at_once", base_url, str(rounds)]
    env = {**clean_environment(home, environment(base_url)), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=env, cwd=home, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def figure(name: str, taken: dict[str, list[float]], pace: Pace, at_most: float | None = MOST_RATIO) -> Figure:
    """Medians in milliseconds."""
    ms = {who: [1000 * one for one in seconds] for who, seconds in taken.items()}
    slowest = ", ".join(f"{who} {min(values):.0f} to {max(values):.0f}" for who, values in ms.items())
    return Figure(
        name=name,
        unit="ms",
        ours=median(ms["ours"]),
        reference=median(ms["direct"]),
        reference_name="groq SDK, direct",
        judged="ratio",
        at_most=at_most,
        note=f"until the last of {AT_ONCE} is done; medians of {len(ms['ours'])} rounds each, alternating; answers of "
        f"{pace.chunks} tokens in {pace.first_token_s + pace.chunk_s * pace.chunks:.2f} s; {slowest} ms",
    )


def prepare(service: Remote, pace: Pace = PACE) -> None:
    """Limits that nothing here reaches, and that pace."""
    service.control({model: Limits() for model in MODELS}, pace)


def measure() -> list[Figure]:
    """Over stdio, where the server has its own process as always; with all in one process; with short answers."""
    with running() as service, tempfile.TemporaryDirectory() as home:
        prepare(service)
        stdio = anyio.run(over_stdio, service.base_url, Path(home), ROUNDS)
        inside = in_memory_apart(service.base_url, Path(home), ROUNDS)
        prepare(service, SHORT)
        short = anyio.run(over_stdio, service.base_url, Path(home), ROUNDS)
    return [
        figure(f"{AT_ONCE} calls at once, over stdio", stdio, PACE),
        figure(f"{AT_ONCE} calls at once, client and server in one process", inside, PACE),
        figure(f"for scale: {AT_ONCE} calls at once whose answers are {SHORT.chunks} tokens", short, SHORT, None),
    ]


if __name__ == "__main__":
    print(json.dumps(anyio.run(in_memory, sys.argv[1], int(sys.argv[2]))))
