"""Whole MCP servers with one model host: they share it, and a director reads what became of an engine that crashed."""

import json
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, TextContent

from tests.fakes.local_person import environment, no_host_left, own_model, starts, until_gone


@asynccontextmanager
async def server(folder: Path) -> AsyncGenerator[Client]:
    own = {"DELEGATE_MCP_LOCAL__MODEL": str(folder / "own-model.gguf"), "DELEGATE_MCP_LOCAL__ENGINE": "xllamacpp"}
    parameters = StdioServerParameters(
        command=sys.executable, args=["-m", "delegate_mcp"], env=environment(folder, own), cwd=str(folder)
    )
    async with Client(parameters) as client:
        yield client


async def ask(client: Client) -> CallToolResult:
    return await client.call_tool("delegate_private", {"prompt": "Say hi."})


def text(result: CallToolResult) -> str:
    [block] = result.content
    assert isinstance(block, TextContent)
    return block.text


def facts(result: CallToolResult) -> dict[str, Any]:
    return (result.meta or {})["delegate"]


async def test_eight_calls_of_four_servers_at_once_run_in_one_engine(tmp_path: Path) -> None:
    own_model(tmp_path)
    pids: list[int] = []
    async with no_host_left(tmp_path), AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(server(tmp_path)) for _ in range(4)]

        async def call(client: Client) -> None:
            result = await ask(client)
            assert not result.is_error, text(result)
            pids.append(json.loads(text(result).splitlines()[0])["pid"])

        async with anyio.create_task_group() as tasks:
            for client in (*clients, *clients):
                tasks.start_soon(call, client)
        assert len(pids) == 8
        assert set(pids) == {start["pid"] for start in starts(tmp_path)}
        assert len(starts(tmp_path)) == 1


async def test_an_engine_that_crashes_in_a_call_is_started_again_once_and_the_reply_says_so(tmp_path: Path) -> None:
    own_model(tmp_path, "crashes-once")
    async with no_host_left(tmp_path), server(tmp_path) as client:
        result = await ask(client)
    assert not result.is_error
    assert "engine restarted" in text(result).splitlines()[-1]
    assert facts(result)["notes"] == ["engine restarted: it ended with exit code 7 before"]
    assert [attempt["outcome"] for attempt in facts(result)["attempts"]] == ["failed", "ok"]
    assert len(starts(tmp_path)) == 2


async def test_an_engine_that_crashes_at_every_call_is_given_up_after_one_more_start_and_told_why(
    tmp_path: Path,
) -> None:
    own_model(tmp_path, "always-crashes")
    async with no_host_left(tmp_path), server(tmp_path) as client:
        result = await ask(client)
    assert result.is_error
    assert "the local engine ended with exit code 7" in text(result)
    assert len(starts(tmp_path)) == 2


async def test_an_engine_that_was_killed_between_two_calls_is_noted_in_the_next_reply(tmp_path: Path) -> None:
    own_model(tmp_path)
    async with no_host_left(tmp_path), server(tmp_path) as client:
        assert "restarted" not in text(await ask(client))
        pid = starts(tmp_path)[0]["pid"]
        os.kill(pid, signal.SIGTERM)
        await until_gone(pid)
        result = await ask(client)
    assert facts(result)["notes"][0].startswith("engine restarted: it ended")
