"""Whole answers and what was sent for them: one JSON file a call, readable by its owner only.

The ledger keeps counts; this keeps content, for `delegate_result` and for threads, as long as `results.keep_days` says.
All methods touch the disk: callers run them in a worker thread.
"""

import json
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from delegate_mcp import platforms
from delegate_mcp.domain.call_id import is_call_id
from delegate_mcp.domain.errors import LedgerError


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCall:
    """One answered call with its content."""

    call_id: str
    parent: str | None
    """The call that this one continued."""
    private: bool
    """A follow-up of it stays on this machine too."""
    tool: str
    task_type: str
    model: str | None
    """`provider:model` that answered."""
    prompt: str
    """The director's own words."""
    sent_text: str
    """The message that was sent for this turn (prompt, files, pages) without the turns before it."""
    answer: str
    """Whole, however little of it the director was shown."""
    saved_at: float
    """Unix seconds."""
    meta: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The reply's `delegate` object, so that it can be told again."""


class ResultStore:
    """The directory of stored calls; safe with any number of server processes, since files are put in place whole."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._held: dict[str, StoredCall] = {}

    def hold(self, call: StoredCall) -> None:
        """Let `read` find a call whose `write` is yet to come; touches no disk."""
        self._held[call.call_id] = call

    def write(self, call: StoredCall) -> None:
        """Keep a call; raises LedgerError where the disk does not take it."""
        if not is_call_id(call.call_id):
            raise ValueError(f"{call.call_id!r} is no call id")
        path = self._path(call.call_id)
        try:
            platforms.private_dir(self._directory)
            platforms.write_private(path, json.dumps(asdict(call)).encode())
            os.utime(path, (call.saved_at, call.saved_at))  # purge then need not open what is private
        except OSError as error:
            raise LedgerError(f"The answer of {call.call_id} could not be kept: {error.strerror}.") from error
        finally:
            self._held.pop(call.call_id, None)

    def read(self, call_id: str) -> StoredCall | None:
        """A kept call, or None: unknown, no longer kept, not readable, or no call id at all."""
        if not is_call_id(call_id):
            return None
        if (held := self._held.get(call_id)) is not None:
            return held
        try:
            return StoredCall(**json.loads(self._path(call_id).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def purge(self, older_than: float) -> int:
        """Remove what was kept before that time (Unix seconds; infinity: all of it); how many calls that were."""
        removed = 0
        entries = list(self._directory.iterdir()) if self._directory.is_dir() else []
        for entry in entries:
            with suppress(FileNotFoundError):  # another process purges too
                status = entry.lstat()
                if stat.S_ISREG(status.st_mode) and status.st_mtime < older_than:
                    entry.unlink()
                    removed += is_call_id(entry.stem)
        return removed

    def _path(self, call_id: str) -> Path:
        return self._directory / f"{call_id}.json"
