"""How much of an answer the director reads: by call, by tool, and the rest by delegate_result."""

import re
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from delegate_mcp.config.settings import ToolName
from delegate_mcp.domain.usage import estimate_tokens
from delegate_mcp.tools import TOOLS
from tests.fakes.person import become, connected, facts_of, text_of
from tests.fakes.services import Services, says, services

LONG = "\n\n".join(f"Paragraph {number} says something of its own." for number in range(400))


@pytest.fixture
async def world() -> AsyncGenerator[Services]:
    async with services() as running:
        running.groq.answers = [says(LONG)]
        yield running


def size(text: str) -> int:
    return estimate_tokens(re.sub(r"\n\n\[[^\]\n]+\]$", "", text))


async def test_a_call_says_how_much_it_wants_to_read_and_the_rest_is_kept(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.groq_env)
    async with connected() as host:
        result = await host.call_tool("delegate_quick", {"prompt": "tell all", "max_result_tokens": 60})
        call_id = facts_of(result)["call_id"]
        found = re.search(r" cut (\d+)/(\d+)", text_of(result))
        assert found is not None
        rest = await host.call_tool("delegate_result", {"call_id": call_id, "offset": int(found[1])})
    assert size(text_of(result)) <= 60
    assert int(found[2]) == len(LONG)
    assert text_of(rest).startswith(LONG[int(found[1]) :][:200])


async def test_the_settings_say_it_by_tool_and_the_call_has_the_last_word(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.groq_env, DELEGATE_MCP_RESULTS__BY_TOOL='{"delegate_quick": 100}')
    async with connected() as host:
        quick = await host.call_tool("delegate_quick", {"prompt": "tell all"})
        more = await host.call_tool("delegate_quick", {"prompt": "tell all", "max_result_tokens": 500})
        other = await host.call_tool("delegate", {"prompt": "tell all", "task_type": "quick"})
    assert size(text_of(quick)) <= 100
    assert 300 < size(text_of(more)) <= 500
    assert 1_000 < size(text_of(other)) <= 2_000


@pytest.mark.parametrize("tokens", [0, 19, 100_001])
async def test_a_size_that_makes_no_sense_is_an_error(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tokens: int
) -> None:
    become(tmp_path, monkeypatch, **world.groq_env)
    async with connected() as host:
        result = await host.call_tool("delegate_quick", {"prompt": "x", "max_result_tokens": tokens})
    assert result.is_error
    assert world.groq.bodies == []


async def test_a_tool_that_does_not_exist_is_a_typo_of_the_settings(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.groq_env, DELEGATE_MCP_RESULTS__BY_TOOL='{"delegate_quik": 100}')
    async with connected() as host:
        result = await host.call_tool("delegate_quick", {"prompt": "x"})
    assert result.is_error
    assert "delegate_quik" in text_of(result)


def test_every_tool_can_be_named_in_the_settings() -> None:
    assert {*ToolName.__args__} == {row.run.__name__ for row in TOOLS} | {"ask"}
