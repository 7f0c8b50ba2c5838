"""JSON out of an answer: found within prose, checked, told without showing the answer."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegate_mcp.delivery.schema_check import parse_answer

PERSON: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
GOOD = '{"name":"Ada","age":36}'


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"\ufeff  {GOOD}\n",
        f"```json\n{GOOD}\n```",
        f"Here you are:\n\n```json\n{GOOD}\n```\nAnything else?",
        f"Sure! {GOOD} Bye.",
        f"As in [1], {{so}}: {GOOD}",
        f'<think>maybe {{"name": "x"}}</think>\n{GOOD}',
        f"```\nnot json\n```\n```\n{GOOD}\n```",
        '{ "name" : "Ada",\n "age" : 36 }',
    ],
)
def test_the_json_is_found_and_made_compact(text: str) -> None:
    assert parse_answer(text, PERSON) == (GOOD, None)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "the answer holds no JSON"),
        ("no braces at all", "the answer holds no JSON"),
        ('{"name": "Ada", "age": 36', "the answer holds no JSON"),
        ('{"name": "Ada"}', "$ lacks age"),
        ("{}", "$ lacks name, age"),
        ('{"name": "Ada", "age": "old"}', '$.age does not fit {"type": "integer"}'),
        ('{"name": "Ada", "age": -1}', '$.age does not fit {"minimum": 0}'),
        ('{"name": "Ada", "age": 1, "x": 1}', '$ does not fit {"additionalProperties": false}'),
        ("[1]", '$ does not fit {"type": "object"}'),
        ('{"name": "Ada", "age": NaN}', "the answer holds no JSON"),
    ],
)
def test_what_does_not_fit_is_told_by_place_and_schema(text: str, problem: str) -> None:
    assert parse_answer(text, PERSON) == (None, problem)


def test_a_problem_is_short_and_shows_nothing_of_the_answer() -> None:
    schema = {"enum": ["a" * 500], "required": ["b" * 500]}
    _, problem = parse_answer(json.dumps({"secret": "word" * 100}), schema)
    assert problem is not None
    assert len(problem) < 250
    assert "secret" not in problem
    assert "word" not in problem


def test_umlauts_stay_and_half_characters_become_escapes() -> None:
    assert parse_answer('{"a": "\\u00fc"}', {}) == ('{"a":"ü"}', None)
    text, _ = parse_answer('{"a": "\\ud800"}', {})
    assert text == '{"a":"\\ud800"}'


def test_the_draft_that_a_schema_names_is_followed() -> None:
    schema = {"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "string"}]}
    assert parse_answer("[1]", schema)[0] is None
    assert parse_answer('["a"]', schema) == ('["a"]', None)


def test_references_inside_the_schema_are_followed() -> None:
    schema = {"$defs": {"tree": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}, "$ref": "#/$defs/tree"}
    assert parse_answer("[[],[[]]]", schema) == ("[[],[[]]]", None)
    assert parse_answer("[[1]]", schema) == (None, '$[0][0] does not fit {"type": "array"}')


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 5_000 + "1" + "}" * 5_000, "9" * 10_000, "{" * 1_000 + "}"])
def test_hopeless_json_is_no_crash(text: str) -> None:
    assert parse_answer(text, {"type": "object", "required": ["x"]})[0] is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=10,
)


@given(
    st.dictionaries(st.text(max_size=4), JSON, max_size=4),
    st.sampled_from(["{}", "```json\n{}\n```", "Sure:\n{}\nBye."]),
)
def test_any_object_comes_back_as_it_was(value: dict[str, Any], around: str) -> None:
    text, problem = parse_answer(around.replace("{}", json.dumps(value)), {"type": "object"})
    assert problem is None
    assert text is not None
    assert json.loads(text) == value
