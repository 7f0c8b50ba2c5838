"""The SQLite ledger's tables: numbered steps in `migrations/NNNN_name.sql`, forward only.

To change a table: add the next number. A step that was released is never edited.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib.resources import files
from pathlib import Path

from delegate_mcp.domain.errors import LedgerError


@cache
def _migrations() -> tuple[str, ...]:
    """The text of `migrations/NNNN_name.sql`, in order; the first is number 1."""
    folder = files("delegate_mcp.ledger").joinpath("migrations")
    found = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda entry: entry.name)
    return tuple(entry.read_text(encoding="utf-8") for entry in found)


def refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    """Leave alone what a newer version or another program wrote."""
    version, known = _number(connection, "PRAGMA user_version"), len(_migrations())
    tables = _number(connection, "SELECT count(*) FROM sqlite_master")
    ours = _number(connection, "PRAGMA application_id") == _application_id()
    if not ours and (tables or version):
        raise LedgerError(
            f"{path} is a database of another program. Nothing was changed. "
            "Move it away, or set DELEGATE_MCP_HOME to another directory."
        )
    if version > known:
        raise LedgerError(
            f"The ledger {path} was written by a newer delegate-mcp (its format is {version}, this one knows up to "
            f"{known}). Nothing was changed. Install the newer version here too, or set DELEGATE_MCP_HOME to another "
            "directory."
        )


@cache
def _application_id() -> int:
    """Our mark in the file's head, as the first migration sets it."""
    return int(_migrations()[0].partition("PRAGMA application_id = ")[2].partition(";")[0])


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the file to this version in one transaction; processes that start together do it once."""
    steps = _migrations()
    if _number(connection, "PRAGMA user_version") == len(steps):
        return
    connection.execute("BEGIN EXCLUSIVE")
    try:
        refuse_foreign(connection, path)
        for step in steps[_number(connection, "PRAGMA user_version") :]:
            for statement in _statements(step):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(steps)}")
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, one by one: `executescript` would end the transaction around them."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _number(connection: sqlite3.Connection, statement: str) -> int:
    return int(connection.execute(statement).fetchone()[0])
