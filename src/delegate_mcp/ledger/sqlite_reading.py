"""What the SQLite ledger sums up for the planner, the budget and reports."""

import sqlite3
from collections.abc import Mapping
from typing import Any

from delegate_mcp.ledger import reading
from delegate_mcp.ledger.base import Totals
from delegate_mcp.ledger.days import day_start
from delegate_mcp.ledger.rows import totals_of
from delegate_mcp.ledger.snapshot import LedgerSnapshot
from delegate_mcp.ledger.sqlite_statements import SQL, Transaction
from delegate_mcp.ledger.statements import HOUR_S


def snapshot(db: sqlite3.Connection, now: float, day_starts: Mapping[str, float]) -> LedgerSnapshot:
    """What the planner and the budget see; a provider that `day_starts` does not name has its day from midnight UTC."""
    return reading.snapshot(Transaction(db), now, _use_in_day(db, now, day_starts))


def totals(db: sqlite3.Connection, since: float, connection: str | None) -> Totals:
    """Sums over the calls that began at or after `since`, of one connection where named."""
    of_whom = "" if connection is None else "_of_connection"
    bounds = {"since": since, "connection": connection}
    return totals_of(
        db.execute(SQL[f"calls_by_tier{of_whom}"], bounds), db.execute(SQL[f"attempts_by_tier{of_whom}"], bounds)
    )


def _use_in_day(db: sqlite3.Connection, now: float, day_starts: Mapping[str, float]) -> list[sqlite3.Row]:
    """Rows that add up to each provider's day: whole hours from their sums, the hour of a start from its attempts."""
    utc = day_start(now, "utc")
    first_hour = min((utc, *day_starts.values())) // HOUR_S
    rows = [
        row
        for row in db.execute(SQL["use_by_hour"], {"hour": first_hour})
        if row["hour"] * HOUR_S >= day_starts.get(row["provider"], utc)
    ]
    for provider, start in day_starts.items():
        if start % HOUR_S:
            span: dict[str, Any] = {"provider": provider, "start": start, "end": (start // HOUR_S + 1) * HOUR_S}
            rows += db.execute(SQL["use_between"], span)
    return rows
