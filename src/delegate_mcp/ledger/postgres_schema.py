"""The PostgreSQL ledger's tables: numbered steps in `migrations_postgres/NNNN_name.sql`, forward only.

To change a table: add the next number. A step that was released is never edited. All is in the schema `delegate_mcp`.
"""

from functools import cache
from importlib.resources import files
from typing import Any

import psycopg

from delegate_mcp.domain.errors import LedgerError

Connection = psycopg.Connection[dict[str, Any]]

_MIGRATING = 1684825971
"""The advisory lock under which one server at a time migrates."""


@cache
def _steps() -> tuple[tuple[str, bytes], ...]:
    """Name and text of each step, in order; the first is number 1."""
    folder = files("delegate_mcp.ledger").joinpath("migrations_postgres")
    found = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda entry: entry.name)
    return tuple((entry.name, entry.read_bytes()) for entry in found)


def migrate(db: Connection, where: str) -> None:
    """Bring the tables to this version in one transaction; servers that start together do it once."""
    if _reached(db, where) == len(_steps()):
        return
    with db.transaction():
        db.execute("SELECT pg_advisory_xact_lock(%s)", [_MIGRATING])
        db.execute("CREATE SCHEMA IF NOT EXISTS delegate_mcp")
        db.execute(
            "CREATE TABLE IF NOT EXISTS delegate_mcp.migrations "
            "(number integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        for number, (name, step) in enumerate(_steps(), 1):
            if number > _reached(db, where):
                db.execute(step)
                db.execute("INSERT INTO delegate_mcp.migrations (number, name) VALUES (%s, %s)", [number, name])


def _reached(db: Connection, where: str) -> int:
    there = db.execute("SELECT to_regclass('delegate_mcp.migrations') IS NOT NULL AS there").fetchone()
    if there is None or not there["there"]:
        return 0
    row = db.execute("SELECT coalesce(max(number), 0) AS number FROM delegate_mcp.migrations").fetchone()
    number = 0 if row is None else int(row["number"])
    if number > len(_steps()):
        raise LedgerError(
            f"The ledger {where} was brought to format {number} by a newer delegate-mcp; this one knows up to "
            f"{len(_steps())}. Nothing was changed. Install the newer version here too."
        )
    return number
