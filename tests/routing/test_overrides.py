"""MODEL_OVERRIDE_… in the environment: who stands first then, and what a name that leads nowhere says."""

import pytest

from delegate_mcp.routing.rules import Rules, load_rules
from tests.routing.scene import LOCAL, available, names, planned, why_not

ALL = available("groq", "gemini", "claude", local=LOCAL)
LARGE = "groq:openai/gpt-oss-120b"


def with_environ(**environ: str) -> Rules:
    return load_rules(environ=environ)


@pytest.mark.parametrize(
    ("variable", "task_type"),
    [
        ("MODEL_OVERRIDE_REASONING", "reasoning"),
        ("MODEL_OVERRIDE_REASONING", "rationale_generation"),
        ("MODEL_OVERRIDE_ORCHESTRATION", "orchestration"),
        ("MODEL_OVERRIDE_ORCHESTRATION", "decomposition"),
        ("MODEL_OVERRIDE_IMPLEMENTATION", "implementation"),
        ("MODEL_OVERRIDE_IMPLEMENTATION", "coding"),
        ("MODEL_OVERRIDE_CLASSIFICATION", "classification"),
        ("MODEL_OVERRIDE_DEBUG", "code_review"),
        ("model_override_quick", "quick"),
    ],
)
def test_an_override_stands_before_the_row_and_the_row_goes_on(variable: str, task_type: str) -> None:
    without = names(planned(on=ALL, task_type=task_type))
    drafted = planned(on=ALL, task_type=task_type, rules=with_environ(**{variable: "claude:haiku"}))
    assert names(drafted)[0] == "claude:haiku"
    assert names(drafted)[1:] == [name for name in without if name != "claude:haiku"]
    assert drafted.candidates[0].why.startswith(variable)
    assert f"{variable} asks for claude:haiku first" in drafted.reason


def test_the_override_of_the_task_type_comes_before_the_one_of_its_role() -> None:
    rules = with_environ(MODEL_OVERRIDE_IMPLEMENTATION="claude:opus", MODEL_OVERRIDE_CODING="ollama:gemma3:27b")
    assert names(planned(on=ALL, task_type="coding", rules=rules))[:2] == ["ollama:gemma3:27b", "claude:opus"]
    assert names(planned(on=ALL, task_type="code_review", rules=rules))[0] == "claude:opus"
    assert names(planned(on=ALL, task_type="quick", rules=rules)) == names(planned(on=ALL, task_type="quick"))


def test_a_name_of_the_past_leads_to_its_successor() -> None:
    drafted = planned(on=ALL, task_type="reasoning", rules=with_environ(MODEL_OVERRIDE_REASONING="gemini-2.5-pro"))
    assert (names(drafted)[0], drafted.candidates[0].asked_as) == ("gemini:gemini-3.8-flash", "gemini-2.5-pro")


def test_an_unknown_model_is_told_by_its_variable_and_the_rest_goes_on() -> None:
    drafted = planned(on=ALL, task_type="reasoning", rules=with_environ(MODEL_OVERRIDE_REASONING="gpt-oss-12b"))
    assert names(drafted) == names(planned(on=ALL, task_type="reasoning"))
    assert "MODEL_OVERRIDE_REASONING: There is no model 'gpt-oss-12b'. Nearest: groq:openai/gpt-oss-1" in drafted.reason


def test_an_unknown_role_is_told_with_the_nearest_and_the_rest_goes_on() -> None:
    rules = with_environ(MODEL_OVERRIDE_REASONNG="claude:opus", MODEL_OVERRIDE_CODING=" ")
    assert rules.overrides == {}
    drafted = planned(on=ALL, task_type="reasoning", rules=rules)
    assert names(drafted)[0] == LARGE
    assert drafted.told.notes == (
        "MODEL_OVERRIDE_REASONNG: there is no role or task type 'reasonng'. Did you mean 'reasoning'? It is left out.",
    )


def test_an_override_sends_nothing_private_away() -> None:
    rules = with_environ(MODEL_OVERRIDE_PRIVATE="claude:opus", MODEL_OVERRIDE_REASONING="claude:opus")
    drafted = planned("Is 7 prime?", on=ALL, task_type="reasoning", private=True, rules=rules)
    assert {candidate.tier for candidate in drafted.candidates} == {"local"}
    assert why_not(drafted)["claude:opus"].startswith("private")


def test_a_model_that_the_caller_names_is_asked_whatever_the_environment_says() -> None:
    rules = with_environ(MODEL_OVERRIDE_QUICK="claude:opus")
    assert names(planned(on=ALL, task_type="quick", model=LARGE, rules=rules)) == [LARGE]
