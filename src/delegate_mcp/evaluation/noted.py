"""What an evaluation has begun: its batches and judges, noted before they begin, so that a later start goes on."""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from delegate_mcp import platforms
from delegate_mcp.domain.errors import LedgerError


@dataclass(slots=True)
class Noted:
    """One evaluation under way; the same prompts over the same models find it again."""

    path: Path
    batches: dict[str, str] = field(default_factory=dict[str, str])
    """Model, or judge -> the batch of its calls."""
    judges: dict[str, str] = field(default_factory=dict[str, str])
    """Model -> who judges it; it stays so, whoever is there later."""

    @classmethod
    def of(cls, folder: Path, *about: Sequence[Any]) -> "Noted":
        """As it was left, or new. Reads the disk."""
        key = hashlib.sha256(json.dumps(about, default=str).encode()).hexdigest()[:24]
        found = cls(folder / f"{key}.json")
        with suppress(FileNotFoundError, ValueError, KeyError):
            left: dict[str, dict[str, str]] = json.loads(found.path.read_bytes())
            found.batches, found.judges = left["batches"], left["judges"]
        return found

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
