"""One connection to PostgreSQL for one thread: opened when first needed, opened anew when it broke.

psycopg's blocking connections, each on a thread of ours: its asyncio ones do not run on Windows' usual event loop, and
the loop that they want there cannot start the CLI backends' processes.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, LiteralString, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from delegate_mcp.ledger.postgres_errors import explained, may_pass, shown
from delegate_mcp.ledger.postgres_schema import Connection, migrate
from delegate_mcp.ledger.postgres_statements import Transaction

log = logging.getLogger(__name__)
logging.getLogger("psycopg").setLevel(logging.ERROR)  # what it warns of, we raise ourselves

T = TypeVar("T")
Work = Callable[[Transaction], T]
"""What is done in one transaction."""

_DEFAULTS: dict[str, Any] = {
    "application_name": "delegate-mcp",
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    "target_session_attrs": "read-write",  # of several hosts the primary, also after it changed
}
"""Each may be set otherwise in the address."""

_SETTINGS: LiteralString = """
    SELECT set_config('search_path', 'delegate_mcp', false),
           set_config('lock_timeout', %(patience_ms)s, false),
           set_config('statement_timeout', %(twice_ms)s, false),
           set_config('idle_in_transaction_session_timeout', %(patience_ms)s, false),
           set_config('jit', 'off', false)
"""
"""A machine that vanishes in the midst of a transaction holds its locks no longer than the others have patience."""

_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.05, 1.0


def connect(dsn: str, patience_s: float) -> Connection:
    """A connection with our settings, in autocommit; the tables are not looked at."""
    parts: dict[str, Any] = {**_DEFAULTS, **conninfo_to_dict(dsn)}
    db = psycopg.Connection[dict[str, Any]].connect(**parts, autocommit=True, row_factory=dict_row)
    try:
        db.execute(_SETTINGS, {"patience_ms": f"{patience_s * 1000:.0f}", "twice_ms": f"{patience_s * 2000:.0f}"})
    except BaseException:
        db.close()
        raise
    return db


class Session:
    """Runs transactions one after another on its connection; where it breaks, anew on a new one.

    `patience_s` is how long the database may be away (a restart, a failover) or another server hold a lock, before a
    transaction is given up.
    """

    def __init__(self, dsn: str, *, patience_s: float, closing: threading.Event, reads: bool = False) -> None:
        self._dsn = dsn
        self._where = shown(dsn)
        self._patience_s = patience_s
        self._closing = closing
        self._reads = reads
        self._db: Connection | None = None

    def open(self) -> Connection:
        """The connection, made where there is none. LedgerError at once where it cannot be made."""
        try:
            return self._opened()
        except psycopg.Error as error:
            raise explained(error, self._where) from error

    def run(self, work: Work[T]) -> T:
        """Do `work` in one transaction; LedgerError where it cannot be done."""
        give_up, wait_s, again = time.monotonic() + self._patience_s, _FIRST_WAIT_S, False
        while True:
            try:
                return self._once(work, again=again)
            except psycopg.Error as error:
                self.close()
                if not may_pass(error) or time.monotonic() + wait_s > give_up or self._closing.wait(wait_s):
                    raise explained(error, self._where) from error
                log.info("The ledger %s is tried again: %s", self._where, type(error).__name__)
            wait_s, again = min(2 * wait_s, _LONGEST_WAIT_S), True

    def close(self) -> None:
        """Close the connection; the next transaction opens another."""
        db, self._db = self._db, None
        if db is not None:
            db.close()

    def _once(self, work: Work[T], *, again: bool) -> T:
        db = self._opened()
        with db.pipeline(), db.transaction():  # what needs no answer travels with what follows it
            return work(Transaction(db, again))

    def _opened(self) -> Connection:
        if self._db is None or self._db.closed:
            db = connect(self._dsn, self._patience_s)
            try:
                migrate(db, self._where)
                if self._reads:
                    db.isolation_level, db.read_only = psycopg.IsolationLevel.REPEATABLE_READ, True
            except BaseException:
                with suppress(psycopg.Error):
                    db.close()
                raise
            self._db = db
        return self._db
