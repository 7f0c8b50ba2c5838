"""Takes the JSON out of an answer and checks it against the caller's schema."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn, cast

from delegate_mcp.delivery.fences import blocks

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

_MAX_STARTS = 200
"""Places in a text at which JSON is looked for."""
_MAX_PLACE_CHARS = 80
_MAX_EXPECTED_CHARS = 120


def parse_answer(text: str, schema: Mapping[str, Any]) -> tuple[str, None] | tuple[None, str]:
    """The answer as compact JSON, or what is wrong with it: a short text that shows the schema, never the answer."""
    from jsonschema import Draft202012Validator
    from jsonschema.validators import validator_for
    from referencing import Registry

    kind = validator_for(dict(schema), default=Draft202012Validator)
    check = kind(dict(schema), registry=Registry[Any]())  # an empty registry: nothing is fetched
    problem: str | None = None
    for value in _values(text):
        try:
            error = min(check.iter_errors(value), key=lambda error: len(error.absolute_path), default=None)
        except RecursionError:
            return None, "the JSON is nested too deeply to be checked"
        if error is None:
            return _compact(value), None
        problem = problem or _told(error)
    return None, problem or "the answer holds no JSON"


def _values(text: str) -> Iterator[Any]:
    """What may be meant as the answer, the likeliest first: all of it, a code block, the longest JSON within prose."""
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    for part in (text, *(text[block.body : block.body_end] for block in blocks(text))):
        with suppress(ValueError, RecursionError):
            yield decoder.decode(part.strip().removeprefix("\ufeff"))
    found: list[tuple[int, int, Any]] = []
    place = tried = 0
    while tried < _MAX_STARTS:
        starts = [start for start in (text.find("{", place), text.find("[", place)) if start >= 0]
        if not starts:
            break
        start, tried = min(starts), tried + 1
        try:
            value, place = decoder.raw_decode(text, start)
            found.append((place - start, start, value))
        except (ValueError, RecursionError):
            place = start + 1
    for _, _, value in sorted(found, key=lambda item: item[:2], reverse=True):
        yield value


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
