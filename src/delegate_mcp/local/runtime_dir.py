"""Where the host of this user is found: a private directory with its state file, its locks and its log."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from delegate_mcp.platforms import FileLock, only_ours, private_dir, write_private

PROTOCOL = 1
"""Of the control API; a host of another one is replaced."""
UP, TAKEN = b"up\n", b"taken\n"
"""What a host says as it starts: that it answers, or that another host of this directory lives."""
_LARGEST_STATE_BYTES = 10_000


class ForeignStateError(Exception):
    """What stands there belongs to another user, or others may read or write it: nothing in it is believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostState:
    """What a host tells those who look for it."""

    protocol: int
    version: str
    """Of the program that it runs."""
    pid: int
    pid_started: str
    """Tells it from a later process of the same id."""
    port: int
    secret: str = field(repr=False)
    """What requests must bring as their bearer token; new with every host."""
    started_at: float
    """Unix seconds."""


class RuntimeDir:
    """The directory; made private, or refused where it is not."""

    def __init__(self, path: Path) -> None:
        """ForeignStateError, OSError."""
        self.path = private_dir(path)
        found = path.lstat()
        if path.is_symlink() or not only_ours(found):
            raise ForeignStateError(
                f"{path} is not a directory that only you may enter (mode 0700), so no model host is looked for there. "
                f"See who made it, then remove it"
            )

    @property
    def starting(self) -> FileLock:
        """Held by the server that starts a host."""
        return FileLock(self.path / "starting.lock")

    @property
    def living(self) -> FileLock:
        """Held by the host as long as it lives: whoever cannot take it knows that one does."""
        return FileLock(self.path / "host.lock")

    @property
    def log(self) -> Path:
        """What the host says on stderr: errors of its own, never of a request."""
        return self.path / "host.log"

    def open_log(self) -> IO[bytes]:
        """For the host's stderr."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
        return os.fdopen(os.open(self.log, flags, 0o600), "wb")

    def read(self) -> HostState | None:
        """The state that stands there; None where there is none or it is no state of ours. ForeignStateError."""
        path = self.state_file
        try:
            handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ForeignStateError(
                f"{path} cannot be opened: {error.strerror}. Remove it; a new host is started"
            ) from error
        with os.fdopen(handle, "rb") as file:
            if not only_ours(os.fstat(file.fileno())):
                raise ForeignStateError(
                    f"{path} belongs to another user or others may read it (it must be yours, mode 0600), so it is not "
                    "believed. See who made it, then remove it; a new host is started"
                )
            data = file.read(_LARGEST_STATE_BYTES)
        try:
            return HostState(**json.loads(data))
        except (ValueError, TypeError):
            return None  # of another version, or cut: whoever holds the lock is replaced

    def write(self, state: HostState) -> None:
        """Put it in place, whole and readable by this user only."""
        write_private(self.state_file, json.dumps(asdict(state)).encode())

    def clear(self) -> None:
        """Take the state away."""
        self.state_file.unlink(missing_ok=True)

    @property
    def state_file(self) -> Path:
        """What says where the host answers, and its secret."""
        return self.path / "host.json"
