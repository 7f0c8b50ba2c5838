"""`json_schema`: the director reads valid JSON or an error, whatever the model wrote first."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.fakes.person import become, connected, facts_of, read_json, text_of
from tests.fakes.services import Services, fails, says, services

SCHEMA = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
ASKED = {"prompt": "age?", "json_schema": SCHEMA}


@pytest.fixture
async def world() -> AsyncGenerator[Services]:
    async with services() as running:
        yield running


def first_line(text: str) -> str:
    return text.partition("\n")[0]


async def test_what_only_the_notation_is_wrong_of_is_mended_here_and_nobody_is_asked_again(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.groq_env)
    world.groq.answers = [says("Sure:\n{'age': 7, /* years */}")]
    async with connected() as host:
        result = await host.call_tool("delegate_quick", ASKED)
    assert first_line(text_of(result)) == '{"age":7}'
    assert len(world.groq.bodies) == 1


async def test_an_answer_that_misses_the_schema_goes_back_to_its_model_with_what_is_wrong(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.groq_env, **world.ollama_env)
    world.groq.answers = [says('{"years": 7}'), says('{"age": 7}')]
    async with connected() as host:
        result = await host.call_tool("delegate_quick", ASKED)
        budget = await read_json(host, "budget://current")
    assert first_line(text_of(result)) == '{"age":7}'
    assert world.ollama.bodies == []
    assert len({body["model"] for body in world.groq.bodies}) == 1
    *_, said, told = world.groq.bodies[1]["messages"]
    assert (said["role"], said["content"]) == ("assistant", '{"years": 7}')
    assert "Your answer cannot be used: $ lacks age." in told["content"]
    # The answer that could not be used has cost what it cost.
    facts = facts_of(result)
    assert [(row["outcome"], row["error_kind"]) for row in facts["attempts"]] == [
        ("failed", "bad_answer"),
        ("ok", None),
    ]
    assert facts["usage"] == {"input_tokens": 24, "output_tokens": 14, "cache_read_tokens": 0}
    (used,) = [row["today"] for row in budget["providers"]["groq"]["models"].values() if "today" in row]
    assert used == {"requests": 2, "tokens": 38}


async def test_it_is_asked_for_again_twice_and_the_second_time_of_another_model(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.groq_env, **world.ollama_env)
    world.groq.answers = world.ollama.answers = [says('{"age": "old"}')]
    async with connected() as host:
        result = await host.call_tool("delegate_quick", ASKED)
    assert result.is_error
    assert "old" not in text_of(result)
    assert text_of(result).count("bad answer") == 3
    assert [row["provider"] for row in facts_of(result)["attempts"]] == ["groq", "groq", "ollama"]


async def test_what_was_cut_is_never_completed_here_and_another_model_is_asked_first(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.groq_env, **world.ollama_env)
    world.groq.answers = [says("{'age': 7}", finish="length")]
    world.ollama.answers = [says('{"age": 8}')]
    async with connected() as host:
        result = await host.call_tool("delegate_quick", ASKED)
    assert first_line(text_of(result)) == '{"age":8}'
    assert len(world.groq.bodies) == 1
    assert "Write less of it" in world.ollama.last_prompt


async def test_a_private_answer_is_asked_for_again_on_this_machine_alone(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.groq_env, **world.ollama_env)
    world.ollama.answers = [says("seven")]
    async with connected() as host:
        result = await host.call_tool("delegate_private", ASKED)
    assert result.is_error
    assert len(world.ollama.bodies) == 3
    assert world.groq.bodies == []


async def test_a_service_that_is_down_still_leads_to_the_next_model(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.groq_env, **world.ollama_env)
    world.groq.answers = [fails(401, "Invalid API Key", "invalid_api_key")]
    world.ollama.answers = [says("no json"), says('{"age": 9}')]
    async with connected() as host:
        result = await host.call_tool("delegate_quick", ASKED)
    assert first_line(text_of(result)) == '{"age":9}'
    assert [row["error_kind"] for row in facts_of(result)["attempts"]] == ["auth", "bad_answer", None]


async def test_a_schema_that_refers_to_the_network_is_refused_and_nothing_is_fetched(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.groq_env)
    schema = {"$ref": f"{world.url}/groq/schema.json"}
    async with connected() as host:
        result = await host.call_tool("delegate_quick", ASKED | {"json_schema": schema})
    assert result.is_error
    assert "nothing is fetched" in text_of(result)
    assert world.groq.bodies == []
