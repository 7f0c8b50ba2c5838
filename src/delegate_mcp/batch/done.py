"""What of a batch is settled: a line an item, appended as it comes, and an index of a few bytes an item in memory."""

import json
import os
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MOST_REASONS = 100
_REASON_CHARS = 80
OTHER = "other reasons"


@dataclass(slots=True)
class Failures:
    """Items that failed for the same reason."""

    count: int
    first: int
    """The index of one of them."""


class Done:
    """The settled items of a batch. Touches the disk; all but `append` may take a while."""

    def __init__(self, path: Path, total: int) -> None:
        self._handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o600)
        self._places = array("q", [-1]) * total
        self._end = 0
        self.answered = self.failed = 0
        self.failures: dict[str, Failures] = {}
        self._load()

    def has(self, index: int) -> bool:
        """Whether that item is settled."""
        return self._places[index] >= 0

    @property
    def settled(self) -> int:
        """How many items are."""
        return self.answered + self.failed

    def append(self, record: dict[str, Any]) -> None:
        """Keep an item's result; the first one stands. OSError: the disk does not take it, and nothing of it stays."""
        if self.has(record["index"]):
            return
        line = json.dumps(record, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(self._handle, rest) :]
        except OSError:
            os.ftruncate(self._handle, self._end)
            raise
        self._note(record, len(line))

    def ordered(self) -> Iterator[bytes]:
        """The lines in the order of the items."""
        with os.fdopen(os.dup(self._handle), "rb") as file:
            for place in self._places:
                if place >= 0:
                    file.seek(place)
                    yield file.readline()

    def close(self) -> None:
        """Close the file."""
        os.close(self._handle)

    def _load(self) -> None:
        """Read what a server before us settled; a line that it could not end any more is dropped."""
        with os.fdopen(os.dup(self._handle), "rb") as file:
            file.seek(0)
            for line in file:
                record = _record(line)
                if record is None or not 0 <= record["index"] < len(self._places):
                    break
                self._note(record, len(line))
        os.ftruncate(self._handle, self._end)

    def _note(self, record: dict[str, Any], size: int) -> None:
        if not self.has(record["index"]):
            self._places[record["index"]] = self._end
            if record["ok"]:
                self.answered += 1
            else:
                self.failed += 1
                self._blame(record)
        self._end += size

    def _blame(self, record: dict[str, Any]) -> None:
        reason = str(record["error"]).partition(" (")[0][:_REASON_CHARS]
        if reason not in self.failures and len(self.failures) >= _MOST_REASONS:
            reason = OTHER
        found = self.failures.setdefault(reason, Failures(0, record["index"]))
        found.count += 1


def _record(line: bytes) -> dict[str, Any] | None:
    if not line.endswith(b"\n"):
        return None
    try:
        record: dict[str, Any] = json.loads(line)
        return record if isinstance(record["index"], int) and (record["ok"] or record["error"]) else None
    except (ValueError, KeyError, TypeError):
        return None
