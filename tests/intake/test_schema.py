"""What counts as a schema, and how one that is none is refused."""

from typing import Any

import pytest

from delegate_mcp.domain.errors import InputError
from delegate_mcp.intake.schema import check_schema, read_schema


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
        {"$defs": {"tree": {"items": {"$ref": "#/$defs/tree"}}}, "$ref": "#/$defs/tree"},
        {"properties": {"children": {"items": {"$ref": "#"}}}},
        {"$schema": "http://json-schema.org/draft-07/schema#", "definitions": {"a": {}}, "$ref": "#/definitions/a"},
        {"properties": {"$ref": {"type": "string"}, "enum": {"type": "string"}}},
        {"const": {"$ref": "https://example.com/a-value"}},
        {"$id": "https://example.com/s", "$defs": {"a": {"$anchor": "a"}}, "$ref": "https://example.com/s#a"},
    ],
)
def test_a_schema_is_accepted(schema: dict[str, Any]) -> None:
    check_schema(schema)


@pytest.mark.parametrize(
    ("schema", "where"),
    [
        ({"type": "intege"}, r"at \$\.type: 'intege' is not one of"),
        ({"properties": {"a": {"minLength": "x"}}}, r"at \$\.properties\.a\.minLength: 'x' is not of type 'integer'"),
        ({"pattern": "["}, r"at \$\.pattern"),
        ({"$schema": 5}, r"\$schema"),
        ({"default": {1, 2}}, "what JSON cannot"),
        ({"default": float("nan")}, "what JSON cannot"),
        ({"title": "x" * 100_001}, "characters long"),
    ],
)
def test_what_is_no_schema_is_refused_with_the_place(schema: dict[str, Any], where: str) -> None:
    with pytest.raises(InputError, match=where):
        check_schema(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "https://example.com/schema.json"},
        {"properties": {"a": {"$ref": "http://127.0.0.1:1/x"}}},
        {"properties": {"enum": {"$ref": "file:///etc/passwd"}}},
        {"allOf": [{"$dynamicRef": "other.json#x"}]},
        {"$ref": "#/$defs/missing"},
        {"$ref": "#nowhere"},
        {"items": {"$ref": "http://[/"}},
    ],
)
def test_a_reference_that_leaves_the_schema_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"is not in the schema, and nothing is fetched.*\$defs"):
        check_schema(schema)


def test_a_schema_that_refers_to_itself_without_end_is_refused() -> None:
    with pytest.raises(InputError, match="circle"):
        check_schema({"$ref": "#"})


def test_a_schema_may_come_as_json_text() -> None:
    assert read_schema('{"type": "object"}') == {"type": "object"}
    assert read_schema({"type": "object"}) == {"type": "object"}


@pytest.mark.parametrize("text", ["", "{", "not json", "[" * 100_000])
def test_text_that_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="no JSON"):
        read_schema(text)


@pytest.mark.parametrize("text", ["[1]", '"object"', "true", "null"])
def test_json_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="must be an object"):
        read_schema(text)
