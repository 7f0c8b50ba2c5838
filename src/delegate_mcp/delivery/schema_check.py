"""Takes the JSON out of an answer and checks it against the caller's schema.

JSON in the letter comes first. Where none of it fits and the answer is not cut, JSON in the sense is read too
(`loose_json`).
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any, NoReturn, cast

from delegate_mcp.delivery.fences import blocks
from delegate_mcp.delivery.loose_json import read_loosely

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

_MAX_STARTS = 200
"""Places in a text at which JSON is looked for."""
_MAX_PLACE_CHARS = 80
_MAX_EXPECTED_CHARS = 120
_MEANT = re.compile(r"""[\[{]\s*(?:["'\[{\]}\u201c]|-?\d|(?:true|false|null)\b)""")
"""How JSON begins and prose does not: what stands within it is a part of it, however broken the whole is."""
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)

Reading = Callable[[str, int], tuple[Any, int]]
"""Reads the value that begins at a place of a text, and says where it ends."""


def parse_answer(text: str, schema: Mapping[str, Any], *, whole: bool = True) -> tuple[str, None] | tuple[None, str]:
    """The answer as compact JSON, or what is wrong with it: a short text that shows the schema, never the answer.

    `whole`: the answer was not cut; only then is JSON taken that misses the letter.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.validators import validator_for
    from referencing import Registry

    kind = validator_for(dict(schema), default=Draft202012Validator)
    check = kind(dict(schema), registry=Registry[Any]())  # an empty registry: nothing is fetched
    problem: str | None = None
    strict = json.JSONDecoder(parse_constant=_no_constant)
    for value in chain(_values(text, strict.raw_decode), _values(text, read_loosely) if whole else ()):
        try:
            error = min(check.iter_errors(value), key=lambda error: len(error.absolute_path), default=None)
        except RecursionError:
            return None, "the JSON is nested too deeply to be checked"
        if error is None:
            return _compact(value), None
        problem = problem or _told(error)
    return None, problem or "the answer holds no JSON"


def _values(text: str, read: Reading) -> Iterator[Any]:
    """What may be meant as the answer, the likeliest first: all of it, a code block, the longest JSON within prose."""
    for part in (text, *(text[block.body : block.body_end] for block in blocks(text))):
        with suppress(ValueError, RecursionError):
            bare = part.strip().removeprefix("\ufeff").lstrip()
            value, end = read(bare, 0)
            if end == len(bare):
                yield value
    found: list[tuple[int, int, Any]] = []
    place = tried = 0
    while tried < _MAX_STARTS:
        starts = [start for start in (text.find("{", place), text.find("[", place)) if start >= 0]
        if not starts:
            break
        start, tried = min(starts), tried + 1
        try:
            value, place = read(text, start)
            found.append((place - start, start, value))
        except (ValueError, RecursionError):
            place = _closing(text, start) if _MEANT.match(text, start) else start + 1
    for _, _, value in sorted(found, key=lambda item: item[:2], reverse=True):
        yield value


def _closing(text: str, start: int) -> int:
    """The place behind the bracket that closes the one at `start`; the end of the text where none does."""
    depth = 0
    for sign in _BRACKETS.finditer(text, start):
        depth += (sign[0] in "[{") - (sign[0] in "]}")
        if not depth and sign[0] in "]}":
            return sign.end()
    return len(text)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _compact(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # half of a split character cannot be written as UTF-8, as an escape it can
    return text if text.isascii() or not _holds_surrogates(text) else json.dumps(value, separators=(",", ":"))


def _holds_surrogates(text: str) -> bool:
    return any("\ud800" <= sign <= "\udfff" for sign in text)


def _told(error: "ValidationError") -> str:
    place = error.json_path[:_MAX_PLACE_CHARS]
    instance = cast("object", error.instance)
    if error.validator == "required" and isinstance(instance, dict):
        missing = [str(name) for name in cast("list[object]", error.validator_value) if name not in instance]
        return f"{place} lacks {', '.join(missing)}"[: _MAX_PLACE_CHARS + _MAX_EXPECTED_CHARS]
    expected = json.dumps({str(error.validator): error.validator_value}, ensure_ascii=False, default=str)
    return f"{place} does not fit {expected[:_MAX_EXPECTED_CHARS]}"
