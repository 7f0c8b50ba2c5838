"""The commands as a person types them."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.fakes.person import environment
from tests.fakes.services import Services, fails, says, services
from tests.fakes.shell import Shell


@pytest.fixture
async def world() -> AsyncGenerator[Services]:
    async with services() as running:
        yield running


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    project = tmp_path / "project"
    project.mkdir()
    return Shell(project, environment(tmp_path))


async def test_ask_answers_on_stdout_and_as_json_with_all_facts(world: Services, shell: Shell) -> None:
    world.groq.answers = [says("Paris.")]
    plain = await shell.process("ask", "Capital of France?", **world.groq_env)
    assert plain.code == 0
    assert plain.out.startswith("Paris.\n\n[groq:gpt-oss-20b c")
    facts = (await shell.run("ask", "--json", "--tool", "quick", "Capital of France?", **world.groq_env)).json
    assert facts["text"] == "Paris."
    assert {"provider", "model", "tier", "rule", "reason"} <= facts["route"].keys()
    assert {"provider", "model", "outcome", "error_kind", "status", "latency_ms"} == facts["attempts"][0].keys()
    assert facts["usage"] == {"input_tokens": 12, "output_tokens": 7, "cache_read_tokens": 0}
    assert isinstance(facts["cost_usd"], str)
    assert isinstance(facts["saved_usd"], str)
    assert facts["call_id"].startswith("c")


async def test_ask_reads_the_prompt_from_stdin_and_takes_files_and_a_schema(world: Services, shell: Shell) -> None:
    (shell.project / "notes.txt").write_text("the magic word is xyzzy")
    (shell.project / "schema.json").write_text('{"type": "object"}')
    world.groq.answers = [says('{"word": "xyzzy"}')]
    words = ("ask", "-", "--file", "notes.txt", "--json-schema", "schema.json", "--json")
    ended = await shell.run(*words, stdin="Which word?", **world.groq_env)
    assert json.loads(ended.json["text"]) == {"word": "xyzzy"}
    assert "xyzzy" in world.groq.last_prompt
    assert world.groq.last_prompt.endswith("Which word?")


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00", b'{"type": "objekt"}'])
async def test_a_schema_that_cannot_be_used_is_a_line_on_stderr(
    world: Services, shell: Shell, content: bytes | None
) -> None:
    if content is not None:
        (shell.project / "schema.json").write_bytes(content)
    ended = await shell.run("ask", "hello", "--json-schema", "schema.json", **world.groq_env)
    assert (ended.code, ended.out, world.groq.bodies) == (1, "", [])
    assert "schema" in ended.err
    assert ended.err.count("\n") == 1


async def test_a_failed_ask_exits_1_and_says_why_on_stderr(world: Services, shell: Shell) -> None:
    world.groq.answers = [fails(503, "over capacity")]
    plain = await shell.run("ask", "hello", **world.groq_env)
    assert (plain.code, plain.out) == (1, "")
    assert "overloaded" in plain.err
    as_json = await shell.run("ask", "--json", "hello", **world.groq_env, DELEGATE_MCP_HOME=str(shell.project / "h"))
    assert as_json.code == 1
    assert as_json.json["attempts"][0]["error_kind"] == "overloaded"
    assert "overloaded" in as_json.json["message"]


async def test_route_plans_without_asking_and_takes_many_prompts(world: Services, shell: Shell) -> None:
    plan = (await shell.process("route", "--json", "Summarize this text", **world.groq_env)).json
    assert plan["task_type"] == "summarization"
    assert plan["candidates"][0]["model"] == "groq:openai/gpt-oss-20b"
    lines = [{"id": 1, "text": "What is 2+2?"}, {"id": "b", "text": "Write a Python function that sorts a list"}]
    stdin = "\n".join(map(json.dumps, lines)) + "\n\nnot json\n"
    many = await shell.run("route", "--jsonl", stdin=stdin, **world.groq_env)
    rows = [json.loads(line) for line in many.out.splitlines()]
    assert [row["id"] for row in rows] == [1, "b"]
    assert {"id", "task_type", "complexity", "candidates", "rule", "reason"} <= rows[0].keys()
    assert rows[1]["task_type"] == "coding"
    assert "line 4" in many.err
    assert world.groq.bodies == []


async def test_route_shows_the_plan_even_where_nobody_can_answer(shell: Shell) -> None:
    ended = await shell.run("route", "--json", "What is a monad?")
    assert ended.code == 1
    assert ended.json["candidates"] == []
    assert any(row["why"] == "no key" for row in ended.json["passed_over"])


async def test_doctor_says_what_is_missing_and_exits_1_only_if_nothing_can_answer(
    world: Services, shell: Shell
) -> None:
    nothing = await shell.process("doctor")
    assert nothing.code == 1
    assert "GROQ_API_KEY" in nothing.out
    something = await shell.run("doctor", "--json", **world.groq_env)
    assert something.code == 0
    checks = {check["name"]: check for check in something.json["checks"]}
    assert checks["groq"]["ok"]
    assert checks["gemini"]["mend"]
    assert "gsk_dummy" not in something.out


async def test_doctor_tells_a_typo_in_the_settings(shell: Shell) -> None:
    ended = await shell.run("doctor", DELEGATE_MCP_CALLS__IDEL_S="3")
    assert ended.code == 1
    assert "idle_s" in ended.out


async def test_budget_and_models_print_what_the_resources_hold(world: Services, shell: Shell) -> None:
    await shell.run("ask", "hello", **world.groq_env)
    budget = (await shell.run("budget", "--json", **world.groq_env)).json
    assert budget["today"]["calls"] == 1
    assert "requests left this day" in (await shell.process("budget", **world.groq_env)).out
    models = (await shell.run("models", "--json", **world.groq_env)).json
    assert [row["name"] for row in models["providers"] if row["usable"]] == ["groq"]
    assert "openai/gpt-oss-120b" in (await shell.process("models", **world.groq_env)).out


async def test_a_wrong_word_is_told_with_the_commands_there_are(shell: Shell) -> None:
    ended = await shell.process("sevre")
    assert ended.code == 2
    assert "serve" in ended.err
    assert (await shell.run("--version")).out.startswith("delegate-mcp ")
