"""The ledger's file: opened, migrated, used in transactions, moved aside where it is broken. For one thread."""

import logging
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import uniform
from typing import TypeVar

from delegate_mcp.domain.errors import LedgerError
from delegate_mcp.ledger.sqlite_checkpoint import Checkpoints
from delegate_mcp.ledger.sqlite_errors import explained, is_broken, primary_code
from delegate_mcp.ledger.sqlite_mending import alone, damaged, move_aside
from delegate_mcp.ledger.sqlite_opening import connect, identity, wants_wal
from delegate_mcp.ledger.sqlite_schema import migrate, refuse_foreign
from delegate_mcp.platforms import private_dir

log = logging.getLogger(__name__)

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

_WAL_BYTES_KEPT = 16_000_000
_WAL_PAGES = 20_000
"""A commit that finds more of them moves them itself: the checkpoints beside it do not keep up."""
_PAUSES = ((0.2, 0.002), (0.003, 0.00005), (0.001, 0.0002), (0.0, 0.0005))
"""Between two tries to write while others do: (seconds waited so far, at least; pause). Who waited longer tries more
often, so turns go round; who waits for something long (a backup) leaves the processor to others. SQLite's own steps (1,
2, 5, 10, … ms) grow, so that the unlucky wait a hundred times longer than a write takes."""


class LedgerFile:
    """One connection to the file, and how to get a good one again."""

    def __init__(self, path: Path, clock: Callable[[], float], busy_s: float, vfs: str | None) -> None:
        self.path = path
        self.notices: list[str] = []
        self._clock = clock
        self._busy_s = busy_s
        self._vfs = vfs
        self._identity = (0, 0)
        self._opened = 0
        self._wal = False
        self._checkpoints = Checkpoints(lambda: connect(path, busy_s, vfs))
        self._connection = self._open_or_mend()

    def write(self, work: Work[T]) -> T:
        """Run `work` in one transaction that holds the write lock from its start."""
        result = self._transact("BEGIN IMMEDIATE", work)
        if self._wal:
            self._checkpoints.wrote()
        return result

    def write_at_once(self, work: Work[T]) -> tuple[T] | None:
        """The same where nothing must be waited for; None: it was not done, and `write` does it or says why not.

        A commit goes into the log, which the system takes into its memory; the disk is synced by the checkpoints.
        """
        if not self._wal or self._identity != identity(self.path):
            return None
        try:
            result = self._try("BEGIN IMMEDIATE", work)
        except sqlite3.Error:
            return None
        self._checkpoints.wrote()
        return (result,)

    def read(self, work: Work[T]) -> T:
        """Run `work` on one consistent state of the file."""
        return self._transact("BEGIN", work)

    def version(self, db: sqlite3.Connection) -> tuple[int, int]:
        """In a transaction: differs from before when another connection has written, or the file was replaced."""
        return self._opened, int(db.execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        """Close the file."""
        self._checkpoints.finish()
        self._connection.close()

    def _transact(self, begin: str, work: Work[T]) -> T:
        if self._identity != identity(self.path):  # deleted, or moved aside by another server
            self._connection.close()
            self._connection = self._open_or_mend()
        try:
            return self._once(begin, work)
        except sqlite3.Error as error:
            if not is_broken(error):
                raise explained(error, self.path) from error
            self._connection.close()
            self._connection = self._mend()
        try:
            return self._once(begin, work)
        except sqlite3.Error as error:
            raise explained(error, self.path) from error

    def _once(self, begin: str, work: Work[T]) -> T:
        """Run `work` in a transaction; done again from its start as long as another process is in the way."""
        began = time.monotonic()
        while True:
            try:
                return self._try(begin, work)
            except sqlite3.OperationalError as error:
                waited = time.monotonic() - began
                if primary_code(error) != sqlite3.SQLITE_BUSY or waited >= self._busy_s:
                    raise
            pause = next(pause for after, pause in _PAUSES if waited >= after)
            time.sleep(uniform(0.5, 1.5) * pause)  # noqa: S311 - no secret hangs on it

    def _try(self, begin: str, work: Work[T]) -> T:
        connection = self._connection
        connection.execute(begin)
        try:
            result = work(connection)
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # the first error is the one to tell
                connection.execute("ROLLBACK")
            raise
        return result

    def _open_or_mend(self) -> sqlite3.Connection:
        try:
            return self._open()
        except sqlite3.Error as error:
            if not is_broken(error):
                raise explained(error, self.path) from error
            return self._mend()

    def _open(self) -> sqlite3.Connection:
        try:
            private_dir(self.path.parent)
            with suppress(FileExistsError):  # never opened and closed by us: that would drop SQLite's own locks on it
                os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))  # -wal and -shm get this mode
        except OSError as error:
            raise LedgerError(
                f"The ledger {self.path} cannot be opened: {error.strerror}. "
                "Make its directory writable, or set DELEGATE_MCP_HOME to one that is."
            ) from error
        self._identity = identity(self.path)
        connection = connect(self.path, self._busy_s, self._vfs)
        try:
            refuse_foreign(connection, self.path)
            self._set_journal(connection)
            connection.execute("PRAGMA foreign_keys = ON")
            migrate(connection, self.path)
            connection.execute("PRAGMA busy_timeout = 0")  # from here on `_once` waits
        except BaseException:
            connection.close()
            raise
        self._opened += 1
        return connection

    def _set_journal(self, connection: sqlite3.Connection) -> None:
        """Write-ahead logging where the file system can; else the slower journal that works everywhere."""
        self._wal = wants_wal(connection, self._busy_s)
        if self._wal:
            connection.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES_KEPT}")
            return
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA synchronous = FULL")
        self._tell(
            f"The ledger {self.path} stands on a file system without shared memory (a network share?): it works, but "
            "slower. Set DELEGATE_MCP_HOME to a directory on a local disk."
        )

    def _mend(self) -> sqlite3.Connection:
        """Move a broken file aside, unless another process just did, and begin a fresh one."""
        try:
            with alone(self.path, self._busy_s):
                if damaged(self.path, self._busy_s, self._vfs):
                    aside = move_aside(self.path, self._clock())
                    self._tell(
                        f"The ledger was broken. It was moved to {aside} and a fresh one begun: today's counts start "
                        f"from zero, so limits may be met earlier than shown. `sqlite3 {aside.name} .recover` may "
                        "read the old one."
                    )
                return self._open()
        except sqlite3.Error as error:
            raise explained(error, self.path) from error
        except OSError as error:
            raise LedgerError(
                f"The ledger {self.path} is broken and could not be moved aside: {error.strerror}. "
                "End other delegate-mcp servers and move the file away by hand."
            ) from error

    def _tell(self, notice: str) -> None:
        if notice not in self.notices:
            self.notices.append(notice)
            log.warning(notice)
