"""A thread that grows long, as a director meets it: old turns are condensed once, for every process, and said so."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client
from starlette.requests import Request
from starlette.responses import Response

from tests.fakes.person import become, connected, facts_of, text_of
from tests.fakes.services import Answer, Services, fails, says, services

SHORT = {"DELEGATE_MCP_CALLS__THREAD_TOKENS": "1000"}
NOTES = "NOTES: three subjects were named."


@pytest.fixture
async def world() -> AsyncGenerator[Services]:
    async with services() as running:
        yield running


def condenses(body: dict[str, Any]) -> bool:
    return "another model goes on with" in body["messages"][-1]["content"]


def model(condensing: Answer | None = None) -> Answer:
    """A model that condenses as it is told, and says `fine` to anything else."""

    async def answer(request: Request) -> Response:
        if condenses(json.loads(await request.body())):
            return await (condensing or says(NOTES))(request)
        return await says("fine")(request)

    return answer


def subject(number: int) -> str:
    return f"Subject {number}. " + "There is much to say of it. " * 70


async def talk(host: Client, turns: int, tool: str = "delegate_quick") -> list[Any]:
    results: list[Any] = []
    for number in range(1, turns + 1):
        thread = {"thread": facts_of(results[-1])["call_id"]} if results else {}
        results.append(await host.call_tool(tool, {"prompt": subject(number), **thread}))
    return results


def sent(body: dict[str, Any]) -> str:
    return "\n".join(message["content"] for message in body["messages"])


async def test_old_turns_are_condensed_the_newest_stays_and_the_director_is_told(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.groq_env, **SHORT)
    world.groq.answers = [model()]
    async with connected() as host:
        results = await talk(host, 4)
    last = world.groq.bodies[-1]
    assert [message["role"] for message in last["messages"]] == ["system", *["user", "assistant"] * 2, "user"]
    assert NOTES in last["messages"][1]["content"]
    assert [f"Subject {number}" in sent(last) for number in (1, 2, 3, 4)] == [False, False, True, True]
    assert "old turns condensed" in text_of(results[-1])
    assert facts_of(results[-1])["notes"][0].startswith("old turns condensed: 2 turns up to c")
    asked = [sent(body) for body in world.groq.bodies if condenses(body)]
    assert "Subject 1" in asked[0]
    # It is part of the call: its attempts and its tokens.
    assert [attempt["outcome"] for attempt in facts_of(results[-1])["attempts"]] == ["ok", "ok"]


async def test_what_was_condensed_is_used_again_by_another_server_and_on_another_branch(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.groq_env, **SHORT)
    world.groq.answers = [model()]
    async with connected() as host:
        third = facts_of((await talk(host, 4))[2])["call_id"]
    before = sum(condenses(body) for body in world.groq.bodies)
    assert before == 1
    async with connected() as host:
        again = await host.call_tool("delegate_quick", {"prompt": "And now?", "thread": third})
    assert sum(condenses(body) for body in world.groq.bodies) == before
    assert NOTES in sent(world.groq.bodies[-1])
    assert "old turns condensed" in text_of(again)


async def test_what_was_condensed_is_condensed_on_with_what_came_since(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.groq_env, **SHORT)
    world.groq.answers = [model()]
    async with connected() as host:
        await talk(host, 6)
    asked = [sent(body) for body in world.groq.bodies if condenses(body)]
    assert len(asked) > 1
    assert NOTES in asked[-1]
    assert "Subject 1." not in asked[-1]


async def test_where_nobody_condenses_the_oldest_turns_are_dropped_and_told(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.groq_env, **SHORT)
    world.groq.answers = [model(fails(400, "declined by the content filter", "content_filter"))]
    async with connected() as host:
        results = await talk(host, 4)
    assert not any(result.is_error for result in results)
    assert "Subject 1" not in sent(world.groq.bodies[-1])
    assert "Subject 3" in sent(world.groq.bodies[-1])
    assert "old turns dropped" in text_of(results[-1])


async def test_a_private_thread_is_condensed_on_this_machine_alone(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.groq_env, **world.ollama_env, **SHORT)
    world.ollama.answers = [model()]
    async with connected() as host:
        results = await talk(host, 4, "delegate_private")
        thread = facts_of(results[-1])["call_id"]
        result = await host.call_tool("delegate_quick", {"prompt": "In short?", "thread": thread})
    assert any(condenses(body) for body in world.ollama.bodies)
    assert world.groq.bodies == []
    assert facts_of(result)["route"]["provider"] == "ollama"


async def test_follow_ups_at_the_same_time_do_each_other_no_harm(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.ollama_env, **SHORT)
    world.ollama.answers = [model()]
    found: list[Any] = []
    async with connected() as host:
        thread = facts_of((await talk(host, 3))[-1])["call_id"]

        async def follow(number: int) -> None:
            found.append(await host.call_tool("delegate_quick", {"prompt": f"Ask {number}", "thread": thread}))

        async with anyio.create_task_group() as tasks:
            for number in range(5):
                tasks.start_soon(follow, number)
    assert [text_of(result).startswith("fine") for result in found] == [True] * 5
    assert any(condenses(body) for body in world.ollama.bodies)


async def test_short_threads_are_never_condensed(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.groq_env)
    world.groq.answers = [model()]
    async with connected() as host:
        results = await talk(host, 4)
    assert not any(condenses(body) for body in world.groq.bodies)
    assert "condensed" not in text_of(results[-1])
    assert all(f"Subject {number}" in sent(world.groq.bodies[-1]) for number in (1, 2, 3, 4))
