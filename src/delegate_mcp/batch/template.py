"""Puts an item into the prompt: `{item}` and `{item.field}` are replaced as they stand, other braces mean nothing."""

import json
import re
from collections.abc import Mapping
from typing import Any, cast

from delegate_mcp.domain.errors import InputError

_PLACE = re.compile(r"\{item(?:\.([^{}\s]+))?\}")
_MAX_TOLD = 8


def has_place(prompt: str) -> bool:
    """Whether an item has a place in that prompt."""
    return _PLACE.search(prompt) is not None


def fill(prompt: str, item: Any) -> str:
    """The prompt with the item in its places. InputError: it lacks a field."""
    return _PLACE.sub(lambda place: _text(item if place[1] is None else _field(item, place[1])), prompt)


def _field(item: Any, name: str) -> Any:
    if not isinstance(item, Mapping):
        raise InputError(f"{{item.{name}}}: the item is no object with fields. Use {{item}}, or give objects.")
    fields = cast("Mapping[str, Any]", item)
    if name not in fields:
        known = ", ".join(list(fields)[:_MAX_TOLD])
        raise InputError(f"{{item.{name}}}: the item has no such field; it has {known}.")
    return fields[name]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
