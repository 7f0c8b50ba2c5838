"""What SQLite's errors mean for a person. To add one: a row in WHAT_TO_DO, by SQLite's primary result code."""

import sqlite3
from pathlib import Path

from delegate_mcp.domain.errors import LedgerError

_PRIMARY = 0xFF  # SQLite's extended codes carry the primary one in their low byte

WHAT_TO_DO: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_BUSY: (
        "another process holds it",
        "End that process (a backup, a database browser, a hung server), then try again.",
    ),
    sqlite3.SQLITE_LOCKED: (
        "another process holds it",
        "End that process (a backup, a database browser, a hung server), then try again.",
    ),
    sqlite3.SQLITE_FULL: ("the disk is full", "Free some space, then try again."),
    sqlite3.SQLITE_READONLY: (
        "it is read-only",
        "Make the file and its directory writable, or set DELEGATE_MCP_HOME to a directory that is.",
    ),
    sqlite3.SQLITE_PERM: (
        "access was denied",
        "Make the file and its directory writable, or set DELEGATE_MCP_HOME to a directory that is.",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "it cannot be opened",
        "Check that its directory exists, is writable and stands on a local disk, or set DELEGATE_MCP_HOME to one.",
    ),
    sqlite3.SQLITE_IOERR: (
        "the disk did not read or write",
        "Check the disk and its free space, or set DELEGATE_MCP_HOME to a directory on another one.",
    ),
    sqlite3.SQLITE_PROTOCOL: (
        "its locks do not work there",
        "Set DELEGATE_MCP_HOME to a directory on a local disk.",
    ),
    sqlite3.SQLITE_CONSTRAINT: (
        "the entry contradicts what is on record",
        "Most likely the same call or attempt was begun twice; please report it.",
    ),
}


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; -1 where the error is the Python module's own."""
    code = getattr(error, "sqlite_errorcode", None)
    return code & _PRIMARY if isinstance(code, int) else -1


def is_broken(error: sqlite3.Error) -> bool:
    """Whether the file is no database or a damaged one."""
    return primary_code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def explained(error: sqlite3.Error, path: Path) -> LedgerError:
    """The same error in words that say what happened, what was kept and what to do."""
    unknown = (f"SQLite says: {error}", "Try again; if it stays, please report it.")
    happened, remedy = WHAT_TO_DO.get(primary_code(error), unknown)
    return LedgerError(
        f"The ledger {path} could not be used: {happened}. "
        f"What it held before is kept; what was being recorded is not in it. {remedy}"
    )
