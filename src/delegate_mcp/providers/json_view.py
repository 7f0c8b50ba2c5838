"""Looking into JSON of unknown shape: what is not there, or is something else, reads as empty."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast


def parse(text: bytes | str) -> object:
    """The JSON value, or None where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # nested by the thousand
        return None


def mapping(value: object) -> Mapping[str, Any]:
    """The JSON object, or an empty one."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def mappings(value: object) -> Sequence[Mapping[str, Any]]:
    """The objects of a JSON array."""
    items = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("Mapping[str, Any]", item) for item in items if isinstance(item, Mapping)]


def text(value: object) -> str:
    """The string, or an empty one."""
    return value if isinstance(value, str) else ""


def count(value: object) -> int:
    """The whole number, or 0."""
    return value if isinstance(value, int) else 0
