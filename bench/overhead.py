"""What a call through us costs in time beyond the direct SDK call to the same service.

One client session over stdio, kept open as a host keeps it, against the groq SDK called in this process; both ask the
same stand-in. A bare server's round trip is shown for scale: it is what any MCP tool costs.
"""

import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter

import anyio
from groq import AsyncGroq
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, TextContent

from bench import stand_in, wire
from bench.figure import Figure
from bench.raw_stdio import BARE, clean_environment, ours

MOST_ADDED_MS = 5.0
BLOCKS = 12
CALLS_A_BLOCK = 20
MODEL = stand_in.MODELS[0]
PROMPT = "In one short sentence: what does the number {} have to do with it?"

Call = Callable[[int], Awaitable[None]]


def keyed(base_url: str) -> dict[str, str]:
    """The environment with which a server finds the stand-in as Groq, and nothing else."""
    return {
        "GROQ_API_KEY": "bench",
        "DELEGATE_MCP_PROVIDERS__GROQ__BASE_URL": base_url,
        # Hundreds of calls in seconds are more than the free tier of the catalog has room for.
        "DELEGATE_MCP_PROVIDERS__GROQ__LIMITS": '[{"metric": "requests", "period": "minute", "limit": 1000000}]',
    }


def answered_by_stand_in(result: CallToolResult) -> str:
    """The reply's text. A call that ended elsewhere would be measured for nothing: it stops the run."""
    first = result.content[0]
    text = first.text if isinstance(first, TextContent) else ""
    if result.is_error or wire.ANSWER not in text:
        raise SystemExit(f"delegate_quick did not answer through the stand-in, so there is nothing to measure: {text}")
    return text


async def _ignore(progress: float, total: float | None, message: str | None) -> None:
    """A host that asks for progress and shows none of it."""
    del progress, total, message


async def _connect(stack: AsyncExitStack, command: tuple[str, ...], home: Path, extra: dict[str, str]) -> Client:
    server = StdioServerParameters(
        command=command[0], args=[*command[1:]], env=clean_environment(home, extra), cwd=home
    )
    return await stack.enter_async_context(Client(server))


async def _time(calls: dict[str, Call]) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {name: [] for name in calls}
    number = 0
    for block in range(BLOCKS + 1):
        for name, call in calls.items():
            for _ in range(CALLS_A_BLOCK):
                number += 1
                began = perf_counter()
                await call(number)
                if block:  # the first block warms connections and lazy imports
                    taken[name].append((perf_counter() - began) * 1000)
    return taken


async def _measure(base_url: str, home: Path) -> dict[str, list[float]]:
    async with AsyncExitStack() as stack:
        server = await _connect(stack, ours(), home, keyed(base_url))
        bare = await _connect(stack, BARE, home, {})
        groq = await stack.enter_async_context(AsyncGroq(api_key="bench", base_url=base_url, max_retries=0))

        async def through_us(number: int) -> None:
            answered_by_stand_in(await server.call_tool("delegate_quick", {"prompt": PROMPT.format(number)}))

        async def with_progress(number: int) -> None:
            arguments = {"prompt": PROMPT.format(number)}
            answered_by_stand_in(await server.call_tool("delegate_quick", arguments, progress_callback=_ignore))

        async def direct(number: int) -> None:
            stream = await groq.chat.completions.create(
                model=MODEL, messages=[{"role": "user", "content": PROMPT.format(number)}], stream=True
            )
            parts = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
            assert "".join(parts) == wire.ANSWER

        async def bare_trip(number: int) -> None:
            await bare.call_tool("echo", {"text": PROMPT.format(number)})

        return await _time({"ours": through_us, "direct": direct, "bare": bare_trip, "progress": with_progress})


def measure() -> list[Figure]:
    """Medians over the same minute, in alternating blocks."""
    with stand_in.running() as base_url, tempfile.TemporaryDirectory() as folder:
        taken = anyio.run(_measure, base_url, Path(folder))
    medians = {name: median(values) for name, values in taken.items()}
    slowest = {name: quantiles(values, n=20)[-1] for name, values in taken.items()}
    added = Figure(
        name="delegate_quick call",
        unit="ms",
        ours=medians["ours"],
        reference=medians["direct"],
        reference_name="groq SDK, direct",
        judged="difference",
        at_most=MOST_ADDED_MS,
        note=f"medians of {BLOCKS * CALLS_A_BLOCK} calls each, in alternating blocks, over stdio; "
        f"95th percentile {slowest['ours']:.2f} and {slowest['direct']:.2f} ms",
    )
    return [
        added,
        Figure(
            name="the same with progress asked for",
            unit="ms",
            ours=medians["progress"],
            reference=medians["direct"],
            reference_name="groq SDK, direct",
            judged="difference",
        ),
        Figure(name="for scale: a bare server's echo", unit="ms", ours=medians["bare"]),
    ]
