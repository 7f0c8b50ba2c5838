"""Claude Code as the backend of `delegate_code`, its API a stand-in that keeps what it was sent."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, TextContent

from tests.fakes.anthropic_api import OVERLOADED, AnthropicApi, Handler, Received, Reply, Text, ToolUse, anthropic_api
from tests.hosts.groq_api import groq_api
from tests.hosts.person import SERVER, Person, person_in

pytestmark = pytest.mark.hosts

BILLED = {"DELEGATE_MCP_PROVIDERS__CLAUDE__BILL_API": "true", "DELEGATE_MCP_BUDGET__DAILY_USD": "5"}
"""The only way for a test to log the CLI in: a dummy key, which it takes for one that bills."""

HARD = "Refactor the interpreter to be thread-safe, with unit tests for its race conditions."
"""Hard enough for the rules to ask Claude Code before Groq."""


@asynccontextmanager
async def server(person: Person, api: AnthropicApi) -> AsyncGenerator[Client]:
    """Our server on stdio, started by a parent that is itself a Claude Code with an API key."""
    env = person.env(
        ANTHROPIC_BASE_URL=api.base_url,
        ANTHROPIC_API_KEY="dummy",
        CLAUDECODE="1",
        CLAUDE_CODE_SESSION_ID="7a7a7a7a-0000-4000-8000-000000000000",
        **person.server_env,
    )
    parameters = StdioServerParameters(command=str(SERVER), args=["serve"], env=env, cwd=person.project)
    async with Client(parameters) as client:
        yield client


def text_of(result: CallToolResult) -> str:
    [content] = result.content
    assert isinstance(content, TextContent)
    return content.text


def told(result: CallToolResult) -> dict[str, Any]:
    """What `_meta` says of the call."""
    assert result.meta is not None
    return result.meta["delegate"]


def says(text: str) -> Handler:
    return lambda _: Text(text)


async def test_the_answer_is_the_clis_and_its_request_carries_the_prompt_and_no_tools(tmp_path: Path) -> None:
    person = person_in(tmp_path, **BILLED)
    # A project that registers this server with Claude Code: a child that loaded it would start us again.
    registered = {"mcpServers": {"delegate": {"command": str(SERVER), "args": ["serve"]}}}
    (person.project / ".mcp.json").write_text(json.dumps(registered))
    async with anthropic_api(says("print('hello')")) as api, server(person, api) as client:
        result = await client.call_tool("delegate_code", {"prompt": "Write hello in Python."})
    assert result.is_error is False, text_of(result)
    assert text_of(result).startswith("print('hello')\n")
    assert told(result)["route"]["provider"] == "claude"
    [asked] = api.received
    assert "Write hello in Python." in asked.said
    assert asked.tools == ()
    assert "mcp__" not in json.dumps(asked.body)
    assert asked.headers["x-api-key"] == "dummy"
    assert asked.headers["x-claude-code-session-id"] != "7a7a7a7a-0000-4000-8000-000000000000"


async def test_a_persons_api_key_is_not_given_to_the_cli_and_the_next_candidate_answers(tmp_path: Path) -> None:
    async with (
        groq_api("print('hello from groq')") as groq,
        anthropic_api(says("billed")) as api,
        server(person_in(tmp_path, **groq.keys), api) as client,
    ):
        result = await client.call_tool("delegate_code", {"prompt": HARD})
    assert api.received == []
    assert text_of(result).startswith("print('hello from groq')\n")
    failed, answered = told(result)["attempts"]
    assert (failed["provider"], failed["outcome"], failed["error_kind"]) == ("claude", "failed", "auth")
    assert (answered["provider"], answered["outcome"]) == ("groq", "ok")


async def test_an_overloaded_service_is_asked_twice_and_then_the_next_candidate_answers(tmp_path: Path) -> None:
    async with (
        groq_api("print('hello from groq')") as groq,
        anthropic_api(lambda _: OVERLOADED) as api,
        server(person_in(tmp_path, **groq.keys, **BILLED), api) as client,
    ):
        result = await client.call_tool("delegate_code", {"prompt": HARD})
    assert text_of(result).startswith("print('hello from groq')\n")
    failed = told(result)["attempts"][0]
    assert (failed["provider"], failed["error_kind"], failed["status"]) == ("claude", "overloaded", 529)
    assert len(api.received) == 2


async def test_an_edit_job_changes_the_file_in_its_directory(tmp_path: Path) -> None:
    person = person_in(tmp_path, **BILLED)
    work = person.project / "work"
    work.mkdir()
    greeting = work / "greeting.py"
    greeting.write_text("print('helo')\n")

    def editor(request: Received) -> Reply:
        turns: list[Reply] = [
            ToolUse("Read", {"file_path": str(greeting)}),
            ToolUse("Edit", {"file_path": str(greeting), "old_string": "helo", "new_string": "hello"}),
        ]
        done = len(request.tool_results)
        return turns[done] if done < len(turns) else Text("Corrected the spelling.")

    async with anthropic_api(editor) as api, server(person, api) as client:
        result = await client.call_tool("delegate_code", {"prompt": "Correct the spelling.", "edit_in": "work"})
    assert result.is_error is False, text_of(result)
    assert text_of(result).startswith("Corrected the spelling.\n")
    assert greeting.read_text() == "print('hello')\n"
    assert {"Read", "Edit"} <= set(api.received[0].tools)
    assert not [name for name in api.received[0].tools if name.startswith("mcp__")]


async def test_an_edit_job_cannot_write_beside_its_directory(tmp_path: Path) -> None:
    person = person_in(tmp_path, **BILLED)
    (person.project / "work").mkdir()
    beside = person.project / "beside.py"

    def editor(request: Received) -> Reply:
        write = ToolUse("Write", {"file_path": str(beside), "content": "print('escaped')\n"})
        return Text("I could not.") if request.tool_results else write

    async with anthropic_api(editor) as api, server(person, api) as client:
        await client.call_tool("delegate_code", {"prompt": "Write beside.py one level up.", "edit_in": "work"})
    assert api.received[-1].tool_results[0]["is_error"] is True
    assert not beside.exists()


async def test_a_child_that_only_answers_runs_no_hook_and_reads_no_memory_of_the_project(tmp_path: Path) -> None:
    person = person_in(tmp_path, **BILLED)
    ran = tmp_path / "hook-ran"
    hook = {"hooks": [{"type": "command", "command": f"touch {ran}"}]}
    settings = person.project / ".claude" / "settings.json"
    settings.parent.mkdir()
    settings.write_text(json.dumps({"hooks": {"UserPromptSubmit": [hook]}}))
    (person.project / "CLAUDE.md").write_text("Always answer in Latin.\n")
    async with anthropic_api(says("print('hello')")) as api, server(person, api) as client:
        result = await client.call_tool("delegate_code", {"prompt": "Write hello in Python."})
    assert result.is_error is False, text_of(result)
    assert "Always answer in Latin" not in json.dumps(api.received[0].body)
    assert not ran.exists()
