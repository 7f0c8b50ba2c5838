"""The statements of `sqlite.sql` by their names, and the transaction in which they are sent."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any


def _named() -> dict[str, str]:
    text = files("delegate_mcp.ledger").joinpath("sqlite.sql").read_text(encoding="utf-8")
    parts = (part.partition("\n") for part in text.split("-- name: ")[1:])
    return {name.strip(): body for name, _, body in parts}


SQL = _named()


@dataclass(slots=True)
class Transaction:
    """One transaction under way."""

    db: sqlite3.Connection

    def send(self, name: str, values: Mapping[str, Any], /) -> sqlite3.Cursor:
        """Do that statement."""
        return self.db.execute(SQL[name], values)
