"""Every kind of fault against every backend, and a host's cancel in the middle of them: how all of it ends.

`fault_walk` walks one of them, `tests/fakes/faults` plays them, `docs/failure.md` shows what they lead to.
"""

import logging
import sys
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from statistics import median

import anyio

from bench.fault_walk import Cell, World, walk_cli, walk_http
from bench.figure import Figure
from tests.fakes.faults.cli import BACKEND as CLI
from tests.fakes.faults.cli import CLI_FAULTS, CliFault
from tests.fakes.faults.dialects import DIALECTS
from tests.fakes.faults.kinds import BY_NAME, FAULTS, Fault
from tests.fakes.services import services

BACKENDS = (*DIALECTS, CLI)
AT_ONCE = 24
"""Cells that are walked side by side."""
MOST_OVER_MS = 250.0
MOST_CANCEL_MS = 2_000.0


@asynccontextmanager
async def opened(folder: Path) -> AsyncGenerator[World]:
    """The world of a walk, with what is loaded at first use loaded."""
    async with services() as healthy:
        world = World(folder, healthy)
        for dialect in DIALECTS.values():
            await walk_http(world, Fault("answers", "no fault at all", None), dialect)
        yield world


async def walk(world: World, backend: str) -> list[Cell]:
    """Every kind that this backend can have, side by side."""
    cells: list[Cell] = []
    places = anyio.Semaphore(AT_ONCE)

    async def one(fault: Fault | CliFault) -> None:
        async with places:
            cell = walk_cli(world, fault) if isinstance(fault, CliFault) else walk_http(world, fault, DIALECTS[backend])
            cells.append(await cell)

    asked = CLI_FAULTS if backend == CLI else [fault for fault in FAULTS if backend not in fault.not_on]
    async with anyio.create_task_group() as tasks:
        for fault in sorted(asked, key=lambda fault: not fault.waits):  # what waits begins first
            tasks.start_soon(one, fault)
    return cells


CANCELLED = (
    "hang",
    "hang_in_headers",
    "hang_after_headers",
    "hang_mid_stream",
    "drip_tokens",
    "https_to_silence",
)
"""Faults in the middle of which a host takes its call back."""


async def cancel_all(world: World) -> list[Cell]:
    """A host's cancel in the middle of each silence, at every backend."""
    faults = [(BY_NAME[name], dialect) for name in CANCELLED for dialect in DIALECTS.values()]
    cells = [
        await walk_http(world, fault, dialect, cancel=True)
        for fault, dialect in faults
        if dialect.backend not in fault.not_on
    ]
    return cells + [await walk_cli(world, fault, cancel=True) for fault in CLI_FAULTS if fault.lasts]


def open_sockets() -> int:
    """How many sockets this process holds; 0 where the system does not say."""
    count = 0
    for entry in Path("/proc/self/fd").iterdir() if sys.platform == "linux" else ():
        with suppress(FileNotFoundError):  # the listing's own
            count += str(entry.readlink()).startswith("socket:")
    return count


async def walk_all(folder: Path) -> tuple[list[Cell], list[Cell]]:
    """Every kind at every backend, and the cancels."""
    cells: list[Cell] = []
    async with opened(folder) as world:
        for backend in BACKENDS:
            print(f"  {backend} ...", file=sys.stderr, flush=True)
            cells += await walk(world, backend)
        return cells, await cancel_all(world)


def matrix(cells: Sequence[Cell]) -> str:
    """Kinds by backends as a table: what was recorded of the first attempt, and with what the call ended."""
    by_place = {(cell.fault, cell.backend): cell for cell in cells}
    names = list(dict.fromkeys(fault.name for fault in (*FAULTS, *CLI_FAULTS)))
    rows = [["fault", *BACKENDS]]
    rows += [[name, *(_shown(by_place.get((name, backend))) for backend in BACKENDS)] for name in names]
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in rows)


def _shown(cell: Cell | None) -> str:
    if cell is None:
        return "-"
    recorded = cell.kinds[0] if cell.kinds else "passed over"
    wrong = "" if cell.as_expected and not cell.leaks else " (!)"
    return f"{recorded} > {cell.ended}{wrong}"


def cancel_figures(cells: Sequence[Cell]) -> list[Figure]:
    """What the cancels show."""
    slowest = max(cells, key=lambda cell: cell.seconds)
    leaking = [f"{cell.fault} at {cell.backend}" for cell in cells if cell.leaks]
    return [
        Figure(
            name="cancels: slowest end of a call that its host took back",
            unit="ms",
            ours=slowest.seconds * 1000 if all(cell.ended == "cancelled" for cell in cells) else float("inf"),
            at_most=MOST_CANCEL_MS,
            note=f"{slowest.fault} at {slowest.backend}; median {median(cell.seconds for cell in cells) * 1000:.1f} ms "
            f"of {len(cells)}",
        ),
        Figure(
            name="cancels: reservations, sockets and processes left behind",
            unit="",
            ours=sum(cell.leaks for cell in cells),
            at_most=0,
            note=", ".join(leaking),
        ),
    ]


def figures_of(cells: Sequence[Cell]) -> list[Figure]:
    """What the walk shows."""
    kinds = len({cell.fault for cell in cells})
    worst = max(cells, key=lambda cell: cell.over_s)
    ends = ", ".join(f"{sum(c.ended == how for c in cells)} {how}s" for how in ("answer", "fallback", "error"))
    return [
        Figure(
            name="faults: calls that ended in no answer and no typed error",
            unit="",
            ours=sum(not cell.well for cell in cells),
            at_most=0,
            note=f"{kinds} kinds of fault at {len(BACKENDS)} backends, {len(cells)} calls: {ends}",
        ),
        Figure(
            name="faults: reservations, sockets and processes left behind",
            unit="",
            ours=sum(cell.leaks for cell in cells),
            at_most=0,
        ),
        Figure(
            name="faults: ended or recorded otherwise than docs/failure.md says",
            unit="",
            ours=sum(not cell.as_expected for cell in cells),
            at_most=0,
        ),
        Figure(
            name="faults: worst end past the deadline",
            unit="ms",
            ours=max(0.0, worst.over_s * 1000),
            at_most=MOST_OVER_MS,
            note=f"{worst.fault} at {worst.backend}",
        ),
    ]


def measure() -> list[Figure]:
    """Walk all of it; takes about a minute."""
    logging.basicConfig(level=logging.CRITICAL)  # a failure that is expected here is told in the table
    with tempfile.TemporaryDirectory() as folder:
        cells, cancelled = anyio.run(walk_all, Path(folder))
    print(matrix(cells))
    return [*figures_of(cells), *cancel_figures(cancelled)]
