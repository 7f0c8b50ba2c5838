"""The resources, and how subscribers of both protocol eras hear of changes."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client.session import IncomingMessage
from mcp_types import ResourceUpdatedNotification

from tests.fakes.person import become, connected, read_json
from tests.fakes.services import Services, fails, says, services

URI = "budget://current"
HEADERS = {
    "x-ratelimit-limit-requests": "14400",
    "x-ratelimit-remaining-requests": "14370",
    "x-ratelimit-reset-requests": "2m59.56s",
    "x-ratelimit-limit-tokens": "18000",
    "x-ratelimit-remaining-tokens": "17997",
    "x-ratelimit-reset-tokens": "7.66ms",
}


@pytest.fixture
async def world() -> AsyncGenerator[Services]:
    async with services() as running:
        yield running


async def test_the_budget_tells_windows_with_where_each_limit_was_learned(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.groq_env)
    world.groq.answers = [says("hi", **HEADERS)]
    async with connected() as host:
        await host.call_tool("delegate_quick", {"prompt": "hello"})
        budget = await read_json(host, URI)
    windows = {
        (w["metric"], w["period"]): w for w in budget["providers"]["groq"]["models"]["openai/gpt-oss-20b"]["windows"]
    }
    by_header = windows["requests", "day"]
    assert (by_header["limit"], by_header["learned"]) == (14_400, "header")
    assert by_header["left"] <= 14_370
    assert "resets_at" in by_header
    assert windows["requests", "minute"]["learned"] == "catalog"
    assert budget["today"]["tiers"]["free"]["input_tokens"] == 12
    assert budget["connection"]["calls"] == 1
    assert budget["connection"]["director"]["input_tokens"] > 0
    assert float(budget["today"]["cost_usd"]) == 0


async def test_the_budget_tells_cooldowns_and_failed_calls(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.groq_env)
    world.groq.answers = [fails(429, "Rate limit reached", "rate_limit_exceeded", **{"retry-after": "30"})]
    async with connected() as host:
        await host.call_tool("delegate_quick", {"prompt": "hello"})
        budget = await read_json(host, URI)
    model = budget["providers"]["groq"]["models"]["openai/gpt-oss-20b"]
    assert model["cooldown"]["why"] == "rate_limited"
    assert budget["today"]["failed_calls"] == 1


async def test_the_counts_of_a_connection_are_its_own(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.groq_env)
    async with connected() as host:
        await host.call_tool("delegate_quick", {"prompt": "hello"})
        first = await read_json(host, URI)
    async with connected() as host:
        assert (await read_json(host, URI))["today"]["calls"] == first["today"]["calls"] == 1


async def test_the_catalog_says_what_is_usable_and_for_the_rest_what_to_do(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.groq_env, **world.ollama_env)
    async with connected() as host:
        found = await read_json(host, "models://catalog")
    providers = {row["name"]: row for row in found["providers"]}
    assert "openai/gpt-oss-20b" in [model["model"] for model in providers["groq"]["models"]]
    assert [model["model"] for model in providers["ollama"]["models"]] == ["qwen3:14b"]
    assert providers["gemini"]["usable"] is False
    assert "GEMINI_API_KEY" in providers["gemini"]["mend"]
    assert "gsk_dummy" not in str(found)
    assert found["aliases"]["llama-3.3-70b-versatile"] == "groq:openai/gpt-oss-120b"


# The client library discourages what older hosts still do.
@pytest.mark.filterwarnings("ignore:resources/(un)?subscribe is removed")
async def test_older_clients_that_subscribed_are_told_and_no_more_once_they_left(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.groq_env)
    told: list[str] = []
    heard = anyio.Event()

    async def on_message(message: IncomingMessage) -> None:
        if isinstance(message, ResourceUpdatedNotification):
            told.append(str(message.params.uri))
            heard.set()

    async with connected(mode="legacy", message_handler=on_message) as host:
        assert host.server_capabilities.resources is not None
        assert host.server_capabilities.resources.subscribe
        await host.subscribe_resource(URI)  # pyright: ignore[reportDeprecated] - older hosts do it
        await host.call_tool("delegate_quick", {"prompt": "hello"})
        with anyio.fail_after(10):
            await heard.wait()
        await host.unsubscribe_resource(URI)  # pyright: ignore[reportDeprecated] - older hosts do it
        count = len(told)
        await host.call_tool("delegate_quick", {"prompt": "hello"})
    assert told[0] == URI
    assert len(told) == count


async def test_newer_clients_that_listen_are_told(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.groq_env)
    async with connected() as host, host.listen(resource_subscriptions=[URI]) as events:
        await host.call_tool("delegate_quick", {"prompt": "hello"})
        with anyio.fail_after(10):
            event: Any = await anext(aiter(events))
    assert str(event.uri) == URI


async def test_a_typo_in_the_settings_is_told_by_the_resource_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, DELEGATE_MCP_CALLS__IDEL_S="3")
    async with connected() as host:
        with pytest.raises(Exception, match="idle_s"):
            await host.read_resource(URI)


async def test_the_prompt_direct_takes_a_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    become(tmp_path, monkeypatch)
    async with connected() as host:
        assert [prompt.name for prompt in (await host.list_prompts()).prompts] == ["direct"]
        result = await host.get_prompt("direct", {"job": "Mend the tests"})
        block = result.messages[0].content
    assert block.type == "text"
    assert block.text.endswith("The job:\nMend the tests")
