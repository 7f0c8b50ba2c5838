"""`delegate-mcp evaluate`: a person's own prompts over models of their choice."""

import json
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.requests import Request
from starlette.responses import Response

from delegate_mcp.batch.folder import BatchFolders
from delegate_mcp.evaluation.cases import read_cases
from delegate_mcp.evaluation.noted import Evaluations
from tests.fakes.person import environment
from tests.fakes.services import Services, fails, says, services
from tests.fakes.shell import Shell

SMALL, LARGE = "groq:openai/gpt-oss-20b", "groq:openai/gpt-oss-120b"
SCHEMA = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}


@pytest.fixture
async def world() -> AsyncGenerator[Services]:
    async with services() as running:
        yield running


@pytest.fixture
def shell(tmp_path: Path, world: Services) -> Shell:
    project = tmp_path / "project"
    project.mkdir()
    no_limits = {"DELEGATE_MCP_PROVIDERS__GROQ__LIMITS": "[]"}  # no minute is waited for
    return Shell(project, environment(tmp_path) | world.groq_env | no_limits)


def answering(told: Callable[[str, str], str]) -> Callable[[Request], Any]:
    """Answers by model and prompt."""

    async def answer(request: Request) -> Response:
        body = await request.json()
        return await says(told(body["model"], body["messages"][-1]["content"]))(request)

    return answer


def put(shell: Shell, *rows: dict[str, Any], name: str = "mine.jsonl") -> str:
    (shell.project / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return name


def keep(shell: Shell, name: str, text: str) -> None:
    """A file in the person's home."""
    home = Path(shell.env["DELEGATE_MCP_HOME"])
    home.mkdir(exist_ok=True)
    (home / name).write_text(text)


def capitals(number: int) -> list[dict[str, Any]]:
    return [{"prompt": f"Capital of land {n}?", "task_type": "quick", "expected": f"Town {n}"} for n in range(number)]


def knows(model: str, prompt: str) -> str:
    """The large model knows them all, the small one every second."""
    number = int(prompt.rstrip("?").rpartition(" ")[2])
    return f"It is **town {number}**." if "120b" in model or number % 2 else "No idea."


async def measured(shell: Shell, *words: str, **variables: str) -> dict[str, dict[str, Any]]:
    ended = await shell.run("evaluate", *words, "--json", **variables)
    assert ended.code == 0, ended.err
    return {row["model"]: row for row in ended.json["scores"]}


async def test_models_are_scored_and_the_numbers_become_their_rubric(world: Services, shell: Shell) -> None:
    world.groq.answers = [answering(knows)]
    file = put(shell, *capitals(10))
    told = await shell.process("evaluate", file, "--models", f"{SMALL},{LARGE}")
    assert told.code == 0, told.err
    assert "1.00" in told.out
    assert "rubric.toml: 2 numbers" in told.out
    rubric = (Path(shell.env["DELEGATE_MCP_HOME"]) / "rubric.toml").read_text()
    assert "10 prompts" in rubric
    plan = (await shell.run("route", "--json", "--tool", "quick", "Hm?")).json
    assert plan["candidates"][0]["why"] == "groq-fast, quality 5 of 10 for quick"
    best = (await shell.run("models", "--for", "quick", "--json")).json["top"]
    by_name = {row["model"]: row for row in best}
    assert (by_name[SMALL]["quality"], by_name[LARGE]["quality"]) == (5, 10)
    assert "quick: measured" in by_name[LARGE]["source"]


async def test_each_way_to_say_what_is_good_is_held_to(world: Services, shell: Shell) -> None:
    answers = {"Greet.": "Hello there", "Word?": '{"word": "yes"}', "Sum?": "It is 4, not 5."}
    world.groq.answers = [answering(lambda _, prompt: answers[prompt])]
    file = put(
        shell,
        {"prompt": "Greet.", "task_type": "quick", "regex": "^Hello"},
        {"prompt": "Greet.", "task_type": "quick", "regex": "^there"},
        {"prompt": "Word?", "task_type": "quick", "schema": SCHEMA},
        {"prompt": "Sum?", "task_type": "quick", "expected": 4},
        {"prompt": "Sum?", "task_type": "quick", "expected": "four"},
    )
    row = (await measured(shell, file, "--models", SMALL))[SMALL]
    assert (row["score"], row["prompts"]) == (pytest.approx(3 / 5), 5)
    assert row["low"] < 3 / 5 < row["high"]


async def test_json_that_does_not_meet_the_schema_is_a_bad_answer_and_no_failure_of_the_service(
    world: Services, shell: Shell
) -> None:
    world.groq.answers = [says("no JSON")]
    file = put(shell, {"prompt": "Word?", "task_type": "quick", "schema": SCHEMA})
    row = (await measured(shell, file, "--models", SMALL))[SMALL]
    assert (row["score"], row["prompts"], row["unmeasured"]) == (0, 1, [])


async def test_what_the_service_fails_at_measures_nothing(world: Services, shell: Shell) -> None:
    world.groq.answers = [fails(400, "this request is wrong")]
    ended = await shell.run("evaluate", put(shell, *capitals(1)), "--models", SMALL)
    assert ended.code == 1
    assert "Not measured: groq:openai/gpt-oss-20b at quick, 1x: bad request" in ended.out


async def test_a_judge_is_another_model_and_is_not_told_whose_answer_it_is(world: Services, shell: Shell) -> None:
    asked = Counter[str]()

    def told(model: str, prompt: str) -> str:
        if "<rubric>" not in prompt:
            return "A poem by one of us."
        asked[model] += 1
        assert "A poem by one of us." in prompt
        assert "two lines at least" in prompt
        assert "gpt" not in prompt
        return '{"score": 7}'

    world.groq.answers = [answering(told)]
    rows = [{"prompt": f"A poem, {n}.", "task_type": "rewriting", "judge": "two lines at least"} for n in range(5)]
    words = ("evaluate", put(shell, *rows), "--models", f"{SMALL},{LARGE}", "--judge", SMALL, "--json")
    told_of = (await shell.run(*words)).json
    assert told_of["judges"] == {SMALL: LARGE, LARGE: SMALL}
    found = {row["model"]: row for row in told_of["scores"]}
    assert {model: row["score"] for model, row in found.items()} == {SMALL: 0.7, LARGE: 0.7}
    assert asked == {"openai/gpt-oss-120b": 5, "openai/gpt-oss-20b": 5}


POEM = {"prompt": "A poem.", "task_type": "rewriting", "judge": "two lines at least"}


async def test_with_one_key_another_model_of_the_same_service_judges(world: Services, shell: Shell) -> None:
    keep(shell, "rules.toml", f'[error_quality_scoring]\ncandidates = ["{SMALL}"]\nfloor = 0\n')
    world.groq.answers = [answering(lambda _, prompt: '{"score": 6}' if "<rubric>" in prompt else "Roses are red.")]
    ended = await shell.run("evaluate", put(shell, POEM), "--models", SMALL)
    assert f"Judge of {SMALL}: groq:" in ended.out
    assert f"Judge of {SMALL}: {SMALL}" not in ended.out
    assert "0.60" in ended.out


async def test_without_another_model_nobody_is_asked_and_it_says_what_to_do(tmp_path: Path, world: Services) -> None:
    project = tmp_path / "project"
    project.mkdir()
    shell = Shell(project, environment(tmp_path) | world.ollama_env)
    (only,) = (await shell.run("route", "--tool", "private", "Hm?", "--json")).json["candidates"]
    file = put(shell, POEM)
    for words in ((), ("--dry-run",)):
        ended = await shell.run("evaluate", file, "--models", only["model"], *words)
        assert f"Left out: {only['model']}: no free model but {only['model']} is there, and none judges" in ended.out
        assert "--judge" in ended.out
    assert world.ollama.bodies == []
    again = put(shell, POEM, {"prompt": "Capital of France?", "task_type": "quick", "expected": "Paris"})
    world.ollama.answers = [says("Paris.")]
    ended = await shell.run("evaluate", again, "--models", only["model"])
    assert f"Not measured: {only['model']} at rewriting, 1x: no free model but" in ended.out
    assert "1.00" in ended.out


async def test_a_model_that_cannot_be_asked_is_left_out_with_the_reason(world: Services, shell: Shell) -> None:
    world.groq.answers = [answering(knows)]
    ended = await shell.run("evaluate", put(shell, *capitals(2)), "--models", f"{LARGE},gemini:gemini-3.5-flash-lite")
    assert ended.code == 0
    assert "Left out: gemini:gemini-3.5-flash-lite: no key" in ended.out
    assert LARGE in ended.out


async def test_a_dry_run_asks_nobody(world: Services, shell: Shell) -> None:
    rows = [*capitals(3), {"prompt": "A poem.", "judge": "two lines"}]
    told = (await shell.run("evaluate", put(shell, *rows), "--models", f"{SMALL},{LARGE}", "--dry-run", "--json")).json
    assert told["calls"] == {SMALL: 4, LARGE: 4, "judges": 2}
    assert told["total_calls"] == 10
    by_role = await shell.run("evaluate", "mine.jsonl", "--models", "groq-fast", "--dry-run")
    assert f"{SMALL}  4 calls" in by_role.out
    assert world.groq.bodies == []


async def test_killed_and_started_again_it_asks_only_what_is_missing(world: Services, shell: Shell) -> None:
    asked, thirty, held = Counter[str](), anyio.Event(), anyio.Event()

    async def answer(request: Request) -> Response:
        body = await request.json()
        prompt = body["messages"][-1]["content"]
        number = int(prompt.rstrip("?").rpartition(" ")[2])
        if number >= 30 and not held.is_set():
            await anyio.sleep_forever()
        asked[prompt] += 1
        if len(asked) == 30:
            thirty.set()
        return await says(knows(body["model"], prompt))(request)

    world.groq.answers = [answer]
    file = put(shell, *capitals(40))
    words = [sys.executable, "-m", "delegate_mcp", "evaluate", file, "--models", LARGE]
    async with await anyio.open_process(words, env=shell.env, cwd=shell.project) as first:
        with anyio.fail_after(60):
            await thirty.wait()
            while _settled(shell) < 30:  # noqa: ASYNC110 - another process writes them
                await anyio.sleep(0.02)
        first.kill()
    held.set()
    row = (await measured(shell, file, "--models", LARGE))[LARGE]
    assert (row["score"], row["prompts"]) == (1.0, 40)
    assert len(asked) == 40
    assert max(asked.values()) == 1
    again = await measured(shell, file, "--models", LARGE)  # it was over: measured anew
    assert again[LARGE]["prompts"] == 40
    assert max(asked.values()) == 2


async def test_a_clock_that_was_set_back_meanwhile_hides_no_call(world: Services, shell: Shell) -> None:
    world.groq.answers = [answering(knows)]
    file = put(shell, *capitals(2))
    before = (await measured(shell, file, "--models", LARGE))[LARGE]
    home = Path(shell.env["DELEGATE_MCP_HOME"])
    (batch,) = (home / "batches").iterdir()
    spec = json.loads((batch / "batch.json").read_text())
    (batch / "batch.json").write_text(json.dumps(spec | {"created_at": spec["created_at"] + 3600}))
    begun = Evaluations(home, BatchFolders(home / "batches"))  # as a server that was killed at its end has left it
    noted = begun.noted(list(map(repr, read_cases(shell.project / file))), [LARGE], [str(None)])
    noted.batches[LARGE] = batch.name
    noted.write()
    after = (await measured(shell, file, "--models", LARGE))[LARGE]
    assert (after["prompts"], len(world.groq.bodies)) == (2, 2)  # nothing was asked anew
    assert after["latency_ms"] == before["latency_ms"] is not None


def _settled(shell: Shell) -> int:
    files = Path(shell.env["DELEGATE_MCP_HOME"]).glob("batches/*/done.jsonl")
    return sum(len(file.read_bytes().splitlines()) for file in files)


async def test_an_evaluation_saves_the_director_nothing(world: Services, shell: Shell) -> None:
    world.groq.answers = [answering(knows)]
    await measured(shell, put(shell, *capitals(2)), "--models", SMALL)
    told = (await shell.run("report", "--json")).json
    assert told["calls"]["ok"] == 2
    assert told["net"]["tokens"] == 0


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("no json", "line 1: no JSON"),
        ('{"prompt": "a"}', "give one of expected, regex, schema, judge, not none"),
        ('{"prompt": "a", "expected": "b", "regex": "b"}', "not expected and regex"),
        ('{"prompt": "a", "expcted": "b"}', "unknown key 'expcted'. Did you mean 'expected'?"),
        ('{"prompt": "a", "regex": "("}', "`regex` is no regular expression"),
        ('{"prompt": "a", "schema": {"type": "strng"}}', "json_schema at"),
        (
            '{"prompt": "a", "expected": "b", "task_type": "quik"}',
            "there is no task type 'quik'. Did you mean 'quick'?",
        ),
        ('{"prompt": "a", "expected": "?"}', "holds no word"),
        ("", "holds 0 prompts"),
    ],
)
async def test_a_line_that_cannot_be_used_is_told_with_its_number(shell: Shell, line: str, told: str) -> None:
    (shell.project / "mine.jsonl").write_text(line)
    ended = await shell.run("evaluate", "mine.jsonl", "--models", SMALL)
    assert ended.code == 1
    assert told in ended.err


async def test_an_unknown_model_or_rubric_row_is_told(shell: Shell) -> None:
    ended = await shell.run("evaluate", put(shell, *capitals(1)), "--models", "gpt-oss-21b")
    assert "There is no model 'gpt-oss-21b'. Nearest:" in ended.err
    keep(shell, "rubric.toml", f'[[rubric]]\nmodel = "{SMALL}"\ntask_type = "quik"\nquality = 3\nsource = "me"\n')
    ended = await shell.run("route", "Hm?")
    assert "rubric row 1" in ended.err
    assert "Did you mean 'quick'?" in ended.err
