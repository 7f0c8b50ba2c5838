"""What is too long for every model, as a director meets it: read in parts, put together, and said so."""

import json
import re
import shutil
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.requests import Request
from starlette.responses import Response

from tests.fakes.person import become, connected, facts_of, text_of
from tests.fakes.services import Answer, Services, Slow, fails, says, services

FOR_PART = re.compile(r"Above is part (\d+) of (\d+) of a long material")
SCHEMA = {"type": "object", "properties": {"total": {"type": "integer"}}, "required": ["total"]}


@pytest.fixture
async def world() -> AsyncGenerator[Services]:
    async with services() as running:
        yield running


def log(lines: int) -> str:
    return "".join(f"2026-11-21 line {number} of the log says that all is well\n" for number in range(1, lines + 1))


def asked(body: dict[str, Any]) -> str:
    return body["messages"][-1]["content"]


def reads(final: str, part: Callable[[int], Answer] | None = None) -> Answer:
    """A model that reports on parts by their numbers, and says `final` where it is to put them together."""

    async def answer(request: Request) -> Response:
        found = FOR_PART.search(asked(json.loads(await request.body())))
        if found is None:
            return await says(final)(request)
        number = int(found[1])
        return await (part(number) if part else says(f"Report {number}."))(request)

    return answer


def questions(world: Services) -> tuple[list[str], list[str]]:
    """What Ollama was asked about parts, and what else."""
    texts = [asked(body) for body in world.ollama.bodies]
    return [text for text in texts if FOR_PART.search(text)], [text for text in texts if not FOR_PART.search(text)]


async def test_a_private_file_too_long_for_the_local_model_is_read_in_parts_and_said_so(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = become(tmp_path, monkeypatch, **world.groq_env, **world.ollama_env)
    (project / "big.log").write_text(log(8_000))
    (project / "small.txt").write_text("a note\n")
    world.ollama.answers = [reads("All is well.")]
    async with connected() as host:
        result = await host.call_tool(
            "delegate_private", {"prompt": "What went wrong?", "files": ["big.log", "small.txt"]}
        )
    about_parts, (last,) = questions(world)
    assert not result.is_error
    assert text_of(result).startswith("All is well.\n\n[")
    assert f"read in {len(about_parts)} parts" in text_of(result)
    assert facts_of(result)["parts"] == {"number": len(about_parts), "unread": []}
    assert world.groq.bodies == []
    # Nothing is lost, each part says which lines it holds, and each is told the task.
    sent = "".join(sorted(about_parts, key=lambda text: int(FOR_PART.search(text)[1])))  # type: ignore[index]
    assert [int(number) for number in re.findall(r"line (\d+) of the log", sent)] == list(range(1, 8_001))
    assert '<file path="big.log" lines="1-' in sent
    assert '<file path="small.txt">' in sent
    assert all("What went wrong?" in text for text in about_parts)
    # The last question has the reports in order, by file and lines.
    assert [int(number) for number in re.findall(r"Report (\d+)\.", last)] == list(range(1, len(about_parts) + 1))
    assert '<report on="big.log:1-' in last
    assert "of the log" not in last


async def test_its_json_is_asked_for_at_the_end_alone(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = become(tmp_path, monkeypatch, **world.ollama_env)
    (project / "big.log").write_text(log(8_000))
    world.ollama.answers = [reads('{"total": 7}')]
    async with connected() as host:
        result = await host.call_tool(
            "delegate_private", {"prompt": "Count.", "files": ["big.log"], "json_schema": SCHEMA}
        )
    assert text_of(result).startswith('{"total":7}')
    with_schema = ["response_format" in body for body in world.ollama.bodies]
    assert with_schema == [*[False] * (len(with_schema) - 1), True]


async def test_a_part_that_nobody_could_read_is_told_to_the_director_and_to_the_last_model(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = become(tmp_path, monkeypatch, **world.ollama_env)
    (project / "big.log").write_text(log(8_000))
    bad = fails(400, "the content was declined by the content filter", "content_filter")
    world.ollama.answers = [reads("Well.", lambda number: bad if number == 2 else says(f"Report {number}."))]
    async with connected() as host:
        result = await host.call_tool("delegate_private", {"prompt": "What went wrong?", "files": ["big.log"]})
    facts = facts_of(result)
    (unread,) = facts["parts"]["unread"]
    assert re.fullmatch(r"big\.log:\d+-\d+", unread)
    number = facts["parts"]["number"]
    assert f"read {number - 1} of {number} parts" in text_of(result)
    assert unread in facts["notes"][0]
    assert f"not read, so say nothing of them: {unread}" in questions(world)[1][0]


async def test_where_no_part_is_answered_the_call_fails_with_each_failure(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = become(tmp_path, monkeypatch, **world.ollama_env)
    (project / "big.log").write_text(log(8_000))
    world.ollama.answers = [fails(401, "who are you", "auth")]
    async with connected() as host:
        result = await host.call_tool("delegate_private", {"prompt": "What went wrong?", "files": ["big.log"]})
    assert result.is_error
    assert "No candidate answered." in text_of(result)
    assert "ollama" in text_of(result)


async def test_reports_that_are_too_long_together_are_condensed_first(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = become(tmp_path, monkeypatch, **world.ollama_env)
    (project / "big.log").write_text(log(30_000))
    wordy = "This report is far longer than it was asked to be. " * 400
    world.ollama.answers = [reads("In short: well.", lambda _: says(wordy))]
    async with connected() as host:
        result = await host.call_tool("delegate_private", {"prompt": "What went wrong?", "files": ["big.log"]})
    others = questions(world)[1]
    groups = [text for text in others if "Make one report of them" in text]
    assert groups
    assert text_of(result).startswith("In short: well.")
    assert "far longer" not in others[-1]


async def test_a_prompt_that_is_too_long_itself_is_read_in_parts_too(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.ollama_env)
    world.ollama.answers = [reads("Well.")]
    prompt = f"What went wrong?\n\n{log(8_000)}\nAnswer in one word."
    async with connected() as host:
        result = await host.call_tool("delegate_private", {"prompt": prompt})
    assert text_of(result).startswith("Well.")
    about_parts = questions(world)[0]
    assert all("What went wrong?" in text and "Answer in one word." in text for text in about_parts)


async def test_a_service_that_takes_less_than_was_known_has_it_in_parts(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = become(tmp_path, monkeypatch, **world.ollama_env)
    (project / "some.log").write_text(log(1_000))

    def small(answer: Answer) -> Answer:
        async def checked(request: Request) -> Response:
            if len(await request.body()) > 20_000:
                return await fails(400, "the request exceeds the available context size", "exceed_context_size")(
                    request
                )
            return await answer(request)

        return checked

    world.ollama.answers = [small(reads("Well."))]
    async with connected() as host:
        result = await host.call_tool("delegate_private", {"prompt": "What went wrong?", "files": ["some.log"]})
    assert text_of(result).startswith("Well.")
    assert "parts" in text_of(result)


async def test_too_long_for_an_edit_tells_the_sizes(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git = shutil.which("git")
    if git is None:
        pytest.skip("an edit needs git")
    project = become(tmp_path, monkeypatch, **world.ollama_env, PATH=str(Path(git).parent))
    (project / "big.py").write_text("x = 1  # a line of code\n" * 20_000)
    async with connected() as host:
        result = await host.call_tool(
            "delegate", {"prompt": "Mend it.", "task_type": "private", "files": ["big.py"], "edit": True}
        )
    assert re.search(r"1\d\d,\d{3} tokens are too long .* the most that fits is about \d+,\d{3}", text_of(result))
    assert "`edit` cannot be done in parts" in text_of(result)
    assert "app.py:10-80" in text_of(result)


async def test_what_the_limits_do_not_admit_in_time_is_refused_before_anything_is_spent(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = become(tmp_path, monkeypatch, **world.groq_env)
    (project / "big.log").write_text(log(8_000))
    async with connected() as host:
        result = await host.call_tool("delegate_quick", {"prompt": "What went wrong?", "files": ["big.log"]})
        now = await host.call_tool(
            "delegate_quick", {"prompt": "What?", "files": ["big.log:1-600"], "on_limit": "fail"}
        )
    assert result.is_error
    assert re.search(r"of their \d+ parts the limits admit \d in the time of a call", text_of(result))
    assert "calls.deadline_s" in text_of(result)
    assert "admit 1 now" in text_of(now)
    assert world.groq.bodies == []


async def test_what_is_short_enough_is_never_split(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = become(tmp_path, monkeypatch, **world.groq_env)
    (project / "some.log").write_text(log(200))
    async with connected() as host:
        result = await host.call_tool("delegate_quick", {"prompt": "What went wrong?", "files": ["some.log"]})
    assert len(world.groq.bodies) == 1
    assert facts_of(result)["parts"] is None


async def test_votes_are_held_on_the_reports(world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = become(tmp_path, monkeypatch, **world.ollama_env)
    (project / "big.log").write_text(log(8_000))
    world.ollama.answers = [reads("So.\nANSWER: 42")]
    async with connected() as host:
        result = await host.call_tool(
            "delegate", {"prompt": "How many?", "task_type": "private", "files": ["big.log"], "votes": 2}
        )
    about_parts, last = questions(world)
    assert facts_of(result)["votes"].startswith("2 of 2 agree")
    assert facts_of(result)["parts"]["number"] == len(about_parts)
    assert len(last) == 2


async def test_an_item_of_a_batch_may_be_long_too(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = become(tmp_path, monkeypatch, **world.ollama_env)
    (project / "a.log").write_text(log(8_000))
    (project / "b.log").write_text(log(10))
    world.ollama.answers = [reads("Well.")]
    async with connected() as host:
        result = await host.call_tool(
            "delegate_batch",
            {
                "prompt": "What went wrong in {item}?",
                "files": ["*.log"],
                "task_type": "private",
                "save_to": "out.jsonl",
            },
        )
    assert not result.is_error
    rows = [json.loads(line) for line in (project / "out.jsonl").read_text().splitlines()]
    assert [row["answer"] for row in rows] == ["Well.", "Well."]


async def test_long_context_work_is_done_in_parts_where_no_model_of_long_context_is_set_up(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = become(tmp_path, monkeypatch, **world.ollama_env)
    (project / "big.log").write_text(log(8_000))
    world.ollama.answers = [reads("Well.")]
    async with connected() as host:
        result = await host.call_tool("delegate_longcontext", {"prompt": "Summarize it.", "files": ["big.log"]})
    assert text_of(result).startswith("Well.")
    assert facts_of(result)["route"]["task_type"] == "summarization"


async def test_progress_tells_which_part_it_is_at(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = become(tmp_path, monkeypatch, **world.ollama_env, DELEGATE_MCP_CALLS__PATIENCE_S="0.5")
    (project / "big.log").write_text(log(8_000))
    slow = Slow()
    world.ollama.answers = [reads("Well.", lambda number: slow if number == 1 else says("Report."))]
    async with connected() as host:
        result = await host.call_tool("delegate_private", {"prompt": "What went wrong?", "files": ["big.log"]})
        running = facts_of(result)
        assert running["state"] == "running"
        assert re.match(r"Still running: part \d of \d\. ", text_of(result))
        slow.go_on.set()
        fetched = await host.call_tool("delegate_result", {"call_id": running["call_id"]})
    assert text_of(fetched).startswith("Well.")


async def test_a_cancel_by_the_host_reaches_every_part_under_way(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = become(tmp_path, monkeypatch, **world.ollama_env)
    (project / "big.log").write_text(log(8_000))
    slow = {1: Slow(), 2: Slow()}
    world.ollama.answers = [reads("never", lambda number: slow[number])]
    arguments = {"prompt": "What went wrong?", "files": ["big.log"]}
    async with connected() as host:
        with anyio.fail_after(10), anyio.CancelScope() as scope:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(host.call_tool, "delegate_private", arguments)
                for part in slow.values():
                    await part.began.wait()
                scope.cancel()
        with anyio.fail_after(10):
            for part in slow.values():
                await part.left.wait()


async def test_of_a_long_item_of_a_batch_the_answer_is_kept_and_no_report_on_a_part(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = become(tmp_path, monkeypatch, **world.ollama_env)
    (project / "big.log").write_text(log(8_000))
    world.ollama.answers = [reads("All is well.")]
    asked = {"prompt": "What went wrong?", "files": ["big.log"], "task_type": "private", "save_to": "out.jsonl"}
    async with connected() as host:
        result = await host.call_tool("delegate_batch", asked)
    assert "1 of 1 items answered." in text_of(result)
    assert len(questions(world)[0]) > 1
    assert json.loads((project / "out.jsonl").read_text())["answer"] == "All is well."
