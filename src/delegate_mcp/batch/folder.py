"""The private files of batches, a folder each: what is asked, what was answered so far, and the results at the end.

The ledger keeps counts; this keeps content, readable by its owner only, as long as `results.keep_days` says. While
`items.jsonl` is there, the batch is not over. All of it touches the disk: callers run it in a worker thread.
"""

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from delegate_mcp import platforms
from delegate_mcp.batch.done import Done
from delegate_mcp.batch.ids import is_batch_id
from delegate_mcp.batch.request import BatchSpec
from delegate_mcp.domain.errors import LedgerError

_COPIED_AT_ONCE = 256


class BatchFolder:
    """One batch's files."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.items_file = path / "items.jsonl"
        self.so_far = path / "done.jsonl"
        """Results in the order in which they came, while the batch runs."""
        self.results = path / "results.jsonl"
        """Results in the order of the items, once it is over."""
        self._spec_file = path / "batch.json"
        self._outcome_file = path / "outcome.json"

    # --- The beginning -----------------------------------------------------------------------------------------------

    def put_items(self, items: Iterable[Any]) -> int:
        """Make the folder with the items in it; how many they are. Whatever comes of it, nothing is left half-made."""
        try:
            platforms.private_dir(self.path.parent)
            platforms.private_dir(self.path)
            count = 0
            with os.fdopen(_new(self.items_file), "wb") as file:
                for count, item in enumerate(items, 1):  # noqa: B007 - counted
                    file.write(json.dumps(item, ensure_ascii=True, default=str).encode() + b"\n")
        except OSError as error:
            self.remove()
            raise LedgerError(f"The batch could not be kept: {error.strerror}. Nothing was sent.") from error
        except BaseException:
            self.remove()
            raise
        return count

    def put_spec(self, spec: BatchSpec) -> None:
        """From here on the batch can be gone on with. LedgerError: the disk does not take it."""
        try:
            platforms.write_private(self._spec_file, spec.as_json())
        except OSError as error:
            self.remove()
            raise LedgerError(f"The batch could not be kept: {error.strerror}. Nothing was sent.") from error

    # --- While it runs -----------------------------------------------------------------------------------------------

    def spec(self) -> BatchSpec | None:
        """What is asked; None: no batch stands here, or one that cannot be read."""
        try:
            return BatchSpec.from_json(self._spec_file.read_bytes())
        except (OSError, ValueError, TypeError):
            return None

    @property
    def unfinished(self) -> bool:
        """Whether there is work left."""
        return self.items_file.exists() and self._spec_file.exists()

    def missing(self, done: Done) -> Iterator[tuple[int, Any]]:
        """The items that are not settled, with their indexes."""
        with self.items_file.open("rb") as file:
            for index, line in enumerate(file):
                if not done.has(index):
                    yield index, json.loads(line)

    def open_done(self, total: int) -> Done:
        """What is settled, to be added to."""
        return Done(self.so_far, total)

    # --- The end -----------------------------------------------------------------------------------------------------

    def put_results(self, done: Done) -> None:
        """Write the results in the order of the items, whole or not at all."""
        draft = self.results.with_suffix(".part")
        draft.unlink(missing_ok=True)
        with os.fdopen(_new(draft), "wb") as file:
            for line in done.ordered():
                file.write(line)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.results)

    def put_outcome(self, outcome: Mapping[str, Any]) -> None:
        """Keep what is told of a batch that is over."""
        platforms.write_private(self._outcome_file, json.dumps(outcome).encode())

    def outcome(self) -> dict[str, Any] | None:
        """What is told of a batch that is over; None: it is not, or is no longer kept."""
        try:
            return json.loads(self._outcome_file.read_bytes())
        except (OSError, ValueError):
            return None

    def finish(self) -> None:
        """It is over: what was asked, and the results in the order in which they came, are not needed any more."""
        for file in (self.items_file, self.so_far):
            file.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove all of it."""
        shutil.rmtree(self.path, ignore_errors=True)

    # --- Reading results ---------------------------------------------------------------------------------------------

    def chars(self) -> int:
        """How many characters the results have."""
        return sum(len(text) for text in _texts(self.results))

    def part(self, offset: int, chars: int) -> str:
        """So many characters of the results from the offset on; a large file is not read whole."""
        found = ""
        for text in _texts(self.results):
            if offset >= len(text):
                offset -= len(text)
                continue
            found += text[offset : offset + chars - len(found)]
            offset = 0
            if len(found) >= chars:
                break
        return found


class BatchFolders:
    """The folders of all batches of this home."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def folder(self, batch_id: str) -> BatchFolder:
        """The folder of a batch, whether it is there or not."""
        if not is_batch_id(batch_id):
            raise ValueError(f"{batch_id!r} is no batch id")
        return BatchFolder(self._directory / batch_id)

    def unfinished(self) -> list[str]:
        """The batches that are not over, oldest first."""
        return [folder.path.name for folder in sorted(self._all(), key=_changed) if folder.unfinished]

    def purge(self, older_than: float) -> int:
        """Remove the batches that were over before that time (infinity: all that are over); how many those were."""
        removed = 0
        for folder in self._all():
            if not folder.unfinished and _changed(folder) < older_than:
                folder.remove()
                removed += 1
        return removed

    def _all(self) -> Iterator[BatchFolder]:
        try:
            entries = list(self._directory.iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return
        yield from (BatchFolder(entry) for entry in entries if is_batch_id(entry.name))


def _changed(folder: BatchFolder) -> float:
    with suppress(OSError):
        return folder.path.stat().st_mtime
    return 0.0


def _new(path: Path) -> int:
    return os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o600)


def _texts(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", newline="") as file:
        lines: list[str] = []
        for line in file:
            lines.append(line)
            if len(lines) == _COPIED_AT_ONCE:
                yield "".join(lines)
                lines.clear()
        yield "".join(lines)
