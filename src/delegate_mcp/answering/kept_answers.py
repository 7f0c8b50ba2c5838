"""Answers that may stand for identical calls: one small file each, on this machine, readable by its owner only.

A file is named by the digest of all that was sent and holds the answer with its facts, never the question. Whatever is
wrong with one, it is as if it were not there. All methods touch the disk: callers run them in a worker thread.
"""

import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter

from delegate_mcp.domain.errors import LedgerError
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.plan import Tier
from delegate_mcp.domain.usage import Usage
from delegate_mcp.ledger.results import DRAFT_S, keep_file

_BLOCK = 4_096
"""What a file takes on a disk at least."""
_TRIM_AFTER = 8
"""An eighth of the bound may be written before somebody looks again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """One answer, as it was checked and handed over."""

    text: str
    model: ModelId
    tier: Tier
    usage: Usage
    """What it took; an identical call takes nothing."""
    notes: tuple[str, ...]
    call_id: str
    """The call that was answered so."""
    answered_at: float
    """Unix seconds."""


class KeptAnswers:
    """The directory of kept answers; safe with any number of processes, since files are put in place whole."""

    def __init__(self, directory: Path, max_bytes: int) -> None:
        self.directory = directory
        self._max_bytes = max_bytes
        self._written = 0
        self._held: dict[str, KeptAnswer] = {}

    def hold(self, key: str, answer: KeptAnswer) -> None:
        """Let `read` find an answer whose `write` is yet to come; touches no disk."""
        self._held[key] = answer

    def write(self, key: str, answer: KeptAnswer) -> None:
        """Keep an answer; raises LedgerError where the disk does not take it."""
        data = _adapter().dump_json(answer)
        try:
            keep_file(self._path(key), data, answer.answered_at)
            self._written += _on_disk(len(data))
            if self._written * _TRIM_AFTER >= self._max_bytes:
                self.purge(0.0)
        except OSError as error:
            raise LedgerError(f"An answer could not be kept for identical calls: {error.strerror}.") from error
        finally:
            self._held.pop(key, None)

    def read(self, key: str, newer_than: float) -> KeptAnswer | None:
        """The answer that was given after that time; None: there is none that can be read."""
        found = self._held.get(key)
        if found is None:
            with suppress(OSError, ValueError):
                found = _adapter().validate_json(self._path(key).read_bytes())
        return found if found is not None and found.answered_at > newer_than else None

    def purge(self, older_than: float) -> int:
        """Remove what was given before that time (infinity: all), then the oldest beyond the bound; how many."""
        self._written = 0
        files = sorted(self._files(), key=lambda row: row[0], reverse=True)
        total, removed = 0, 0
        for kept_at, size, path in files:
            total += size
            if kept_at < older_than or total > self._max_bytes:
                with suppress(FileNotFoundError):  # another process purges too
                    path.unlink()
                    removed += not path.name.startswith(".")
        return removed

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """When it was put there, its size and its path, without what is being written."""
        with suppress(FileNotFoundError, NotADirectoryError):
            for path in self.directory.iterdir():
                with suppress(FileNotFoundError):
                    found = path.lstat()
                    in_the_making = path.name.startswith(".") and found.st_mtime > time.time() - DRAFT_S
                    if stat.S_ISREG(found.st_mode) and not in_the_making:
                        yield found.st_mtime, _on_disk(found.st_size), path

    def _path(self, key: str) -> Path:
        return self.directory / f"{key}.json"


@cache
def _adapter() -> TypeAdapter[KeptAnswer]:
    return TypeAdapter(KeptAnswer)


def _on_disk(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK
