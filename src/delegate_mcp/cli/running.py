"""What every command shares: the app opened for one command, JSON on stdout, errors on stderr."""

import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from delegate_mcp.app import App
from delegate_mcp.holder import AppHolder
from delegate_mcp.wiring import open_app

NOTHING_YET = (
    "Nothing can answer yet. The quickest way: a free Groq key (https://console.groq.com/keys) in GROQ_API_KEY."
)


@asynccontextmanager
async def opened_app() -> AsyncGenerator[App]:
    """The app as the server has it, closed when the command ends."""
    async with AppHolder(open_app) as holder:
        yield await holder.app()


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def print_table(rows: list[tuple[str, ...]]) -> None:
    """Columns as wide as their widest cell, the last one free."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))] if rows else []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        print("  ".join((*cells, row[-1])).rstrip())
