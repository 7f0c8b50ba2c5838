"""`delegate-mcp scan`, as a person runs it."""

import json
import subprocess
import sys
from pathlib import Path

from tests.fakes.person import environment
from tests.privacy import made


def scan(tmp_path: Path, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "delegate_mcp", "scan", *arguments],
        input=given,
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=tmp_path,
        env={**environment(tmp_path), "PYTHONUTF8": "1"},
        timeout=60,
        check=False,
    )


def test_file_line_and_kind_are_told_and_never_the_value(tmp_path: Path) -> None:
    (tmp_path / "a.env").write_text(f"A=1\nDB_PASSWORD={made.PASSWORD}\n")
    done = scan(tmp_path, "a.env")
    assert (done.returncode, done.stdout) == (1, "a.env:2 password\n")
    assert made.PASSWORD not in done.stderr


def test_nothing_found_is_silence_and_0(tmp_path: Path) -> None:
    done = scan(tmp_path, "-", given="print('hello')\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_file_that_is_not_there_is_an_error_of_its_own(tmp_path: Path) -> None:
    done = scan(tmp_path, "missing.txt")
    assert done.returncode not in {0, 1} or "cannot be read" in done.stderr
    assert "missing.txt cannot be read" in done.stderr


def test_jsonl_answers_line_by_line_in_order_and_goes_on_after_a_bad_line(tmp_path: Path) -> None:
    lines = [
        json.dumps({"id": "a", "text": f"x\ntoken {made.GITHUB}"}),
        "not json",
        json.dumps({"id": 2, "text": "nothing"}),
        json.dumps({"id": 3, "text": ["no text"]}),
    ]
    done = scan(tmp_path, "-", "--jsonl", given="\n".join(lines) + "\n")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"id": "a", "findings": [{"kind": "github-pat", "line": 2}]},
        {"id": 2, "findings": []},
    ]
    assert "line 2 is not" in done.stderr
    assert "line 4 is not" in done.stderr
    assert done.returncode == 1
