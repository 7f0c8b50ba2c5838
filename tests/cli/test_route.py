"""`delegate-mcp route` as a person types it: why a plan is what it is, and many prompts at once without a network."""

import json
import time
from pathlib import Path

import pytest

from tests.fakes.person import environment
from tests.fakes.shell import Shell

HELD_OUT = Path(__file__).parents[1] / "routing" / "held_out.jsonl"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    project = tmp_path / "project"
    project.mkdir()
    return Shell(project, environment(tmp_path))


async def test_explain_tells_signs_rows_with_file_and_line_and_overrides(shell: Shell, tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text('# my own\n[summarization]\ncandidates = ["gemini-lite", "groq-fst"]\n', encoding="utf-8")
    told = {
        "DELEGATE_MCP_RULES": str(mine),
        "GEMINI_API_KEY": "x",
        "MODEL_OVERRIDE_SUMMARIZATION": "gemini-2.5-pro",
        "MODEL_OVERRIDE_NOTHING": "x",
    }
    ended = await shell.run("route", "--explain", "Summarize this article in two sentences: it rained.", **told)
    assert ended.code == 0
    assert "1. gemini:gemini-3.8-flash [free] MODEL_OVERRIDE_SUMMARIZATION" in ended.out
    assert "2. gemini:gemini-3.5-flash-lite [free] gemini-lite" in ended.out
    assert f"-  groq-fst: {mine}, line 3, [summarization]: 'groq-fst' is no role" in ended.out
    assert "task type   summarization, opens with 'summarize'" in ended.out
    assert "complexity  simple" in ended.out
    assert f"candidates: {mine}, line 3" in ended.out
    assert "floor: rules.toml, line " in ended.out
    assert "MODEL_OVERRIDE_NOTHING: there is no role or task type 'nothing'" in ended.out


async def test_tiers_are_asked_for_by_name(shell: Shell) -> None:
    plan = await shell.run("route", "--tool", "tiered", "--json", "Design the data model of a shop", GROQ_API_KEY="x")
    assert plan.json["rule"] == "rules.toml:architecture"
    assert plan.json["told"]["signals"] == ["design: 'design'"]


async def test_a_file_of_prompts_is_planned_in_a_few_milliseconds_each_and_no_page_is_fetched(shell: Shell) -> None:
    rows = HELD_OUT.read_text(encoding="utf-8").splitlines()
    page = json.dumps({"id": "page", "text": "latest news on https://192.0.2.1/never about heat pumps"})
    start = time.perf_counter()
    many = await shell.run("route", "--jsonl", stdin="\n".join([*rows, page]))
    took = time.perf_counter() - start
    found = [json.loads(line) for line in many.out.splitlines()]
    assert len(found) == len(rows) + 1
    assert found[-1]["task_type"] == "research"
    assert took < 20  # a connection to nowhere alone would take longer than all of it
