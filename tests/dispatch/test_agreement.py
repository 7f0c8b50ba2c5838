"""What answers of several models have in common."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegate_mcp.dispatch.agreement import (
    Group,
    final_answer,
    grouped,
    judged,
    majority,
    normal_form,
    plain,
    seen_by,
    tally,
)


@pytest.mark.parametrize(
    ("text", "final"),
    [
        ("Long thoughts.\n\nANSWER: 42", "42"),
        ("answer: 41\nNo, wait.\n**ANSWER:** 42**", "42"),
        ("The final answer: Paris", "The final answer: Paris"),
        ("- Final answer = Paris", "Paris"),
        (r"so \boxed{7}", "7"),
        ("First line\nlast line\n\n", "last line"),
        ("", ""),
    ],
)
def test_an_answer_comes_down_to_its_last_word(text: str, final: str) -> None:
    assert final_answer(text) == final


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("42", "42.0"),
        ("1,000", "1000"),
        ("Paris.", "paris"),
        ("the Seine", "Seine"),
        ("It is **Rome**", "Rome"),
        ("+3", "3"),
    ],
)
def test_the_same_in_other_writing_is_the_same(one: str, other: str) -> None:
    assert normal_form(one) == normal_form(other)


@pytest.mark.parametrize(("one", "other"), [("42", "43"), ("-3", "3"), ("1.5", "15"), ("yes", "no"), ("A", "B")])
def test_what_differs_stays_different(one: str, other: str) -> None:
    assert normal_form(one) != normal_form(other)


def test_json_is_compared_by_what_it_says() -> None:
    assert normal_form('{"b": 1, "a": [2]}', as_json=True) == normal_form('{"a":[2],"b":1}', as_json=True)


def test_groups_come_largest_first_and_a_majority_is_more_than_half() -> None:
    groups = grouped(["a", "b", "b", "c", "b"])
    assert groups == (Group((1, 2, 4)), Group((0,)), Group((3,)))
    assert majority(groups, 5)
    assert not majority(grouped(["a", "b"]), 2)
    assert not majority((), 0)


def test_bare_numbers_need_no_judge() -> None:
    assert plain(["41", "-3.5", "7%"])
    assert not plain(["41", "forty-one"])


@pytest.mark.parametrize(
    ("reply", "groups"),
    [
        ('{"groups": [[1, 3], [2]]}', (Group((0, 2)), Group((1,)))),
        ('Sure:\n```json\n{"groups": [[2], [1, 3]]}\n```', (Group((0, 2)), Group((1,)))),
        ('{"groups": [[1, 1, 9, true], [1, 2]]}', (Group((0,)), Group((1,)), Group((2,)))),
        ('{"groups": "all"}', None),
        ("they agree", None),
    ],
)
def test_a_judges_words_are_read_with_care(reply: str, groups: tuple[Group, ...] | None) -> None:
    assert judged(reply, 3) == groups


@given(st.text(), st.integers(1, 9))
def test_whatever_a_judge_says_every_vote_stands_in_one_group(reply: str, votes: int) -> None:
    groups = judged(reply, votes)
    assert groups is None or sorted(place for group in groups for place in group.members) == list(range(votes))


def test_nobody_is_shown_its_own_answer_among_the_others() -> None:
    shown = seen_by(1, ["first", "second", "third"])
    assert "first" in shown
    assert "third" in shown
    assert "second" not in shown


def test_the_tally_is_one_line_with_the_dissent() -> None:
    line = tally((Group((0, 2)), Group((1,))), ["a", "b", "c"], ["42", "41\nor so", "42"], rounds=2, asked=3)
    assert line == "2 of 3 agree after 2 rounds. Dissent: b: 41 or so"
    assert tally((Group((0, 1)),), ["a", "b"], ["x", "x"], rounds=1, asked=3) == "2 of 2 agree (3 asked)."
