"""What is found out before a call's candidates are asked, as a director and the services meet it."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from delegate_mcp import open_app
from delegate_mcp.routing.asking import UNSURE_BELOW
from delegate_mcp.routing.classifier import classify
from tests.fakes.person import become, connected, facts_of, text_of
from tests.fakes.services import Services, fails, says, services

READS_FIRST = """
[execution]
candidates = ["groq-large"]
gather = { use = "ollama:qwen3:14b", over_tokens = 500, max_output_tokens = 256 }
floor = 0
"""
VOTES = """
[tasks]
candidates = ["groq-fast", "local-general"]
votes = 2
floor = 0
"""
CODE = "\n".join(f"def door_{number}() -> int: return {number}" for number in range(300))
VAGUE = "hmm, the thing with the boxes from before"


@pytest.fixture
async def world() -> AsyncGenerator[Services]:
    async with services() as running:
        yield running


def a_person(world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rules: str = "", **more: str) -> Path:
    local = world.ollama_env if rules else {}
    project = become(tmp_path, monkeypatch, **world.groq_env, **local, **more)
    (project / "doors.py").write_text(CODE, encoding="utf-8")
    if rules:
        own = tmp_path / "rules.toml"
        own.write_text(rules, encoding="utf-8")
        monkeypatch.setenv("DELEGATE_MCP_RULES", str(own))
    return project


def asked_for(body: dict[str, Any]) -> str:
    return body["messages"][-1]["content"]


async def test_a_reader_condenses_the_files_and_who_answers_sees_its_notes(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_person(world, tmp_path, monkeypatch, READS_FIRST)
    world.ollama.answers = [says("doors.py: door_7() returns 7")]
    world.groq.answers = [says("It returns 7.")]
    async with connected() as host:
        result = await host.call_tool(
            "delegate", {"prompt": "What does door_7 return?", "task_type": "execution", "files": ["doors.py"]}
        )
    assert "def door_299()" in asked_for(world.ollama.bodies[0])
    assert "Do not do the task" in asked_for(world.ollama.bodies[0])
    told = asked_for(world.groq.bodies[0])
    assert "doors.py: door_7() returns 7" in told
    assert told.endswith("What does door_7 return?")
    assert "def door_299()" not in told
    assert text_of(result).startswith("It returns 7.")
    assert "condensed by qwen3" in text_of(result)
    assert "fallback" not in text_of(result)
    facts = facts_of(result)
    assert [attempt["provider"] for attempt in facts["attempts"]] == ["ollama", "groq"]
    assert [file["path"] for file in facts["files"]] == ["doors.py"]


async def test_where_nobody_can_read_first_the_files_go_as_they_are_and_it_is_said(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_person(world, tmp_path, monkeypatch, READS_FIRST)
    world.ollama.answers = [fails(500, "the model runner has crashed")]
    async with connected() as host:
        result = await host.call_tool(
            "delegate", {"prompt": "What does door_7 return?", "task_type": "execution", "files": ["doors.py"]}
        )
    assert "def door_299()" in asked_for(world.groq.bodies[0])
    assert any(note.startswith("not condensed") for note in facts_of(result)["notes"])


async def test_little_to_read_is_read_by_who_answers(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_person(world, tmp_path, monkeypatch, READS_FIRST)
    async with connected() as host:
        await host.call_tool("delegate", {"prompt": "Name a door.", "task_type": "execution"})
    assert not world.ollama.bodies
    assert len(world.groq.bodies) == 1


async def test_a_rule_may_want_several_models_to_answer(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_person(world, tmp_path, monkeypatch, VOTES)
    world.groq.answers = world.ollama.answers = [says("ANSWER: 42")]
    async with connected() as host:
        result = await host.call_tool("delegate", {"prompt": "6 times 7?", "task_type": "tasks"})
    assert len(world.groq.bodies) == len(world.ollama.bodies) == 1
    assert facts_of(result)["votes"] == "2 of 2 agree."


async def test_where_the_signs_are_unsure_a_model_is_asked_once_and_remembered(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert classify(VAGUE).confidence < UNSURE_BELOW
    a_person(world, tmp_path, monkeypatch, DELEGATE_MCP_ROUTING__CLASSIFY="unsure", DELEGATE_MCP_CACHE__DAYS="0")
    world.groq.answers = [says("rewriting"), says("Boxes."), says("Boxes again.")]
    async with connected() as host:
        first = await host.call_tool("delegate", {"prompt": VAGUE})
        second = await host.call_tool("delegate", {"prompt": VAGUE})
    assert "Which kind of work" in asked_for(world.groq.bodies[0])
    assert [facts_of(one)["route"]["task_type"] for one in (first, second)] == ["rewriting", "rewriting"]
    assert "a model said so" in facts_of(first)["route"]["reason"]
    assert len(world.groq.bodies) == 3  # the second call did not ask again what it is


async def test_a_word_of_no_use_leaves_the_signs_to_decide(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_person(world, tmp_path, monkeypatch, DELEGATE_MCP_ROUTING__CLASSIFY="always")
    world.groq.answers = [says("I would call it private, or maybe a poem."), says("Boxes.")]
    async with connected() as host:
        result = await host.call_tool("delegate", {"prompt": VAGUE})
    assert facts_of(result)["route"]["task_type"] == classify(VAGUE).task_type
    assert text_of(result).startswith("Boxes.")


async def test_nobody_is_asked_by_default(world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_person(world, tmp_path, monkeypatch)
    async with connected() as host:
        await host.call_tool("delegate", {"prompt": VAGUE})
    assert all("Which kind of work" not in asked_for(body) for body in world.groq.bodies)


async def test_the_ledger_has_the_call_as_the_kind_that_was_found(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_person(world, tmp_path, monkeypatch, DELEGATE_MCP_ROUTING__CLASSIFY="always")
    world.groq.answers = [says("decomposition"), says("Boxes.")]
    async with connected() as host:
        await host.call_tool("delegate", {"prompt": VAGUE})
    async with open_app() as app:
        (row,) = await app.app.ledger.recent_calls(5)
    assert row.task_type == "decomposition"
