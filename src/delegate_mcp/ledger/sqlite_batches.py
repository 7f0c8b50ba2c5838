"""Batches in the SQLite ledger."""

import sqlite3
from dataclasses import asdict

from delegate_mcp.ledger.batches import BatchRow
from delegate_mcp.ledger.rows import batch_of
from delegate_mcp.ledger.sqlite_statements import SQL


def begin_batch(db: sqlite3.Connection, row: BatchRow) -> None:
    """Record a batch; one that is there stays as it is."""
    db.execute(SQL["begin_batch"], asdict(row))


def hold_batch(db: sqlite3.Connection, row: BatchRow, now: float, dead: str) -> bool:
    """Take or renew a batch; whether it is the row's owner's now."""
    return db.execute(SQL["hold_batch"], {**asdict(row), "now": now, "dead": dead}).rowcount == 1


def batch(db: sqlite3.Connection, batch_id: str) -> BatchRow | None:
    """One batch, or None."""
    row = db.execute(SQL["batch"], {"batch_id": batch_id}).fetchone()
    return None if row is None else batch_of(row)
