"""Connections to the SQLite ledger's file, and which file that is."""

import sqlite3
import time
from pathlib import Path

from delegate_mcp.ledger.sqlite_errors import primary_code

RETRY_S = 0.01
NOWHERE = (-1, -1)
_NO_SHARED_MEMORY = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL)


def identity(path: Path) -> tuple[int, int]:
    """Which file stands at that path: the same numbers as long as it is the same file; NOWHERE: none does."""
    try:
        status = path.stat()
    except OSError:
        return NOWHERE
    return (status.st_dev, status.st_ino)


def connect(path: Path, busy_s: float, vfs: str | None) -> sqlite3.Connection:
    """A connection in autocommit whose statements wait so long for other processes."""
    where = path.absolute().as_uri() + (f"?vfs={vfs}" if vfs else "")
    connection = sqlite3.connect(where, timeout=busy_s, isolation_level=None, uri=True, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    return connection


def wants_wal(connection: sqlite3.Connection, busy_s: float) -> bool:
    """Switch to write-ahead logging; False where the file system has no shared memory for it.

    Processes that start together meet in this switch, and SQLite does not wait there by itself.
    """
    patience = time.monotonic() + busy_s
    while True:
        try:
            return connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] == "wal"
        except sqlite3.OperationalError as error:
            code = primary_code(error)
            if code in _NO_SHARED_MEMORY:
                return False
            if code != sqlite3.SQLITE_BUSY or time.monotonic() >= patience:
                raise
            time.sleep(RETRY_S)
