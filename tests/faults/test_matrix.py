"""Every kind of fault at every backend, through a whole server: `bench/fault_walk.py` walks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import faults
from bench.fault_walk import Cell
from tests.fakes.faults.cli import BACKEND as CLI
from tests.fakes.faults.cli import CLI_FAULTS
from tests.fakes.faults.dialects import DIALECTS
from tests.fakes.faults.kinds import FAULTS

pytestmark = pytest.mark.faults

# On a machine that is busy with something else a timer may be late; a hang would be ten seconds late. `make bench` asks
# for a quarter of a second.
LATE_S = 5.0


def wrongs(cells: list[Cell]) -> Iterator[str]:
    for cell in cells:
        where = f"{cell.fault} at {cell.backend}"
        recorded = ", ".join(cell.kinds) or "nothing"
        if not cell.as_expected:
            yield f"{where}: {recorded} was recorded, the call ended in: {cell.ended} ({cell.told[:300]!r})"
        if cell.over_s > LATE_S:
            yield f"{where}: ended {cell.over_s:.2f} s past its deadline"
        if cell.leaks:
            yield f"{where}: left {cell.reserved} reserved, {cell.sockets} sockets, {cell.processes} processes"


@pytest.mark.parametrize("backend", [*DIALECTS, CLI])
async def test_every_fault_ends_in_time_as_the_table_says_and_leaves_nothing_behind(
    backend: str, tmp_path: Path
) -> None:
    async with faults.opened(tmp_path) as world:
        before = faults.open_sockets()
        cells = await faults.walk(world, backend)
        after = faults.open_sockets()
    assert not [*wrongs(cells)]
    assert after <= before


def test_the_matrix_holds_all_that_was_promised() -> None:
    assert len(FAULTS) + len(CLI_FAULTS) >= 25
    names = [fault.name for fault in FAULTS]
    assert len(set(names)) == len(names)
    for dialect in DIALECTS.values():
        assert sum(dialect.backend not in fault.not_on for fault in FAULTS) >= 25
