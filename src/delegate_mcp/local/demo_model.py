"""The demonstration model: which it is, and how it comes onto the shelf."""

from collections.abc import Callable
from pathlib import Path

from delegate_mcp.catalog.catalog import DEMO_MODEL
from delegate_mcp.local.pull import Puller
from delegate_mcp.local.shelf import Shelf
from delegate_mcp.local.sources import wanted

NAME = DEMO_MODEL.model
CONTEXT_TOKENS = 2_048
"""Enough for a demonstration, and small on any machine."""


def demo_model_path(cache: Path) -> Path | None:
    """Its file, or None where it is not on the shelf whole."""
    shelf = Shelf(cache)
    note = shelf.find(NAME)
    return shelf.file(note) if note is not None else None


async def fetch_demo_model(cache: Path, say: Callable[[str], None]) -> Path:
    """Its file, fetched if it is not on the shelf whole. Raises ModelFetchError."""
    shelf = Shelf(cache)
    return shelf.file(await Puller(shelf=shelf, say=say).pull(wanted(NAME, {})))
