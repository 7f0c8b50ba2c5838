"""JSON in the sense and not in the letter: what is written is read, what is not written is never added."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegate_mcp.delivery.loose_json import read_loosely
from delegate_mcp.delivery.schema_check import parse_answer

ANY: dict[str, Any] = {"type": "object"}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ('{"a": 1, "b": [1, 2,],}', {"a": 1, "b": [1, 2]}),
        ("{'a': 'it\\'s', \"b\": 'say \"hi\"'}", {"a": "it's", "b": 'say "hi"'}),
        ("{a: True, b-c: None, $d: False}", {"a": True, "b-c": None, "$d": False}),
        ('{"a": 1, // one\n /* two */ "b": 2 # three\n}', {"a": 1, "b": 2}),
        ('{"text": "first\nsecond\tthird"}', {"text": "first\nsecond\tthird"}),
        ('{"re": "\\d+\\.py", "at": "C:\\data"}', {"re": "\\d+\\.py", "at": "C:\\data"}),
        ("{\u201ca\u201d: \u201cb\u201d}", {"a": "b"}),
        ('{"a": 1\n "b": [1\n2]}', {"a": 1, "b": [1, 2]}),
        ('{"a": .5, "b": +1, "c": 5.}', {"a": 0.5, "b": 1, "c": 5.0}),
        ('{"smile": "\\ud83d\\ude00",}', {"smile": "\U0001f600"}),
        ('Sure, here it is: {"a": 1,} Anything else?', {"a": 1}),
        ("```json\n{'a': 1}\n```", {"a": 1}),
    ],
)
def test_what_only_the_notation_is_wrong_of_is_read_as_it_was_meant(text: str, meant: dict[str, Any]) -> None:
    found, problem = parse_answer(text, ANY)
    assert problem is None
    assert found is not None
    assert json.loads(found) == meant


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "b": [1, 2',
        '{"a": {"b": 1}, "c": "and then',
        '[{"a": 1}, {"a": 2}, {"a"',
        '{"a": 1, "a": 2, }',
        '{"a": , "b": 1}',
        '{"a": 1 "b": 2}',
        '{"a": 007}',
        '{"a": [1, 2, ...]}',
        '{"a": [1, 2 // ... and so on\n]}',
        '{"a": undefined}',
        '{"a": 1e999,}',
    ],
)
def test_what_is_cut_left_out_or_in_doubt_is_not_made_up(text: str) -> None:
    assert parse_answer(text, ANY)[0] is None


def test_an_answer_that_was_cut_is_read_by_the_letter_alone() -> None:
    assert parse_answer("{'a': 1}", ANY)[0] == '{"a":1}'
    assert parse_answer("{'a': 1}", ANY, whole=False)[0] is None
    assert parse_answer('{"a": 1} and the', ANY, whole=False)[0] == '{"a":1}'


def test_a_part_of_something_broken_is_not_taken_for_the_answer() -> None:
    assert parse_answer('{"rows": [{"name": "x"}, {"name": "y"}', ANY)[0] is None
    assert parse_answer('The form {"a": <number>} gives {"a": 1}', ANY)[0] == '{"a":1}'


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES, st.sampled_from([None, 2]))
def test_all_that_is_json_is_read_the_same(value: object, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    assert read_loosely(text) == (json.loads(text), len(text))


@given(st.dictionaries(st.text(max_size=6), VALUES, min_size=1, max_size=4), st.data())
def test_no_beginning_of_json_is_ever_read_as_a_whole(value: dict[str, Any], data: st.DataObject) -> None:
    text = json.dumps(value, ensure_ascii=False)
    cut = text[: data.draw(st.integers(0, len(text) - 1))]
    with pytest.raises(ValueError, match=r"at|not closed|left out|beyond"):
        read_loosely(cut)


@given(st.text(alphabet="{}[]\"'\\,:# /*.ab1-\n\u201c\u201d", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    parse_answer(text, ANY)
