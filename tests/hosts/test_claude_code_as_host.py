"""Claude Code with our server registered, its model a script behind a stand-in Anthropic API."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from delegate_mcp.instructions import INSTRUCTIONS
from tests.fakes.anthropic_api import AnthropicApi, Handler, Received, Reply, Text, ToolUse, anthropic_api
from tests.hosts.groq_api import groq_api
from tests.hosts.person import SERVER, Person, person_in
from tests.hosts.program import Finished, run_program

pytestmark = pytest.mark.hosts

TOOL = "mcp__delegate__delegate_quick"
ALL_OF_OURS = "mcp__delegate"
QUESTION = ToolUse(TOOL, {"prompt": "What is the capital of France? One word."})
HOST_CUTS_INSTRUCTIONS_AT = 2048


def director(*turns: ToolUse) -> Handler:
    """A model that makes these calls one after another, then says `Done.`"""

    def reply(request: Received) -> Reply:
        made = len(request.tool_results)
        return turns[made] if request.tools and made < len(turns) else Text("Done.")

    return reply


async def claude(person: Person, api: AnthropicApi, *options: str) -> Finished:
    """`claude -p` in the person's project, with the server in its configuration and nothing allowed but by options."""
    server = {"command": str(SERVER), "args": ["serve"], "env": person.server_env}
    registered = json.dumps({"mcpServers": {"delegate": server}})
    env = person.env(
        ANTHROPIC_BASE_URL=api.base_url,
        ANTHROPIC_API_KEY="dummy",
        CLAUDE_CODE_MAX_RETRIES="0",
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
    )
    command = ["claude", "-p", "--output-format", "json", "--strict-mcp-config", "--mcp-config", registered, *options]
    finished = await run_program(command, env=env, cwd=person.project, stdin="Find out the capital of France.")
    assert finished.code == 0, finished.stderr + finished.stdout
    return finished


def transcript(person: Person) -> Iterator[dict[str, Any]]:
    """The lines of the one conversation that was had."""
    [path] = (person.home / ".claude" / "projects").glob("*/*.jsonl")
    for line in path.read_text().splitlines():
        yield json.loads(line)


async def test_the_director_reads_the_answer_as_plain_text_and_the_transcript_names_the_call(tmp_path: Path) -> None:
    async with groq_api("Paris.") as groq, anthropic_api(director(QUESTION)) as api:
        person = person_in(tmp_path, **groq.keys)
        finished = await claude(person, api, "--allowedTools", TOOL)
    assert json.loads(finished.stdout)["permission_denials"] == []
    read = api.received[-1].tool_result()
    assert read.startswith("Paris.\n\n[")
    assert read.endswith("]")
    assert '{"' not in read

    [result] = [line for line in transcript(person) if "mcpMeta" in line]
    about = result["mcpMeta"]["_meta"]["delegate"]
    assert about["call_id"] in read
    assert about["route"]["provider"] == "groq"
    assert "structuredContent" not in result["mcpMeta"]


async def test_the_director_has_our_instructions_whole_and_every_tool_by_name(tmp_path: Path) -> None:
    async with anthropic_api(director()) as api:
        await claude(person_in(tmp_path), api)
    [first] = api.with_tools()
    assert len(INSTRUCTIONS) <= HOST_CUTS_INSTRUCTIONS_AT
    assert INSTRUCTIONS in first.said
    names = ("", "_quick", "_reasoning", "_code", "_longcontext", "_private", "_result")
    assert [name for name in names if f"\nmcp__delegate__delegate{name}\n" not in first.said] == []


async def test_a_director_that_looks_for_a_tool_is_given_its_schema(tmp_path: Path) -> None:
    search = ToolUse("ToolSearch", {"query": f"select:{TOOL}", "max_results": 5})
    async with groq_api("Paris.") as groq, anthropic_api(director(search, QUESTION)) as api:
        await claude(person_in(tmp_path, **groq.keys), api, "--allowedTools", TOOL)
    [given] = [tool for tool in api.received[-1].body["tools"] if tool["name"] == TOOL]
    assert given["input_schema"]["required"] == ["prompt"]
    assert api.received[-1].tool_result().startswith("Paris.\n")


async def test_without_leave_the_call_is_denied_and_nothing_is_asked(tmp_path: Path) -> None:
    async with groq_api("Paris.") as groq, anthropic_api(director(QUESTION)) as api:
        finished = await claude(person_in(tmp_path, **groq.keys), api)
    assert [denial["tool_name"] for denial in json.loads(finished.stdout)["permission_denials"]] == [TOOL]
    assert groq.asked == []


async def test_one_rule_allows_all_our_tools_and_a_failed_call_is_an_error_the_director_reads(tmp_path: Path) -> None:
    missing = ToolUse("mcp__delegate__delegate_reasoning", {"prompt": "Summarise.", "files": ["missing.txt"]})
    async with groq_api("Paris.") as groq, anthropic_api(director(missing, QUESTION)) as api:
        finished = await claude(person_in(tmp_path, **groq.keys), api, "--allowedTools", ALL_OF_OURS)
    assert json.loads(finished.stdout)["permission_denials"] == []
    last = api.received[-1]
    assert last.tool_results[0]["is_error"] is True
    assert "missing.txt" in last.tool_result(0)
    assert last.tool_result(1).startswith("Paris.\n")


async def test_the_director_reads_the_budget_through_the_hosts_own_tool(tmp_path: Path) -> None:
    read = ToolUse("ReadMcpResourceTool", {"server": "delegate", "uri": "budget://current"})
    async with groq_api("Paris.") as groq, anthropic_api(director(QUESTION, read)) as api:
        await claude(person_in(tmp_path, **groq.keys), api, "--allowedTools", ALL_OF_OURS)
    [content] = json.loads(api.received[-1].tool_result())["contents"]
    assert json.loads(content["text"])
    assert "groq" in content["text"]


async def test_when_the_conversation_ends_so_does_the_server_and_the_call_stays_on_record(tmp_path: Path) -> None:
    async with groq_api("Paris.") as groq, anthropic_api(director(QUESTION)) as api:
        person = person_in(tmp_path, **groq.keys)
        await claude(person, api, "--allowedTools", ALL_OF_OURS)
        env = person.env(**person.server_env)
        budget = await run_program([SERVER, "budget", "--json"], env=env, cwd=person.project)
    [log] = person.home.glob(".cache/claude-cli-nodejs/*/mcp-logs-delegate/*.jsonl")
    assert "MCP server process exited cleanly" in log.read_text()
    today = json.loads(budget.stdout)["today"]
    assert (today["calls"], today["failed_calls"]) == (1, 0)
    assert today["tiers"]["free"]["attempts"] == 1
