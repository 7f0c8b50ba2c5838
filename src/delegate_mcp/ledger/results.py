"""Whole answers and what was sent for them: one JSON file a call, readable by its owner only.

The ledger keeps counts; this keeps content, for `delegate_result` and for threads, as long as `results.keep_days` says.
All methods touch the disk: callers run them in a worker thread.
"""

import json
import logging
import os
import stat
import time
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from anyio import to_thread

from delegate_mcp import platforms
from delegate_mcp.domain.brief import Image
from delegate_mcp.domain.call_id import is_call_id
from delegate_mcp.domain.errors import LedgerError

_OWN = 0o700
DRAFT_S = 60.0
"""A file that is being written takes its place within this time; an older one was left by a process that died."""
_MOST_OFTEN_S, _LEAST_OFTEN_S = 60.0, 3_600.0
"""Between two looks for what is no longer kept."""
logger = logging.getLogger(__name__)


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
    images: tuple[Image, ...] = ()
    """What was sent beside that message."""
    meta: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The reply's `delegate` object, so that it can be told again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CondensedTurns:
    """What stands for a thread up to one of its calls, that one included."""

    call_id: str
    """The newest call that it stands for; it is kept beside that one, and goes with it."""
    text: str
    private: bool
    """It stays on this machine, as do the calls that it stands for."""
    turns: int
    """So many calls."""
    model: str
    """Who condensed them."""
    saved_at: float
    """That of the call; the two are kept as long as each other."""


def _written(call: StoredCall) -> bytes:
    images = [{**asdict(image), "data": b64encode(image.data).decode()} for image in call.images]
    return json.dumps({**asdict(replace(call, images=())), "images": images}).encode()


def _read(data: bytes) -> StoredCall:
    fields = json.loads(data)
    images = tuple(
        Image(row["media_type"], b64decode(row["data"]), row["width"], row["height"])
        for row in fields.pop("images", ())
    )
    return StoredCall(**fields, images=images)


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
            keep_file(path, _written(call), call.saved_at)
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
            return _read(self._path(call_id).read_bytes())
        except (OSError, ValueError, TypeError):
            return None

    def write_condensed(self, turns: CondensedTurns) -> None:
        """Keep it; the last of several that were made at once stands. LedgerError: the disk does not take it."""
        if not is_call_id(turns.call_id):
            raise ValueError(f"{turns.call_id!r} is no call id")
        try:
            keep_file(self._condensed(turns.call_id), json.dumps(asdict(turns)).encode(), turns.saved_at)
        except OSError as error:
            raise LedgerError(
                f"The condensed thread of {turns.call_id} could not be kept: {error.strerror}."
            ) from error

    def read_condensed(self, call_id: str) -> CondensedTurns | None:
        """What stands for the thread up to that call; None: nobody has condensed it."""
        if not is_call_id(call_id):
            return None
        try:
            return CondensedTurns(**json.loads(self._condensed(call_id).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def purge(self, older_than: float) -> int:
        """Remove what was kept before that time (Unix seconds; infinity: all of it); how many calls that were."""
        removed = 0
        try:
            entries = list(self._directory.iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return 0
        for entry in entries:
            with suppress(FileNotFoundError):  # another process purges too
                status = entry.lstat()
                in_the_making = entry.name.startswith(".") and status.st_mtime > time.time() - DRAFT_S
                if stat.S_ISREG(status.st_mode) and status.st_mtime < older_than and not in_the_making:
                    entry.unlink()
                    removed += is_call_id(entry.stem)
        return removed

    def _path(self, call_id: str) -> Path:
        return self._directory / f"{call_id}.json"

    def _condensed(self, call_id: str) -> Path:
        return self._directory / f"{call_id}.thread.json"


def keep_file(path: Path, data: bytes, saved_at: float) -> None:
    """Put a file in place whole, in a directory that only its owner may enter. OSError: the disk does not take it."""
    platforms.private_dir(path.parent)
    if os.name == "posix" and stat.S_IMODE(path.parent.stat().st_mode) != _OWN:
        path.parent.chmod(_OWN)  # it was made by hand, or by a copy
    platforms.write_private(path, data)
    with suppress(FileNotFoundError):  # a purge was there already
        os.utime(path, (saved_at, saved_at))  # purge then need not open what is private


class Kept(Protocol):
    """What is kept for a while."""

    def purge(self, older_than: float) -> int:
        """Remove what was kept before that time; how much that was."""
        ...


async def keep_for(
    stores: Sequence[Kept], seconds: float, now: Callable[[], float], sleep: Callable[[float], Awaitable[None]]
) -> None:
    """Remove what is kept longer than that: at once, and again and again until cancelled."""
    pause_s = min(max(seconds / 4, _MOST_OFTEN_S), _LEAST_OFTEN_S)
    while True:
        for store in stores:
            try:
                await to_thread.run_sync(store.purge, now() - seconds)
            except OSError as error:
                logger.warning("Kept answers could not be removed: %s", error.strerror)
        await sleep(pause_s)
