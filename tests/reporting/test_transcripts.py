"""The director's usage, from transcripts in the shape that Claude Code 2.1.329 writes."""

import json
import os
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delegate_mcp.domain.usage import Usage
from delegate_mcp.reporting.periods import Period
from delegate_mcp.reporting.transcripts import LONGEST_LINE, Transcripts, read_transcripts, together, transcripts_folder

HERE = Path(__file__).parent
FIRST, SECOND = "5f0e7a52-0c1f-4a66-9d1e-3f2b8a1c0d11", "9b1d2c33-7e4f-4b21-8a90-1c2d3e4f5a66"
ALWAYS = Period(0.0, 4e9, "all")


@pytest.fixture
def projects(tmp_path: Path) -> Path:
    """The two conversations as they lie in a person's home."""
    folder = tmp_path / "projects"
    for directory, name, file in (("-home-me-api", FIRST, "transcript"), ("-home-me-site", SECOND, "resumed")):
        (folder / directory).mkdir(parents=True)
        shutil.copy(HERE / f"{file}.jsonl", folder / directory / f"{name}.jsonl")
    return folder


def read(folder: Path, *lines: bytes | dict[str, Any], period: Period = ALWAYS) -> Transcripts:
    """The transcripts of a folder with one conversation of those lines."""
    folder.mkdir(exist_ok=True)
    text = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    (folder / "s.jsonl").write_bytes(text)
    return read_transcripts(folder, period)


def said(message_id: str | None = "m", output: int = 1, **line: Any) -> dict[str, Any]:
    message: dict[str, Any] = {"model": "claude-opus-5-5", "usage": {"output_tokens": output}}
    return {"type": "assistant", "message": message | ({"id": message_id} if message_id else {}), **line}


def test_a_message_on_several_lines_and_in_a_resumed_file_is_counted_once(projects: Path) -> None:
    found = read_transcripts(projects, ALWAYS)
    assert sorted(message.usage.output_tokens for message in found.messages) == [30, 40, 60, 120]
    total = together(message.usage for message in found.messages)
    assert total == Usage(40 + 2900 + 40_300, 250, 40_300, cache_write_tokens=2900)


def test_calls_are_tied_to_conversations_and_conversations_to_the_directory_they_began_in(projects: Path) -> None:
    found = read_transcripts(projects, ALWAYS)
    assert found.conversations == {"c0000000001": FIRST}
    assert {Path(place).name for place in found.directories.values()} == {"api", "site"}
    assert {message.conversation for message in found.messages} == {FIRST, SECOND}


def test_only_what_came_after_our_own_tools_is_ours(projects: Path) -> None:
    ours = [message for message in read_transcripts(projects, ALWAYS).messages if message.of_ours]
    assert [message.usage.output_tokens for message in ours] == [40]


def test_a_line_that_is_cut_is_passed_over_and_counted(projects: Path) -> None:
    found = read_transcripts(projects, ALWAYS)
    assert (found.files, found.broken_lines, found.unread_files) == (2, 1, 0)


def test_only_the_messages_of_the_period_count(projects: Path) -> None:
    begin = datetime.fromisoformat("2026-11-20T09:00:10+00:00").timestamp()
    found = read_transcripts(projects, Period(begin, begin + 3600, "an hour"))
    assert sorted(message.usage.output_tokens for message in found.messages) == [30, 40]


def test_a_file_that_is_older_than_the_period_is_not_opened(projects: Path) -> None:
    for file in projects.rglob("*.jsonl"):
        os.utime(file, (1000, 1000))
    assert read_transcripts(projects, Period(2000.0, 4e9, "late")).files == 0


def test_a_folder_that_is_not_there_tells_nothing(tmp_path: Path) -> None:
    assert read_transcripts(tmp_path / "nowhere", ALWAYS) == Transcripts()


def test_a_line_without_time_directory_and_conversation_has_those_of_its_file(tmp_path: Path) -> None:
    read(tmp_path / "-home-me-old", said())
    os.utime(tmp_path / "-home-me-old" / "s.jsonl", (5000, 5000))
    found = read_transcripts(tmp_path, ALWAYS)
    (message,) = found.messages
    assert (message.at, message.conversation, found.directories) == (5000, "s", {"s": "-home-me-old"})


def test_messages_without_an_id_are_each_counted(tmp_path: Path) -> None:
    found = read(tmp_path / "p", said(None, 1), said(None, 2))
    assert [message.usage.output_tokens for message in found.messages] == [1, 2]


def test_a_line_longer_than_can_be_held_is_passed_over_and_the_next_one_read(tmp_path: Path) -> None:
    long = b'{"type":"assistant","message":"' + b"x" * (2 * LONGEST_LINE) + b'"}'
    found = read(tmp_path / "p", long, said("m", 7))
    assert (found.broken_lines, [message.usage.output_tokens for message in found.messages]) == (1, [7])


@pytest.mark.parametrize(
    "line",
    [
        b'"assistant"',
        b'["assistant"]',
        b'{"type":"assistant","message":{"id":"m","usage":',
        b'\xff\xfe"assistant"\x00',
        b'{"type":"assistant"}' + b"}",
        b"[" * 5000 + b'"assistant"',
    ],
)
def test_what_is_no_object_is_passed_over(tmp_path: Path, line: bytes) -> None:
    found = read(tmp_path / "p", line, said("m", 7))
    assert (found.broken_lines, len(found.messages)) == (1, 1)


@settings(deadline=None, max_examples=50)
@given(
    st.dictionaries(
        st.sampled_from(["message", "timestamp", "cwd", "sessionId", "mcpMeta", "attributionMcpTool"]),
        st.one_of(
            st.none(), st.integers(), st.text(max_size=3), st.lists(st.integers(), max_size=2),
            st.just({"id": 7, "usage": {"input_tokens": "many", "output_tokens": -3}}),
            st.just({"_meta": {"delegate": 1}}),
        ),
    )
)  # fmt: skip
def test_fields_of_any_kind_break_nothing(tmp_path_factory: pytest.TempPathFactory, fields: dict[str, Any]) -> None:
    found = read(tmp_path_factory.mktemp("t"), {"type": "assistant"} | fields, said("m", 7))
    assert together(message.usage for message in found.messages) == Usage(0, 7)


def test_the_folder_is_claude_codes_own(tmp_path: Path) -> None:
    assert transcripts_folder({}, tmp_path) == tmp_path / ".claude" / "projects"
    assert transcripts_folder({"CLAUDE_CONFIG_DIR": str(tmp_path / "c")}, tmp_path) == tmp_path / "c" / "projects"
