"""Lists of models where the clock was ahead for a while, and was set back."""

from pathlib import Path

import pytest

from delegate_mcp.domain.errors import ProviderError
from delegate_mcp.domain.model_id import ModelId
from tests.discovery.test_lists import DAY, World

GONE = ModelId("groq", "qwen/qwen3.8-27b")
"""Of the catalog, and not in the list that groq has here."""


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def buried(world: World) -> bool:
    """Whether the list is believed, in a process that runs since before."""
    return GONE in {grave.model_id for grave in (await world.process("groq").found(world.there)).gone}


@pytest.mark.parametrize("jump", [DAY / 24, 365 * DAY])
async def test_a_service_that_fails_is_asked_less_and_less_often_after_a_clock_was_set_back(
    world: World, jump: float
) -> None:
    world.time.at += jump
    await world.process("groq").refresh(world.there)
    world.time.at -= jump
    world.offers["groq"] = ProviderError.network("it is away")
    lists = world.process("groq")
    assert lists.next_at("groq") <= world.time.at
    for _ in range(60):
        await lists.refresh(world.there)
        world.time.at += 60
    assert 4 <= len(world.asked) <= 6  # at 0, 5, 15 and 35 minutes
    assert await buried(world)  # what was known is believed all the while
    world.time.at += 8 * DAY
    assert not await buried(world)  # and no longer than any list


async def test_a_jump_ahead_and_back_loses_no_list_of_a_process_that_runs(world: World) -> None:
    lists = world.process("groq")
    await lists.refresh(world.there)

    async def found() -> bool:
        return GONE in {grave.model_id for grave in (await lists.found(world.there)).gone}

    assert await found()
    world.time.at += 365 * DAY
    assert not await found()
    world.time.at -= 365 * DAY
    assert await found()
