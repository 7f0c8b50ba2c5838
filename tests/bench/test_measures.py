import json
import os
import sys
from pathlib import Path

import pytest

from bench import memory, reply_line, run, schema_tokens, tokens


def test_only_what_a_director_reads_of_a_tool_is_counted() -> None:
    tool = {"name": "t", "description": "d", "inputSchema": {"type": "object"}}
    more = {**tool, "annotations": {"readOnlyHint": True}, "title": "T", "_meta": {}}
    assert tokens.tool_list([more]) == '[{"name":"t","description":"d","inputSchema":{"type":"object"}}]'


def test_tokens_are_those_of_o200k() -> None:
    assert tokens.count("hello world") == 2
    assert tokens.count("") == 0


@pytest.mark.parametrize(
    ("reply", "line"),
    [
        ("Yes.\n\n[groq:x · c_1]", "[groq:x · c_1]"),
        ("Yes.\n[groq:x · c_1]\n", "[groq:x · c_1]"),
        ("A list:\n[1, 2", ""),
        ("Yes.", ""),
    ],
)
def test_the_bracketed_line_is_the_last_one_or_none(reply: str, line: str) -> None:
    assert reply_line.bracketed(reply) == line


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc, which only Linux has")
def test_memory_counts_what_a_process_holds() -> None:
    before = memory.of_process(os.getpid())
    held = bytearray(os.urandom(32 * 1024 * 1024))
    after = memory.of_process(os.getpid())
    assert len(held) >> 20 == 32
    assert after.rss - before.rss == pytest.approx(32, abs=4)
    assert 0 < after.pss <= after.rss


def test_the_real_servers_tool_list_and_instructions_are_within_their_targets() -> None:
    listed, instructions, *_ = schema_tokens.measure()
    assert (listed.met, instructions.met) == (True, True), f"{listed.ours} tokens: {listed.note}"


def test_a_missed_target_fails_the_run_only_where_that_was_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "figures.json"
    missed = {"mine": lambda: [run.Figure(name="size", unit="MB", ours=2, at_most=1)]}
    assert run.main(["--json", str(report)], missed) == 0
    assert run.main(["--strict"], missed) == 1
    assert "| NO" in capsys.readouterr().out
    assert json.loads(report.read_text(encoding="utf-8"))["figures"][0]["met"] is False
