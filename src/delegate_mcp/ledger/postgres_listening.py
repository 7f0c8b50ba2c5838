"""Hears what other servers write to the same PostgreSQL ledger: LISTEN on a connection and a thread of its own."""

import logging
import selectors
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

import psycopg

from delegate_mcp.ledger.postgres_schema import Connection
from delegate_mcp.ledger.postgres_session import connect

log = logging.getLogger(__name__)

CHANNEL = "delegate_mcp_ledger"

_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.1, 5.0
_STOP_S = 1.5


class Listening:
    """Calls `heard` (on its own thread) for every write of another ledger object, from `start` to `stop`.

    After a broken connection it calls `heard` once, since something may have been missed.
    """

    def __init__(self, dsn: str, mine: str, patience_s: float, heard: Callable[[], None]) -> None:
        self._dsn = dsn
        self._patience_s = patience_s
        self._mine = mine
        self._heard = heard
        self._ending, self._end = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="ledger-listening", daemon=True)
        self.ready = threading.Event()
        """Set when the first LISTEN stands."""

    def start(self) -> None:
        """Begin to listen, soon."""
        self._thread.start()

    def stop(self) -> None:
        """End it and return when it has ended; one that hangs in connecting is left to the process's end."""
        with suppress(OSError):  # stopped before
            self._end.send(b".")
            self._thread.join(_STOP_S)
        if not self._thread.is_alive():
            self._ending.close()
            self._end.close()

    def _run(self) -> None:
        wait_s = _FIRST_WAIT_S
        while True:
            try:
                with connect(self._dsn, self._patience_s) as db:
                    db.add_notify_handler(lambda notice: self._tell(notice.payload))
                    db.execute(f"LISTEN {CHANNEL}")
                    if self.ready.is_set():
                        self._heard()
                    self.ready.set()
                    wait_s = _FIRST_WAIT_S
                    self._listen(db)
                    return
            except psycopg.Error as error:
                log.info("The ledger's notices are not heard for now: %s", type(error).__name__)
            if self._ended_within(wait_s):
                return
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)

    def _listen(self, db: Connection) -> None:
        """Return when `stop` is called; psycopg.Error where the connection breaks."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._ending, selectors.EVENT_READ)
            selector.register(db.fileno(), selectors.EVENT_READ)
            while not any(key.fileobj is self._ending for key, _ in selector.select()):
                db.pgconn.consume_input()
                while (notice := db.pgconn.notifies()) is not None:
                    self._tell(notice.extra.decode())

    def _tell(self, whose: str) -> None:
        if whose != self._mine:
            self._heard()

    def _ended_within(self, wait_s: float) -> bool:
        with selectors.DefaultSelector() as selector:
            selector.register(self._ending, selectors.EVENT_READ)
            return bool(selector.select(wait_s))
