"""Moves the SQLite ledger's log into its file beside the writes: syncing takes long, and no call waits for it."""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing, suppress

_EVERY = 200
"""Commits of this process between two checkpoints: about 8 MB of log at most, with 8 processes some 64."""
_PAGES_TO_BEGIN_ANEW = 4000
"""From so many pages on writers are held for a moment, so that the log begins anew: it never empties by itself while
somebody always writes."""


class Checkpoints:
    """Of one file. `connect` opens a connection for each; `wrote` is told of every commit."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._commits = 0
        self._thread: threading.Thread | None = None

    def wrote(self) -> None:
        """One more commit; every so many a checkpoint begins, unless one is under way."""
        self._commits += 1
        if self._commits % _EVERY or (self._thread is not None and self._thread.is_alive()):
            return
        self._thread = threading.Thread(target=self._checkpoint, name="ledger-checkpoint", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait for the one that is under way."""
        if self._thread is not None:
            self._thread.join()

    def _checkpoint(self) -> None:
        with suppress(sqlite3.Error), closing(self._connect()) as connection:  # whoever writes next tries again
            _, pages, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            if pages >= _PAGES_TO_BEGIN_ANEW:
                connection.execute("PRAGMA wal_checkpoint(RESTART)")
