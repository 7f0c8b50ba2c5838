"""The cache of identical calls as a host meets it: what is asked once, and what is asked each time."""

import json
import os
import stat
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client
from mcp_types import CallToolResult

from delegate_mcp.answering.kept_answers import KeptAnswer, KeptAnswers
from delegate_mcp.cli import ask as ask_command
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.usage import Usage
from tests.fakes.person import become, connected, facts_of, read_json, text_of
from tests.fakes.services import Services, Slow, fails, says, services

LABEL = {"prompt": "Spam or ham: win a phone", "task_type": "classification"}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
DAY_S = 86_400.0


@pytest.fixture
async def world() -> AsyncGenerator[Services]:
    async with services() as running:
        running.groq.answers = [says("spam"), says("ham"), says("eggs")]
        yield running


@pytest.fixture
def project(world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return become(tmp_path, monkeypatch, **world.groq_env)


async def twice(host: Client, tool: str = "delegate", **arguments: Any) -> tuple[CallToolResult, CallToolResult]:
    return await host.call_tool(tool, arguments), await host.call_tool(tool, arguments)


def kept(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "person" / "delegate" / "cache").glob("*.json"))


async def kept_on_disk(tmp_path: Path) -> Path:
    """The one entry, once it is written: that happens beside the reply."""
    with anyio.fail_after(20):
        while not kept(tmp_path):  # noqa: ASYNC110 - a worker thread writes it
            await anyio.sleep(0.01)
    return kept(tmp_path)[0]


async def test_an_identical_call_asks_nobody_and_says_so(world: Services, project: Path) -> None:
    async with connected() as host:
        first, second = await twice(host, **LABEL)
    facts = facts_of(second)
    assert len(world.groq.bodies) == 1
    assert text_of(second) == f"spam\n\n[groq:gpt-oss-20b {facts['call_id']} cached]"
    assert facts["call_id"] != facts_of(first)["call_id"]
    assert facts["cached"]["call_id"] == facts_of(first)["call_id"]
    assert facts["attempts"] == []
    assert facts["usage"] == {"input_tokens": 0, "output_tokens": 0, "cache_read_tokens": 0}
    assert facts_of(first)["cached"] is None


async def test_it_stands_in_the_next_server_too_and_where_nobody_could_be_asked(
    world: Services, project: Path, tmp_path: Path
) -> None:
    async with connected() as host:
        await host.call_tool("delegate", LABEL)
        await kept_on_disk(tmp_path)
    world.groq.answers = [fails(401, "Invalid API Key", "invalid_api_key")]
    async with connected() as host:
        other = await host.call_tool("delegate", {**LABEL, "prompt": "another"})
        again = await host.call_tool("delegate", LABEL)
    assert other.is_error  # the key is refused from here on
    assert text_of(again).startswith("spam\n")


async def test_what_it_saved_counts_as_before_and_its_tokens_as_none(world: Services, project: Path) -> None:
    (project / "mail.txt").write_text("You have won a phone. " * 400)
    async with connected() as host:
        first, second = await twice(host, prompt="Sum it up.", task_type="summarization", files=["mail.txt"])
        budget = await read_json(host, "budget://current")
    assert len(world.groq.bodies) == 1
    # The first call of a connection also pays for the list of tools.
    assert facts_of(second)["saved_tokens"] > facts_of(first)["saved_tokens"] > 0
    assert facts_of(second)["cost_usd"] == "0"
    assert budget["today"]["calls"] == 2


async def test_a_thread_and_delegate_result_go_on_from_a_repeated_answer(world: Services, project: Path) -> None:
    async with connected() as host:
        _, second = await twice(host, **LABEL)
        call_id = facts_of(second)["call_id"]
        fetched = await host.call_tool("delegate_result", {"call_id": call_id})
        await host.call_tool("delegate_quick", {"prompt": "Sure?", "thread": call_id})
    assert text_of(fetched).startswith("spam\n")
    assert [message["content"] for message in world.groq.bodies[-1]["messages"][1:]] == [
        LABEL["prompt"],
        "spam",
        "Sure?",
    ]


async def test_save_to_writes_a_new_file_from_a_repeated_answer(world: Services, project: Path) -> None:
    async with connected() as host:
        for name in ("one.txt", "two.txt"):
            await host.call_tool("delegate", {**LABEL, "save_to": name})
    assert len(world.groq.bodies) == 1
    assert (project / "two.txt").read_text().strip() == (project / "one.txt").read_text().strip() == "spam"


@pytest.mark.parametrize(
    "other",
    [
        {"prompt": "Spam or ham: win a car"},
        {"task_type": "parameter_extraction"},
        {"model": "groq:openai/gpt-oss-20b"},
        {"json_schema": SCHEMA},
        {"files": ["a.txt"]},
    ],
)
async def test_another_brief_or_other_models_are_another_call(
    world: Services, project: Path, other: dict[str, Any]
) -> None:
    (project / "a.txt").write_text("a mail")
    world.groq.answers = [says("spam"), says('{"city": "Rome"}')]
    async with connected() as host:
        await host.call_tool("delegate", LABEL)
        await host.call_tool("delegate", {**LABEL, **other})
    assert len(world.groq.bodies) == 2


async def test_a_file_that_has_changed_is_another_call(world: Services, project: Path) -> None:
    file = project / "mail.txt"
    async with connected() as host:
        for text in ("a phone", "a car", "a car"):
            file.write_text(text)
            await host.call_tool("delegate", {**LABEL, "files": ["mail.txt"]})
    assert len(world.groq.bodies) == 2


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("delegate_quick", {"prompt": "Name a colour."}),
        ("delegate_reasoning", {"prompt": "Why?"}),
        ("delegate_quick", {"prompt": "Spam?", "votes": 2}),
    ],
)
async def test_work_with_more_than_one_answer_is_asked_each_time(
    world: Services, project: Path, tool: str, arguments: dict[str, Any]
) -> None:
    async with connected() as host:
        await host.call_tool(tool, arguments)
        before = len(world.groq.bodies)
        second = await host.call_tool(tool, arguments)
    assert len(world.groq.bodies) > before
    assert facts_of(second)["cached"] is None


async def test_a_json_schema_makes_any_work_one_of_facts(world: Services, project: Path) -> None:
    world.groq.answers = [says('```json\n{"city": "Rome"}\n```'), says('{"city": "Oslo"}')]
    async with connected() as host:
        _, second = await twice(host, "delegate_quick", prompt="Where?", json_schema=SCHEMA)
    assert text_of(second).startswith('{"city":"Rome"}\n')


async def test_a_rule_that_asks_with_temperature_0_is_repeated(
    world: Services, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[quick]\ncandidates = [{ use = "groq-fast", temperature = 0 }]\n')
    monkeypatch.setenv("DELEGATE_MCP_RULES", str(rules))
    async with connected() as host:
        await twice(host, "delegate_quick", prompt="Name a colour.")
    assert len(world.groq.bodies) == 1


@pytest.mark.parametrize("finish", ["length", "content_filter"])
async def test_an_answer_that_is_not_whole_is_not_kept(world: Services, project: Path, finish: str) -> None:
    world.groq.answers = [says("sp", finish=finish), says("spam")]
    async with connected() as host:
        _, second = await twice(host, **LABEL)
    assert text_of(second).startswith("spam\n")


async def test_a_private_call_is_kept_only_where_the_settings_say_so(
    world: Services, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DELEGATE_MCP_PROVIDERS__OLLAMA__BASE_URL", f"{world.url}/ollama/v1")
    asked = {"prompt": "Where do I live? Rome.", "json_schema": SCHEMA}
    world.ollama.answers = [says('{"city": "Rome"}')]
    world.groq.answers = [says('{"city": "Oslo"}')]
    async with connected() as host:
        await twice(host, "delegate_private", **asked)
    assert len(world.ollama.bodies) == 2
    assert not kept(tmp_path)
    monkeypatch.setenv("DELEGATE_MCP_CACHE__PRIVATE", "true")
    async with connected() as host:
        await twice(host, "delegate_private", **asked)
        other = await host.call_tool("delegate_quick", asked)
    assert len(world.ollama.bodies) == 3
    assert text_of(other).startswith('{"city":"Oslo"}')  # what was private answers no call that is not


async def test_an_entry_holds_the_answer_and_no_word_of_the_question(
    world: Services, project: Path, tmp_path: Path
) -> None:
    async with connected() as host:
        await host.call_tool("delegate", LABEL)
        entry = await kept_on_disk(tmp_path)
    told = entry.read_text()
    assert json.loads(told)["text"] == "spam"
    assert "phone" not in told
    if os.name == "posix":
        assert stat.S_IMODE(entry.stat().st_mode) == 0o600
        assert stat.S_IMODE(entry.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("broken", ["", "{", '{"text": 5}', "[]"])
async def test_a_broken_entry_is_as_if_it_were_not_there(
    world: Services, project: Path, tmp_path: Path, broken: str
) -> None:
    async with connected() as host:
        await host.call_tool("delegate", LABEL)
        entry = await kept_on_disk(tmp_path)
        entry.write_text(broken)
        second = await host.call_tool("delegate", LABEL)
    assert text_of(second).startswith("ham\n")


@pytest.mark.parametrize("setting", ["DELEGATE_MCP_CACHE__DAYS", "DELEGATE_MCP_RESULTS__KEEP_DAYS"])
async def test_with_0_days_nothing_is_kept(
    world: Services, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    monkeypatch.setenv(setting, "0")
    async with connected() as host:
        await twice(host, **LABEL)
    assert len(world.groq.bodies) == 2
    assert not kept(tmp_path)


async def test_an_identical_call_waits_for_the_first_and_takes_its_answer(world: Services, project: Path) -> None:
    slow = Slow("sp", "am")
    world.groq.answers = [slow, says("ham")]
    results: list[CallToolResult] = []
    async with connected() as host, anyio.create_task_group() as tasks:

        async def call() -> None:
            results.append(await host.call_tool("delegate", LABEL))

        tasks.start_soon(call)
        await slow.began.wait()
        waiting = anyio.Event()

        async def told(progress: float, total: float | None, message: str | None) -> None:
            del progress, total
            if message and "identical" in message:
                waiting.set()

        async def second() -> None:
            results.append(await host.call_tool("delegate", LABEL, progress_callback=told))

        tasks.start_soon(second)
        await waiting.wait()
        slow.go_on.set()
    assert len(world.groq.bodies) == 1
    assert [text_of(result).split()[0] for result in results] == ["spam", "spam"]


async def test_where_the_first_of_two_fails_the_second_asks_itself(world: Services, project: Path) -> None:
    slow = Slow("sp", "am")
    world.groq.answers = [slow, says("ham")]
    async with connected() as host, anyio.create_task_group() as tasks:
        first = anyio.CancelScope()

        async def call() -> None:
            with first:
                await host.call_tool("delegate", LABEL)

        tasks.start_soon(call)
        await slow.began.wait()

        async def told(progress: float, total: float | None, message: str | None) -> None:
            del progress, total
            if message and "identical" in message:
                first.cancel()

        result = await host.call_tool("delegate", LABEL, progress_callback=told)
        assert text_of(result).startswith("ham\n")


async def test_ask_fresh_asks_and_its_answer_stands_from_then_on(
    world: Services, project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def ask(*words: str) -> str:
        import argparse

        parser = argparse.ArgumentParser()
        ask_command.add_arguments(parser)
        arguments = parser.parse_args([str(LABEL["prompt"]), "--tool", "classification", *words])
        assert await ask_command.run(arguments) == 0
        return capsys.readouterr().out.split()[0]

    assert [await ask(), await ask(), await ask("--fresh"), await ask()] == ["spam", "spam", "ham", "ham"]


# --- The directory ---------------------------------------------------------------------------------------------------


def answer(at: float, text: str = "spam") -> KeptAnswer:
    model = ModelId("groq", "openai/gpt-oss-20b")
    return KeptAnswer(text=text, model=model, tier="free", usage=Usage(1, 2), notes=(), call_id="d1", answered_at=at)


def test_what_was_written_is_read_until_it_is_too_old(tmp_path: Path) -> None:
    store = KeptAnswers(tmp_path / "cache", 1_000_000)
    store.write("a" * 64, answer(1_000.0))
    assert store.read("a" * 64, 999.0) == answer(1_000.0)
    assert store.read("a" * 64, 1_000.0) is None
    assert store.read("b" * 64, 0.0) is None


def test_purge_removes_what_is_old_and_then_the_oldest_beyond_the_bound(tmp_path: Path) -> None:
    store = KeptAnswers(tmp_path / "cache", 3 * 4_096)
    keys = [str(number) * 64 for number in range(6)]
    writing = KeptAnswers(tmp_path / "cache", 1_000_000)
    for number, key in enumerate(keys):
        writing.write(key, answer(1_000.0 + number))
    assert store.purge(1_001.0) == 3  # the one before that time, and two that are too many
    assert [key for key in keys if store.read(key, 0.0)] == keys[3:]
    assert store.purge(float("inf")) == 3


def test_who_writes_much_keeps_to_the_bound_by_itself(tmp_path: Path) -> None:
    store = KeptAnswers(tmp_path / "cache", 200_000)
    for number in range(200):
        store.write(f"{number:064}", answer(1_000.0 + number, "x" * 3_000))
    assert sum(file.stat().st_size for file in (tmp_path / "cache").iterdir()) <= 200_000
    assert store.read(f"{199:064}", 0.0) is not None
