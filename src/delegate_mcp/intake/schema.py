"""The `json_schema` parameter: checked to be a schema, and one that can be followed without leaving the call."""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from delegate_mcp.domain.errors import InputError

if TYPE_CHECKING:
    from referencing.jsonschema import Schema

_MAX_CHARS = 100_000
_REFERENCES = frozenset({"$ref", "$dynamicRef"})
_VALUES = frozenset({"const", "enum", "default", "examples"})
"""Keywords that hold values, not schemas: a `$ref` in there refers to nothing."""
_NAMED = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
"""Keywords whose keys are names that the caller chose, not keywords."""


def read_schema(schema: Mapping[str, Any] | str) -> Mapping[str, Any]:
    """A schema given as an object or as JSON text, checked."""
    if isinstance(schema, str):
        try:
            parsed: object = json.loads(schema)
        except (ValueError, RecursionError) as error:
            raise InputError(f"json_schema is no JSON: {error}.") from error
        if not isinstance(parsed, dict):
            raise InputError('json_schema must be an object, such as {"type": "object", "properties": {…}}.')
        schema = cast("dict[str, Any]", parsed)
    check_schema(schema)
    return schema


def check_schema(schema: Mapping[str, Any]) -> None:
    """InputError says where in the schema something is wrong, and what. Draft 2020-12 where `$schema` is silent."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import validator_for
    from referencing import Registry

    plain = _plain(schema)
    if not isinstance(plain.get("$schema", ""), str):
        raise InputError("json_schema at $.$schema: not a string. Leave it out for draft 2020-12.")
    try:
        kind = validator_for(plain, default=Draft202012Validator)
        kind.check_schema(plain)
        _check_references(plain)
        any(kind(plain, registry=Registry[Any]()).iter_errors(None))  # a circle of references shows by recursion
    except SchemaError as error:
        nearer = error.context[0] if error.context else error
        raise InputError(f"json_schema at {error.json_path}: {nearer.message[:300]}.") from error
    except RecursionError as error:
        raise InputError("json_schema has no end: it is nested too deeply, or refers to itself in a circle.") from error


def _plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema as JSON values and no others."""
    try:
        text = json.dumps(dict(schema), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"json_schema holds what JSON cannot: {error}.") from error
    if len(text) > _MAX_CHARS:
        raise InputError(f"json_schema is {len(text):,} characters long, at most {_MAX_CHARS:,} can be sent.")
    return cast("dict[str, Any]", json.loads(text))


def _check_references(schema: dict[str, Any]) -> None:
    """Every reference leads to a place inside the schema; nothing is fetched to follow it."""
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    resolver = Registry[Any]().resolver_with_root(DRAFT202012.create_resource(cast("Schema", schema)))
    for path, reference in _references(schema, "$", named=False):
        try:
            resolver.lookup(reference)
        except (Unresolvable, ValueError) as error:
            raise InputError(
                f"json_schema at {path}: {reference!r} is not in the schema, and nothing is fetched. Put what it "
                "refers to under $defs and write #/$defs/NAME."
            ) from error


def _references(value: object, path: str, *, named: bool) -> Iterator[tuple[str, str]]:
    """Each reference with its place; `named`: the keys of this object are names, not keywords."""
    if isinstance(value, list):
        for number, item in enumerate(cast("list[object]", value)):
            yield from _references(item, f"{path}[{number}]", named=False)
    elif isinstance(value, dict):
        for key, item in cast("dict[str, object]", value).items():
            if not named and key in _REFERENCES and isinstance(item, str):
                yield f"{path}.{key}", item
            elif named or key not in _VALUES:
                yield from _references(item, f"{path}.{key}", named=not named and key in _NAMED)
