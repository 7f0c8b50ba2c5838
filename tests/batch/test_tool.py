"""`delegate_batch` as a host and its director meet it, over real providers on loopback."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.requests import Request
from starlette.responses import Response

from tests.fakes.person import become, connected, facts_of, read_json, text_of
from tests.fakes.services import Answer, Services, Slow, fails, says, services

ROOMY = {"DELEGATE_MCP_PROVIDERS__GROQ__LIMITS": '[{"metric": "requests", "period": "minute", "limit": 100000}]'}


@pytest.fixture
async def world() -> AsyncGenerator[Services]:
    async with services() as running:
        yield running


def by_prompt(**answers: Answer) -> Answer:
    """Another answer for a prompt that ends with that word; the word itself for all others."""

    async def answer(request: Request) -> Response:
        body: dict[str, Any] = json.loads(await request.body())
        word = str(body["messages"][-1]["content"]).split()[-1]
        return await answers.get(word, says(f"It is {word}."))(request)

    return answer


async def test_few_short_results_come_in_full_each_under_its_number(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.groq_env, **ROOMY)
    world.groq.answers = [by_prompt()]
    async with connected() as host:
        result = await host.call_tool("delegate_batch", {"prompt": "What is {item}", "items": ["a", "b", "c"]})
    batch = facts_of(result)["call_id"]
    assert text_of(result) == f"3 of 3 items answered.\n0 It is a.\n1 It is b.\n2 It is c.\n\n[{batch}]"
    assert not result.is_error


async def test_hundreds_of_items_cost_the_director_less_than_a_hundred_tokens(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = become(tmp_path, monkeypatch, **world.groq_env, **ROOMY)
    (project / "words.csv").write_text("word,no\n" + "".join(f"w{number},{number}\n" for number in range(120)))
    world.groq.answers = [by_prompt(w7=fails(400, "the words are not allowed"))]
    asked = {"prompt": "{item.no}: what is {item.word}", "items_file": "words.csv", "save_to": "out/words.jsonl"}
    heard: list[str | None] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append(message)

    async with connected() as host:
        result = await host.call_tool("delegate_batch", asked, progress_callback=hear)
        budget = await read_json(host, "budget://current")
    assert len(text_of(result).split()) < 60
    assert "119 of 120 items answered, 1 failed." in text_of(result)
    assert "1 x bad request (item 7)" in text_of(result)
    rows = [json.loads(line) for line in (project / "out/words.jsonl").read_text().splitlines()]
    assert [row["index"] for row in rows] == list(range(120))
    assert rows[3] == {
        "index": 3,
        "item": {"word": "w3", "no": "3"},
        "ok": True,
        "answer": "It is w3.",
        "model": rows[3]["model"],
    }
    assert rows[7]["ok"] is False
    assert any(message and "of 120 items" in message for message in heard)
    # Every item is a call of the ledger, and the director's own call is one more.
    assert budget["today"]["calls"] == 121


async def test_each_file_is_an_item_read_by_the_server(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = become(tmp_path, monkeypatch, **world.groq_env, **ROOMY)
    for name in ("a.md", "b.md"):
        (project / name).write_text(f"the text of {name}")
    async with connected() as host:
        result = await host.call_tool("delegate_batch", {"prompt": "Summarize", "files": ["*.md"]})
    assert "2 of 2 items answered." in text_of(result)
    sent = sorted(body["messages"][-1]["content"] for body in world.groq.bodies)
    assert ["the text of a.md" in text for text in sent] == [True, False]
    assert ["the text of b.md" in text for text in sent] == [False, True]


async def test_one_that_outlasts_the_hosts_patience_goes_on_and_is_fetched_by_its_id(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.groq_env, **ROOMY, DELEGATE_MCP_CALLS__PATIENCE_S="0.3")
    slow = Slow()
    world.groq.answers = [by_prompt(b=slow)]
    async with connected() as host:
        first = await host.call_tool("delegate_batch", {"prompt": "What is {item}", "items": ["a", "b"]})
        batch = facts_of(first)["call_id"]
        again = await host.call_tool("delegate_result", {"call_id": batch})
        slow.go_on.set()
        with anyio.fail_after(20):
            while "Still" in text_of(last := await host.call_tool("delegate_result", {"call_id": batch})):
                pass
    assert text_of(first).startswith("Still running: 1 of 2 items done")
    assert f"delegate_result {batch}" in text_of(first)
    assert facts_of(again)["answered"] == 1
    assert "2 of 2 items answered.\n0 It is a.\n1 so far and the rest" in text_of(last)


async def test_results_are_told_by_a_server_that_starts_later(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.groq_env, **ROOMY)
    async with connected() as host:
        first = await host.call_tool("delegate_batch", {"prompt": "What is {item}", "items": ["a"]})
    async with connected() as host:
        later = await host.call_tool("delegate_result", {"call_id": facts_of(first)["call_id"]})
    assert text_of(later) == text_of(first)


async def test_who_asks_for_a_batch_that_its_server_left_waits_for_it_instead_of_coming_again(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.groq_env, **ROOMY, DELEGATE_MCP_CALLS__PATIENCE_S="0.3")
    slow = Slow()
    world.groq.answers = [by_prompt(b=slow)]
    async with connected() as host:
        first = await host.call_tool("delegate_batch", {"prompt": "What is {item}", "items": ["a", "b"]})
        assert slow.began.is_set()
    slow.go_on.set()
    monkeypatch.setenv("DELEGATE_MCP_CALLS__PATIENCE_S", "30")
    async with connected() as host:
        later = await host.call_tool("delegate_result", {"call_id": facts_of(first)["call_id"]})
    assert "2 of 2 items answered.\n0 It is a.\n1 so far and the rest" in text_of(later)


async def test_private_batches_reach_no_cloud(world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    become(tmp_path, monkeypatch, **world.groq_env, **world.ollama_env, **ROOMY)
    world.ollama.answers = [by_prompt()]
    asked = {"prompt": "What is {item}", "items": ["a", "b"], "task_type": "private"}
    async with connected() as host:
        result = await host.call_tool("delegate_batch", asked)
    assert "2 of 2 items answered." in text_of(result)
    assert world.groq.bodies == []
    assert len(world.ollama.bodies) == 2


async def test_an_item_with_a_secret_stays_here_and_the_others_do_not(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.groq_env, **world.ollama_env, **ROOMY)
    secret = "gsk_" + "a8Kd93Jf" * 6 + "Qz7x"
    asked = {"prompt": "What is {item}", "items": ["a", f"key {secret}"], "task_type": "quick"}
    async with connected() as host:
        result = await host.call_tool("delegate_batch", asked)
    assert "2 of 2 items answered." in text_of(result)
    assert not any(secret in json.dumps(body) for body in world.groq.bodies)
    assert any(secret in json.dumps(body) for body in world.ollama.bodies)


async def test_what_cannot_be_used_is_one_error_and_nothing_is_sent(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.groq_env)
    async with connected() as host:
        result = await host.call_tool("delegate_batch", {"prompt": "no place", "items": ["a"]})
    assert result.is_error
    assert "{item}" in text_of(result)
    assert world.groq.bodies == []
