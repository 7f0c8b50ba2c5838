"""`delegate-mcp scan`, as a person runs it."""

import json
from pathlib import Path

import pytest

from tests.fakes.person import environment
from tests.fakes.shell import Shell
from tests.privacy import made


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path, environment(tmp_path))


async def test_file_line_and_kind_are_told_and_never_the_value(shell: Shell) -> None:
    (shell.project / "a.env").write_text(f"A=1\nDB_PASSWORD={made.PASSWORD}\n")
    done = await shell.process("scan", "a.env")
    assert (done.code, done.out) == (1, "a.env:2 password\n")
    assert made.PASSWORD not in done.err


async def test_nothing_found_is_silence_and_0(shell: Shell) -> None:
    done = await shell.run("scan", "-", stdin="print('hello')\n")
    assert (done.code, done.out, done.err) == (0, "", "")


async def test_a_file_that_is_not_there_is_an_error_of_its_own(shell: Shell) -> None:
    done = await shell.run("scan", "missing.txt")
    assert done.code not in {0, 1} or "cannot be read" in done.err
    assert "missing.txt cannot be read" in done.err


async def test_jsonl_answers_line_by_line_in_order_and_goes_on_after_a_bad_line(shell: Shell) -> None:
    lines = [
        json.dumps({"id": "a", "text": f"x\ntoken {made.GITHUB}"}),
        "not json",
        json.dumps({"id": 2, "text": "nothing"}),
        json.dumps({"id": 3, "text": ["no text"]}),
    ]
    done = await shell.process("scan", "-", "--jsonl", stdin="\n".join(lines) + "\n")
    assert [json.loads(line) for line in done.out.splitlines()] == [
        {"id": "a", "findings": [{"kind": "github-pat", "line": 2}]},
        {"id": 2, "findings": []},
    ]
    assert "line 2 is not" in done.err
    assert "line 4 is not" in done.err
    assert done.code == 1
