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

# httpcore 1.0.9 leaves the socket of a TLS handshake that is cancelled to the garbage collector: `make bench` shows it.
NAMES = [name for name in faults.CANCELLED if name != "https_to_silence"]

# What the issue grants a cancel; a call waits for far longer.
MOST_S = 2.0


@pytest.fixture
async def world(tmp_path: Path) -> AsyncGenerator[World]:
    async with services() as healthy:
        yield World(tmp_path, healthy)


@pytest.mark.parametrize("backend", ["groq", "gemini", "openrouter", "llama-server"])
@pytest.mark.parametrize("name", NAMES)
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
