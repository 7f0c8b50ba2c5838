"""A day of a director in Claude Code: what its model reads of long work is short, and all of it is on record."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from delegate_mcp.domain.usage import estimate_tokens
from tests.fakes.anthropic_api import Received, Reply, Text, ToolUse, anthropic_api
from tests.hosts.groq_api import groq_api
from tests.hosts.person import SERVER, Person, person_in
from tests.hosts.program import run_program
from tests.hosts.test_claude_code_as_host import ALL_OF_OURS, claude, transcript

pytestmark = pytest.mark.hosts

CHECK = f"{Path(sys.executable).as_posix()} -m unittest"
BROKEN = "def add(a, b):\n    return a - b\n"
TEST = """\
import unittest
from calc import add

class Adds(unittest.TestCase):
    def test_it(self):
        self.assertEqual(add(2, 3), 5)
"""
SCHEMA = {"type": "object", "properties": {"year": {"type": "integer"}}, "required": ["year"]}
LONG = "\n".join(f"{number}. A ledger of the town, page {number}: nothing of note was entered." for number in range(90))
BUDGET = 3_600
"""Tokens: our lists, the calls below and one long page are within it, a second one is not."""

Turn = Callable[[Received], ToolUse]


def turn(tool: str, **arguments: Any) -> Turn:
    """A call that hangs on nothing before it."""
    return lambda _: ToolUse(f"mcp__delegate__{tool}", arguments)


def rest_of_the_long_answer(request: Received) -> ToolUse:
    """What a director asks that has read `[model c123456789012 cut 210/6000]`."""
    *_, call_id, _, place = request.tool_result().rstrip("]").split()
    arguments = {"call_id": call_id, "offset": int(place.partition("/")[0])}
    return ToolUse("mcp__delegate__delegate_result", arguments)


DAY: Mapping[str, Turn] = {
    "edit": turn("delegate_code", prompt="Mend add().", files=["calc.py"], edit=True, check=CHECK),
    "batch": turn("delegate_batch", prompt="Capital of {item}?", items=["Peru", "Chad", "Oman"], save_to="out.jsonl"),
    "json": turn("delegate_quick", prompt="When was the town founded?", json_schema=SCHEMA),
    "cut": turn("delegate", task_type="summarization", prompt="All of the chronicle.", max_result_tokens=60),
    "rest": rest_of_the_long_answer,
    "digest": turn("delegate_reasoning", prompt="The chronicle once more."),
    "budget": lambda _: ToolUse("ReadMcpResourceTool", {"server": "delegate", "uri": "budget://current"}),
}


def director(request: Received) -> Reply:
    """Its model: the calls of the day in order, then `Done.`"""
    made = len(request.tool_results)
    return list(DAY.values())[made](request) if request.tools and made < len(DAY) else Text("Done.")


def worker() -> Callable[[str], str]:
    """The free model: wrong at first where that can be seen."""
    asked: dict[str, int] = {}

    def second(what: str) -> bool:
        asked[what] = asked.get(what, 0) + 1
        return asked[what] > 1

    def answer(sent: str) -> str:
        if "Say what this answer says" in sent:
            return "Nothing of note in ninety pages."
        if "Mend add()" in sent:
            mended = "a + b" if second("mend") else "a * b"
            return f"calc.py\n<<<<<<< SEARCH\n    return a - b\n=======\n    return {mended}\n>>>>>>> REPLACE\n"
        if "founded" in sent:
            return 'Of course: {"year": 1403}' if second("year") else "In the year 1403."
        return LONG if "chronicle" in sent else "A capital."

    return answer


async def reported(person: Person) -> dict[str, Any]:
    """`delegate-mcp report --claude`, as the person runs it."""
    env = person.env(**person.server_env)
    told = await run_program([SERVER, "report", "--claude", "--json"], env=env, cwd=person.project)
    return json.loads(told.stdout)


async def test_a_day_of_delegating_leaves_the_director_with_little_to_read(tmp_path: Path) -> None:
    async with groq_api(worker()) as groq, anthropic_api(director) as api:
        settings = {
            "DELEGATE_MCP_CHECKS__COMMANDS": json.dumps([CHECK]),
            "DELEGATE_MCP_BUDGET__DIRECTOR_TOKENS": str(BUDGET),
        }
        person = person_in(tmp_path, **groq.keys, **settings)
        (person.project / "calc.py").write_text(BROKEN)
        (person.project / "test_calc.py").write_text(TEST)
        await claude(person, api, "--allowedTools", ALL_OF_OURS)
        report = await reported(person)
    last = api.received[-1]
    assert [result.get("is_error", False) for result in last.tool_results] == [False] * len(DAY)
    read = {what: last.tool_result(number) for number, what in enumerate(DAY)}

    assert read["edit"].startswith("Edited 1 file (check passed, 2 tries):\ncalc.py +1 -1\n")
    assert (person.project / "calc.py").read_text() == "def add(a, b):\n    return a + b\n"
    assert read["batch"].startswith("3 of 3 items answered.\nSaved out.jsonl: a line of JSON an item, in order.\n")
    rows = [json.loads(line) for line in (person.project / "out.jsonl").read_text().splitlines()]
    assert [(row["item"], row["answer"]) for row in rows] == [(of, "A capital.") for of in ("Peru", "Chad", "Oman")]
    assert read["json"].startswith('{"year":1403}\n\n[')
    head, rest = (read[what].rpartition("\n\n[")[0] for what in ("cut", "rest"))
    assert (head + rest).split() == LONG.split()
    assert read["digest"].startswith("Nothing of note in ninety pages.\n\n[")
    assert f"digest of {len(LONG)} chars]" in read["digest"]
    small = {what: estimate_tokens(text) for what, text in read.items() if what not in {"rest", "budget"}}
    assert max(small.values()) < 110, small
    told = json.loads(json.loads(read["budget"])["contents"][0]["text"])
    assert told["connection"]["director_tokens"]["budget"] == BUDGET

    assert report["calls"]["total"] == 7  # edit, json, cut, digest, and the three items
    assert report["claude"]["tied_calls"] == 7 + 1  # and the batch itself
    assert report["claude"]["delegating_conversations"]["conversations"] == 1
    kept = [line["mcpMeta"]["_meta"]["delegate"]["call_id"] for line in transcript(person) if "mcpMeta" in line]
    assert len(kept) == len(DAY) - 1
