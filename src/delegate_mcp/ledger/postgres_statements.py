"""The statements of `postgres.sql` by their names, and the transaction in which they are sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import psycopg

from delegate_mcp.ledger.postgres_schema import Connection

Row = dict[str, Any]


def _named() -> dict[str, bytes]:
    text = files("delegate_mcp.ledger").joinpath("postgres.sql").read_text(encoding="utf-8")
    parts = (part.partition("\n") for part in text.split("\n-- name: ")[1:])
    return {name.strip(): body.encode() for name, _, body in parts}


SQL = _named()


@dataclass(frozen=True, slots=True)
class Transaction:
    """One transaction under way."""

    db: Connection
    again: bool = False
    """The database went away during an earlier try, which may have been committed all the same."""

    def send(self, name: str, values: Mapping[str, Any] | None = None) -> psycopg.Cursor[Row]:
        """Send that statement; its rows are waited for when they are asked for."""
        return self.db.execute(SQL[name], {key: _storable(value) for key, value in (values or {}).items()})


def one(cursor: psycopg.Cursor[Row]) -> Row:
    """The row of a statement that always has one."""
    (row,) = cursor.fetchall()
    return row


def _storable(value: Any) -> Any:
    """PostgreSQL's text holds neither NUL nor half a surrogate pair; a service's message may."""
    if not isinstance(value, str):
        return value
    whole = value if value.isascii() else value.encode("utf-8", "replace").decode()
    return whole.replace("\0", "\N{REPLACEMENT CHARACTER}")
