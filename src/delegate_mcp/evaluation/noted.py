"""What an evaluation has begun: its batches and judges, noted before they begin, so that a later start goes on.

Prompts and answers stand in the folders of its batches. All of it touches the disk: callers run it in a worker thread.
"""

import hashlib
import json
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from delegate_mcp import platforms
from delegate_mcp.batch.folder import BatchFolders
from delegate_mcp.batch.ids import is_batch_id
from delegate_mcp.domain.errors import LedgerError
from delegate_mcp.ledger.results import DRAFT_S


@dataclass(slots=True)
class Noted:
    """One evaluation under way; the same prompts over the same models find it again."""

    path: Path
    batches: dict[str, str] = field(default_factory=dict[str, str])
    """Model, or judge -> the batch of its calls."""
    judges: dict[str, str] = field(default_factory=dict[str, str])
    """Model -> who judges it; it stays so, whoever is there later."""

    def read(self) -> bool:
        """Take what stands there; False: nothing, or nothing that can be read."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            left: dict[str, dict[str, str]] = json.loads(self.path.read_bytes())
            self.batches, self.judges = dict(left["batches"]), dict(left["judges"])
            return True
        return False

    def write(self) -> None:
        """LedgerError: the disk does not take it."""
        noted = {key: value for key, value in asdict(self).items() if key != "path"}
        try:
            platforms.private_dir(self.path.parent)
            platforms.write_private(self.path, json.dumps(noted).encode())
        except OSError as error:
            raise LedgerError(f"The evaluation could not be noted: {error.strerror}. Nothing was sent.") from error

    def forget(self) -> None:
        """It is over: the next start measures anew."""
        self.path.unlink(missing_ok=True)


class Evaluations:
    """The evaluations of a home that were begun and not ended, and the batches that they are made of."""

    def __init__(self, home: Path, batches: BatchFolders) -> None:
        self.folder = home / "evaluations"
        self._batches = batches

    def noted(self, *about: Sequence[Any]) -> Noted:
        """The one of these prompts and models, as it was left, or new."""
        key = hashlib.sha256(json.dumps(about, default=str).encode()).hexdigest()[:24]
        found = Noted(self.folder / f"{key}.json")
        found.read()
        return found

    def purge(self, older_than: float) -> int:
        """Remove those that nothing was added to since before that time (infinity: all); how many those were.

        One whose batches are not over stays, as they do: the next start would else ask all of it anew.
        """
        removed = 0
        try:
            files = list(self.folder.iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return 0
        for file in files:
            with suppress(FileNotFoundError):  # another process purges too
                if file.is_file() and file.stat().st_mtime < older_than and not self._under_way(file):
                    file.unlink()
                    removed += file.suffix == ".json"
        return removed

    def _under_way(self, file: Path) -> bool:
        if file.name.startswith("."):  # it is being written
            return file.stat().st_mtime > time.time() - DRAFT_S
        noted = Noted(file)
        return noted.read() and any(map(self._unfinished, noted.batches.values()))

    def _unfinished(self, batch_id: str) -> bool:
        return is_batch_id(batch_id) and self._batches.folder(batch_id).unfinished
