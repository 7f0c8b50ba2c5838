"""MCP Inspector's command line on the three transports and in both protocol eras."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.hosts.groq_api import groq_api
from tests.hosts.person import SERVER, Person, person_in
from tests.hosts.program import Finished, run_program
from tests.hosts.served import served

pytestmark = pytest.mark.hosts

every_transport = pytest.mark.parametrize("transport", ["stdio", "http", "sse"])
both_eras = pytest.mark.parametrize("era", ["legacy", "modern"])

TOOL_NOT_FOUND = 5


class Inspector:
    """`mcp-inspector --cli` pointed at one running server."""

    def __init__(self, person: Person, target: list[str], era: str) -> None:
        self._person = person
        self._command = ["mcp-inspector", "--cli", *target, "--protocol-era", era]

    async def run(self, *arguments: str) -> Finished:
        return await run_program([*self._command, *arguments], env=self._person.env(), cwd=self._person.project)

    async def result(self, *arguments: str) -> dict[str, Any]:
        """What it prints, where it says that all went well."""
        finished = await self.run(*arguments)
        assert finished.code == 0, finished.stderr + finished.stdout
        return json.loads(finished.stdout)


@asynccontextmanager
async def inspector(person: Person, transport: str, era: str) -> AsyncGenerator[Inspector]:
    if transport == "stdio":
        settings = [word for name, value in person.server_env.items() for word in ("-e", f"{name}={value}")]
        yield Inspector(person, [str(SERVER), "serve", *settings], era)
        return
    async with served(person, transport) as url:
        yield Inspector(person, [url, "--transport", transport], era)


@every_transport
@both_eras
async def test_it_lists_calls_reads_and_prompts(tmp_path: Path, transport: str, era: str) -> None:
    async with groq_api("Paris.") as groq, inspector(person_in(tmp_path, **groq.keys), transport, era) as client:
        listed = await client.result("--method", "tools/list", "--strict")
        assert {tool["name"] for tool in listed["tools"]} == {
            "delegate",
            "delegate_quick",
            "delegate_reasoning",
            "delegate_code",
            "delegate_longcontext",
            "delegate_private",
            "delegate_batch",
            "delegate_result",
        }
        assert not [tool["name"] for tool in listed["tools"] if "outputSchema" in tool]

        question = "prompt=What is the capital of France?"
        answer = await client.result("--method", "tools/call", "--tool-name", "delegate_quick", "--tool-arg", question)
        assert answer["isError"] is False
        [content] = answer["content"]
        assert content["text"].startswith("Paris.\n")
        assert answer["_meta"]["delegate"]["call_id"] in content["text"]
        assert len(groq.asked) == 1

        budget = await client.result("--method", "resources/read", "--uri", "budget://current")
        [block] = budget["contents"]
        assert block["mimeType"] == "application/json"
        assert "gsk_dummy" not in block["text"]
        assert json.loads(block["text"])

        prompt = await client.result("--method", "prompts/get", "--prompt-name", "direct")
        assert "director" in prompt["messages"][0]["content"]["text"]


@both_eras
async def test_a_call_that_fails_is_a_result_that_says_what_to_do(tmp_path: Path, era: str) -> None:
    async with groq_api("Paris.") as groq, inspector(person_in(tmp_path, **groq.keys), "stdio", era) as client:
        call = ("--method", "tools/call", "--tool-name", "delegate_quick", "--tool-arg")
        finished = await client.run(*call, "prompt=Summarise", 'files=["missing.txt"]')
        assert finished.code != 0
        answer = json.loads(finished.stdout)
        assert answer["isError"] is True
        assert "missing.txt" in answer["content"][0]["text"]
        assert groq.asked == []


async def test_a_tool_that_is_not_there_has_its_own_exit_code(tmp_path: Path) -> None:
    async with inspector(person_in(tmp_path), "stdio", "modern") as client:
        finished = await client.run("--method", "tools/call", "--tool-name", "delegate_nothing")
        assert finished.code == TOOL_NOT_FOUND
