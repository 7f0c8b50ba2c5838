"""The director's real usage, read from Claude Code's transcripts on this machine. Only counts and names are kept.

`<folder>/<directory>/<conversation>.jsonl` holds one JSON object a line. What is read of it:

- `type: assistant`: `message.id`, `message.model`, `message.usage`; one API message stands on several lines, and again
  in the file of a conversation that was resumed: it is counted once, with the largest counts that any line tells.
- `attributionMcpServer` and `attributionMcpTool` beside it: the message came after a call of that tool.
- `type: user` with `mcpMeta._meta.delegate.call_id`: a result of ours, which ties the call to the conversation.

A line that is cut, too long or not as expected is passed over and counted. Files are read line by line.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

from delegate_mcp.domain.usage import Usage
from delegate_mcp.reporting.periods import Period

LONGEST_LINE = 32 * 1024 * 1024
"""Of a longer line only so much is held at once, and none of it is used."""
_OURS = "delegate"
_TELLS = (b'"assistant"', b'"mcpMeta"')
"""A line with neither has nothing for us; most lines are those."""

Json = Mapping[str, Any]


@dataclass(slots=True)
class Message:
    """One answer of the director's model."""

    at: float
    model: str
    conversation: str
    usage: Usage
    of_ours: bool
    """It came after a call of one of our tools."""


@dataclass(slots=True)
class Transcripts:
    """What the transcripts of a period tell."""

    messages: list[Message] = field(default_factory=list[Message])
    conversations: dict[str, str] = field(default_factory=dict[str, str])
    """Call id -> conversation."""
    directories: dict[str, str] = field(default_factory=dict[str, str])
    """Conversation -> the directory in which it began."""
    files: int = 0
    unread_files: int = 0
    broken_lines: int = 0


def transcripts_folder(environ: Mapping[str, str], home: Path) -> Path:
    """Where Claude Code keeps them."""
    own = environ.get("CLAUDE_CONFIG_DIR", "").strip()
    return (Path(own) if own else home / ".claude") / "projects"


def read_transcripts(folder: Path, period: Period) -> Transcripts:
    """Read what was said in that period; a folder that is not there tells nothing. Blocks: run it in a thread."""
    reading = _Reading(period)
    for path in sorted(folder.glob("**/*.jsonl")):
        try:
            if path.is_file() and path.stat().st_mtime >= period.since:  # nothing of it is younger than the file
                with path.open("rb") as lines:
                    reading.file(path, lines)
        except OSError:
            reading.found.unread_files += 1
    reading.found.messages = [
        message for message in reading.by_id.values() if period.since <= message.at < period.until
    ]
    return reading.found


class _Reading:
    """What was found so far, in all files."""

    def __init__(self, period: Period) -> None:
        self.found = Transcripts()
        self.by_id: dict[str, Message] = {}
        self._period = period
        self._unnamed = 0

    def file(self, path: Path, lines: BinaryIO) -> None:
        self.found.files += 1
        # Lines of older versions may lack the time and the directory: the file's own stand for them.
        at = os.fstat(lines.fileno()).st_mtime
        for text in _lines(lines):
            line = None if text is None else _parsed(text)
            if line is None:
                self.found.broken_lines += 1
                continue
            at = _time(line.get("timestamp")) or at
            conversation = _text(line.get("sessionId")) or path.stem
            if conversation not in self.found.directories:
                own = _text(line.get("cwd"))
                self.found.directories[conversation] = _real(own) if own else path.parent.name
            if line.get("type") == "assistant":
                self._assistant(line, at, conversation)
            elif call_id := _text(_part(_part(_part(line, "mcpMeta"), "_meta"), _OURS).get("call_id")):
                self.found.conversations[call_id] = conversation

    def _assistant(self, line: Json, at: float, conversation: str) -> None:
        message = _part(line, "message")
        told = _part(message, "usage")
        if not told:
            return
        usage = _usage(told)
        tool = (_text(line.get("attributionMcpTool")) or "").rpartition("__")[2]
        ours = tool == _OURS or tool.startswith(f"{_OURS}_")
        key = _text(message.get("id"))
        if key is None:
            self._unnamed += 1
            key = f"\0{self._unnamed}"
        if (known := self.by_id.get(key)) is None:
            model = _text(message.get("model")) or ""
            self.by_id[key] = Message(at, model, conversation, usage, ours)
        else:  # a line that was written while the answer still came tells less than the last one
            known.usage, known.of_ours = _largest(known.usage, usage), known.of_ours or ours
            known.at = min(known.at, at)


def _lines(file: BinaryIO) -> Iterator[bytes | None]:
    """The lines that may tell something; None for one that is too long to hold."""
    while text := file.readline(LONGEST_LINE):
        if len(text) == LONGEST_LINE and not text.endswith(b"\n"):
            while (rest := file.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
                pass
            yield None
        elif any(word in text for word in _TELLS):
            yield text


def _parsed(text: bytes) -> Json | None:
    with suppress(ValueError, RecursionError):
        line: Any = json.loads(text)
        if isinstance(line, dict):
            return cast("Json", line)
    return None


def _part(line: Json, name: str) -> Json:
    """An object inside another; empty where it is none."""
    part = line.get(name)
    return cast("Json", part) if isinstance(part, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _time(value: Any) -> float | None:
    with suppress(ValueError, TypeError):
        told = datetime.fromisoformat(value)
        return told.timestamp() if told.tzinfo else None
    return None


def _usage(told: Json) -> Usage:
    """As the API counts it, `input_tokens` leaves out what was read from the cache or put into it."""
    new, written, cached, output = (
        max(0, count) if isinstance(count := told.get(name), int) else 0
        for name in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
    )
    return Usage(new + written + cached, output, cached, cache_write_tokens=written)


def _largest(one: Usage, other: Usage) -> Usage:
    return Usage(
        max(one.input_tokens, other.input_tokens),
        max(one.output_tokens, other.output_tokens),
        max(one.cache_read_tokens, other.cache_read_tokens),
        cache_write_tokens=max(one.cache_write_tokens, other.cache_write_tokens),
    )


def together(usages: Iterable[Usage]) -> Usage:
    """The sum of many."""
    total = [0, 0, 0, 0]
    for usage in usages:
        total[0] += usage.input_tokens
        total[1] += usage.output_tokens
        total[2] += usage.cache_read_tokens
        total[3] += usage.cache_write_tokens
    return Usage(total[0], total[1], total[2], cache_write_tokens=total[3])


def _real(directory: str) -> str:
    """Where it really is; a name that no file can have stays as it was told."""
    try:
        return os.path.realpath(directory)
    except (OSError, ValueError):
        return directory
