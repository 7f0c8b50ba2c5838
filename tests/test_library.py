"""The library: the same path as the tools, from a Python program."""

from collections.abc import AsyncGenerator
from decimal import Decimal
from pathlib import Path

import anyio
import pytest

import delegate_mcp
from delegate_mcp import open_app
from delegate_mcp.domain.errors import AllAttemptsFailedError, InputError, NoCandidateError
from tests.fakes.person import become
from tests.fakes.services import Services, Slow, fails, says, services

GROQ, OLLAMA = "groq:openai/gpt-oss-20b", "ollama:qwen3:14b"


@pytest.fixture
async def world() -> AsyncGenerator[Services]:
    async with services() as running:
        yield running


async def test_a_prompt_is_answered_with_its_facts(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.groq_env)
    world.groq.answers = [says("Paris.")]
    async with open_app() as app:
        answer = await app.delegate("Capital of France?", task_type="quick")
        budget = await app.budget()
    assert (answer.text, answer.model, answer.tier, answer.task_type) == ("Paris.", GROQ, "free", "quick")
    assert answer.usage.input_tokens == 12
    assert answer.cost_usd == Decimal(0)
    assert budget["connection"]["calls"] == 1


async def test_files_save_to_and_schema_go_the_way_of_the_tools(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = become(tmp_path, monkeypatch, **world.groq_env)
    (project / "notes.txt").write_text("the river is the Ebro", encoding="utf-8")
    world.groq.answers = [says('Here: {"river": "Ebro"}')]
    schema = {"type": "object", "properties": {"river": {"type": "string"}}, "required": ["river"]}
    async with open_app() as app:
        answer = await app.delegate(
            "Which river?", files=[Path("notes.txt")], json_schema=schema, save_to=Path("river.json")
        )
    assert "the river is the Ebro" in str(world.groq.bodies[0])
    assert answer.text == '{"river":"Ebro"}'
    assert answer.saved_to == project / "river.json"
    assert (project / "river.json").read_text(encoding="utf-8").strip() == '{"river":"Ebro"}'


async def test_a_plan_asks_nobody(world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    become(tmp_path, monkeypatch, **world.groq_env)
    async with open_app() as app:
        plan = await app.plan("Capital of France?", task_type="quick")
        best = await app.recommend("coding")
    assert str(plan.candidates[0].model_id) == GROQ
    assert best["task_type"] == "coding"
    assert best["top"]
    assert not world.groq.bodies


async def test_the_primary_leads_and_a_backup_knows_all_turns(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.groq_env, **world.ollama_env)
    world.groq.answers = [says("One."), fails(500, "internal error"), fails(500, "internal error"), says("Three.")]
    world.ollama.answers = [says("Two.")]
    async with open_app() as app:
        session = app.orchestrate(GROQ, OLLAMA)
        first = await session.ask("Count: one")
        second = await session.ask("Go on")
        assert session.model == OLLAMA
        third = await session.ask("And on")
    assert [answer.text for answer in (first, second, third)] == ["One.", "Two.", "Three."]
    assert session.model == GROQ
    assert [message["content"] for message in world.groq.bodies[-1]["messages"][1:]] == [
        "Count: one",
        "One.",
        "Go on",
        "Two.",
        "And on",
    ]


async def test_where_no_model_of_a_session_answers_all_failures_are_told_and_the_thread_stays(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.groq_env, **world.ollama_env)
    world.groq.answers = [says("One."), fails(401, "Invalid API Key", "invalid_api_key")]
    world.ollama.answers = [fails(500, "the model runner has crashed")]
    async with open_app() as app:
        session = app.orchestrate(GROQ, OLLAMA)
        first = await session.ask("Count: one")
        with pytest.raises(AllAttemptsFailedError) as failed:
            await session.ask("Go on")
    assert [attempt.number for attempt in failed.value.attempts] == [1, 2, 3]
    assert {attempt.model_id.provider for attempt in failed.value.attempts} == {"groq", "ollama"}
    assert session.thread == first.call_id


async def test_a_session_of_models_that_nobody_set_up_says_why_of_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch)
    async with open_app() as app:
        with pytest.raises(NoCandidateError) as failed:
            await app.orchestrate(GROQ, "gemini:gemini-3.8-flash").ask("hello")
    assert [passed.model for passed in failed.value.passed_over] == [GROQ, "gemini:gemini-3.8-flash"]


async def test_an_unusable_request_is_an_input_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    become(tmp_path, monkeypatch)
    async with open_app() as app:
        with pytest.raises(InputError, match="task type"):
            await app.delegate("hello", task_type="cookery")


async def test_cancelling_a_delegation_ends_the_call(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.groq_env)
    slow = Slow()
    world.groq.answers = [slow]
    async with open_app() as app:
        async with anyio.create_task_group() as tasks:

            async def ask() -> None:
                await app.delegate("hello", task_type="quick")

            tasks.start_soon(ask)
            with anyio.fail_after(10):
                await slow.began.wait()
            tasks.cancel_scope.cancel()
        with anyio.fail_after(10):
            await slow.left.wait()
        await app.app.calls.end()
        row = (await app.app.ledger.recent_calls(1))[0]
    assert row.state == "cancelled"


def test_a_name_that_is_not_there_is_told_as_python_does() -> None:
    with pytest.raises(AttributeError, match="no attribute 'shut_app'"):
        _ = delegate_mcp.shut_app  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]
