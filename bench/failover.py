"""How long it takes from a candidate's failure to the next candidate's request on the wire, seen at the stand-ins.

Where a failed candidate is asked once more, it counts from its last failure.
"""

import asyncio
import socket
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import anyio

from bench.fault_walk import DEADLINE_S, KEYS, Served, World, variable
from bench.figure import Figure
from tests.fakes.faults.dialects import DIALECTS
from tests.fakes.faults.kinds import BY_NAME, Fault
from tests.fakes.faults.refusals import REFUSALS
from tests.fakes.faults.stand_in import FaultyService, faulty
from tests.fakes.faults.wire import Wire
from tests.fakes.services import services

FIRST = "mistral"
ROUNDS = 30
MOST_FAILOVER_MS = 20.0
MOST_TRIES = 200


class NotingLoop(asyncio.SelectorEventLoop):
    """An event loop that notes when a connection was refused: no stand-in is there to see it."""

    def __init__(self) -> None:
        super().__init__()
        self.refused_at: list[float] = []

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        """Connect, as any loop does."""
        try:
            await super().sock_connect(sock, address)
        except ConnectionRefusedError:
            self.refused_at.append(time.perf_counter())
            raise


async def failovers(folder: Path, rounds: int) -> dict[str, list[float]]:
    """Milliseconds from the last failure of a candidate to the arrival of the next one's request."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, NotingLoop)
    healthy = Fault("answers", "no fault at all", None, _with_room)
    taken: dict[str, list[float]] = {}
    async with (
        services() as services_,
        faulty(healthy, DIALECTS[FIRST]) as first,
        faulty(healthy, DIALECTS["llama-server"]) as second,
        World(folder, services_).server(
            first.dialect.model_id,
            DEADLINE_S,
            limited=False,
            **{variable(FIRST, "BASE_URL"): first.base_url, KEYS[FIRST]: "made-up"},
            **{variable("llama-server", "BASE_URL"): second.base_url},
        ) as served,
    ):
        await _until_answered(served, first)
        for name, fault in FAILOVERS.items():
            for _ in range(rounds):
                first.play = fault.play
                if fault.reached == "closed":
                    await first.go_dark()
                ended = await served.ask()
                last = loop.refused_at[-1] if fault.reached == "closed" else first.failed[-1]
                if ended.attempts(FIRST)[:1] != (fault.expected(FIRST),) or ended.how(FIRST) != "fallback":
                    raise SystemExit(f"{name} did not fail over, so there is nothing to measure: {ended.text}")
                taken.setdefault(name, []).append((second.asked[-1] - last) * 1000)
                first.play = _with_room
                if fault.reached == "closed":
                    await first.listen()
                await _until_answered(served, first)
    return taken


async def _until_answered(served: Served, service: FaultyService) -> None:
    """Ask until the first candidate has answered again: what it did wrong is forgotten then."""
    for _ in range(MOST_TRIES):
        if (await served.ask()).how(service.dialect.backend) == "answer":
            return
        await anyio.sleep(COOL_S)
    raise SystemExit("the failed candidate is not asked again, so there is nothing to measure")


async def _with_room(wire: Wire) -> None:
    """An answer that tells limits which no run reaches."""
    await wire.open_stream({f"x-ratelimit-limit-{what}-minute": "10000000" for what in ("req", "tokens")})
    await wire.word("the answer")
    await wire.finish()
    await wire.close_stream()


async def _soon_again(wire: Wire) -> None:
    """A refusal that is over at once, so that the next round can begin."""
    refusal = REFUSALS["minute_429"][FIRST]
    await wire.respond(429, refusal.body, {"retry-after": str(COOL_S)})


COOL_S = 0.05
FAILOVERS = {
    "a 429": replace(BY_NAME["minute_429"], play=_soon_again),
    "a 500": BY_NAME["error_500"],
    "a refused connection": BY_NAME["refused"],
}


def measure() -> list[Figure]:
    """One figure for each way to fail; takes about half a minute."""
    with tempfile.TemporaryDirectory() as folder:
        taken = anyio.run(failovers, Path(folder), ROUNDS, backend_options={"loop_factory": NotingLoop})
    return [
        Figure(
            name=f"from {name} to the next candidate's request",
            unit="ms",
            ours=median(values),
            at_most=MOST_FAILOVER_MS,
            note=f"median of {len(values)}; slowest {max(values):.1f} ms",
        )
        for name, values in taken.items()
    ]
