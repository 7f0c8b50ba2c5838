"""Asking a model where the signs are unsure: when, what, and what its answer means."""

import pytest

from delegate_mcp.routing.asking import answered, kept_key, question, worth_asking
from delegate_mcp.routing.classifier import Classification, classify
from delegate_mcp.routing.rules import load_rules

UNSURE = Classification("quick", 0.4, ("nothing in particular",), "reasoning")
SURE = Classification("quick", 0.9, ("opens with 'define'",), "reasoning")


def test_only_what_is_unsure_is_asked_unless_the_settings_say_otherwise() -> None:
    assert [worth_asking(UNSURE, how) for how in ("never", "unsure", "always")] == [False, True, True]
    assert [worth_asking(SURE, how) for how in ("never", "unsure", "always")] == [False, False, True]


def test_no_model_is_asked_about_what_the_signs_call_private() -> None:
    assert not worth_asking(Classification("private", 0.3, ("words of private life",)), "always")


def test_the_question_is_closed_and_shows_the_edges_of_a_long_prompt() -> None:
    asked = question(f"Begin {'x ' * 5_000} and end", load_rules())
    assert len(asked) < 5_000
    assert "Begin" in asked
    assert asked.rstrip().endswith("Name:")
    assert "and end" in asked
    assert "summarization: the short of a longer text" in asked
    assert "private:" not in asked


@pytest.mark.parametrize(
    ("text", "task_type"),
    [
        ("summarization", "summarization"),
        ("Name: `code_review`.", "code_review"),
        ("quick", "quick"),
        ("private", None),
        ("coding or research", None),
        ("I cannot tell", None),
        ("", None),
    ],
)
def test_an_answer_that_is_not_one_of_the_names_changes_nothing(text: str, task_type: str | None) -> None:
    found = answered(text, UNSURE)
    assert (found.task_type if found else None) == task_type
    assert found is None or found.confidence > UNSURE.confidence


def test_the_same_question_has_the_same_key() -> None:
    rules = load_rules()
    assert kept_key(question("a", rules)) == kept_key(question("a", rules)) != kept_key(question("b", rules))


def test_a_classification_names_the_next_best() -> None:
    found = classify("Summarize and translate this")
    assert found.second in {"rewriting", "summarization"} - {found.task_type}
