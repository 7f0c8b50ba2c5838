"""Files and directories that are one user's alone, and a lock between processes."""

import os
import sys
import tempfile
from pathlib import Path

if sys.platform == "win32":
    from delegate_mcp.platforms import windows as system
else:
    from delegate_mcp.platforms import posix as system


def private_dir(path: Path) -> Path:
    """Make a directory (and its parents) that only its owner may enter; one that is there keeps its mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)  # Windows: the user's own directories are private by inheritance
    return path


def write_private(path: Path, data: bytes) -> None:
    """Put a file in place whole or not at all, readable by its owner only."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mkstemp: mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def only_ours(found: os.stat_result) -> bool:
    """Whether what was found belongs to this user and nobody else may read or write it (Windows: by inheritance)."""
    return system.only_ours(found)


class FileLock:
    """A lock between processes that the system frees when its holder ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def take(self) -> bool:
        """Whether it is ours now; never waits. OSError where its file cannot be opened."""
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        if system.locked(handle):
            self._handle = handle
            return True
        os.close(handle)
        return False

    @property
    def mine(self) -> bool:
        """Whether we hold it."""
        return self._handle is not None

    def free(self) -> None:
        """Let another take it; safe to call without holding it."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
