"""A host that takes its call back in the middle of a fault: nothing of the call is left."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bench import faults
from bench.fault_walk import World, walk_cli, walk_http
from tests.fakes.faults.cli import CLI_BY_NAME
from tests.fakes.faults.dialects import DIALECTS
from tests.fakes.faults.kinds import BY_NAME
from tests.fakes.services import services

pytestmark = pytest.mark.faults

BACKENDS = ("groq", "gemini", "openrouter", "llama-server")
PLACES = [(name, backend) for name in faults.CANCELLED for backend in BACKENDS if backend not in BY_NAME[name].not_on]

# A call that is not taken back waits for four times as long; `make bench` asks for two seconds.
MOST_S = 5.0


@pytest.fixture
async def world(tmp_path: Path) -> AsyncGenerator[World]:
    async with services() as healthy:
        yield World(tmp_path, healthy)


@pytest.mark.parametrize(("name", "backend"), PLACES)
async def test_a_cancel_closes_the_connection_and_releases_the_reservation(
    name: str, backend: str, world: World
) -> None:
    cell = await walk_http(world, BY_NAME[name], DIALECTS[backend], cancel=True)
    assert (cell.ended, cell.leaks) == ("cancelled", 0), cell
    assert cell.seconds < MOST_S


@pytest.mark.parametrize("name", ["hangs", "ignores_term"])
async def test_a_cancel_ends_the_cli_and_its_children(name: str, world: World) -> None:
    cell = await walk_cli(world, CLI_BY_NAME[name], cancel=True)
    assert (cell.ended, cell.leaks) == ("cancelled", 0), cell
    assert cell.seconds < MOST_S
