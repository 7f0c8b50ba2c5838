"""A SQLite ledger's file that is broken: found to be, and moved aside by one process alone."""

import errno
import sqlite3
import time
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from delegate_mcp.ledger.sqlite_errors import is_broken, primary_code
from delegate_mcp.ledger.sqlite_opening import NOWHERE, RETRY_S, connect, identity


@contextmanager
def alone(path: Path, busy_s: float) -> Generator[None]:
    """Only one process at a time mends; SQLite's own lock on an empty file ends with its process on every platform."""
    lock_path = path.with_name(f"{path.name}.mending")
    patience = time.monotonic() + busy_s
    while (lock := _locked(lock_path, busy_s)) is None:
        if time.monotonic() >= patience:
            raise TimeoutError(errno.ETIMEDOUT, "another process keeps mending it")
        time.sleep(RETRY_S)
    with closing(lock):
        yield
    with suppress(OSError):  # Windows keeps it while another process waits for it
        lock_path.unlink(missing_ok=True)


def _locked(lock_path: Path, busy_s: float) -> sqlite3.Connection | None:
    """A connection that holds the lock; None where whoever held it before took the file away."""
    lock = connect(lock_path, busy_s, None)
    try:
        before = identity(lock_path)
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        lock.close()
        if primary_code(error) == sqlite3.SQLITE_IOERR:
            return None
        raise
    if before == identity(lock_path) != NOWHERE:
        return lock
    lock.close()
    return None


def damaged(path: Path, busy_s: float, vfs: str | None) -> bool:
    """Whether the file is no database or fails SQLite's own check; one that is not there is not damaged."""
    if not path.exists():
        return False
    with closing(connect(path, busy_s, vfs)) as connection:
        try:
            return str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0]) != "ok"
        except sqlite3.Error as error:
            if is_broken(error):
                return True
            raise


def move_aside(path: Path, now: float) -> Path:
    """Rename the file with its log; where to."""
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%d-%H%M%S")
    aside = path.with_name(f"{path.name}.broken-{stamp}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.broken-{stamp}-{number}")
    for suffix in ("-wal", "-shm", ""):  # the main file last: a fresh one must not meet the old one's log
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    return aside
