"""A model that the caller names is the only candidate; names of the past lead to their successors."""

import pytest

from delegate_mcp.domain.errors import InputError, NoCandidateError
from tests.routing.scene import LOCAL, available, names, planned

ALL = available("groq", "gemini", "claude", "local", local=LOCAL)


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("claude:opus", "claude:opus"),
        ("opus", "claude:opus"),
        ("groq:openai/gpt-oss-120b", "groq:openai/gpt-oss-120b"),
        ("gpt-oss-120b", "groq:openai/gpt-oss-120b"),
        ("ollama:gemma3:27b", "ollama:gemma3:27b"),
        ("gemma3-27b", "ollama:gemma3:27b"),
        ("local:smollm2-135m-instruct", "local:smollm2-135m-instruct"),
    ],
)
def test_a_named_model_is_the_only_candidate(name: str, model: str) -> None:
    drafted = planned(on=ALL, model=name)
    assert names(drafted) == [model]
    assert drafted.candidates[0].asked_as is None


@pytest.mark.parametrize(
    ("name", "task_type", "model"),
    [
        ("llama-3.1-8b-instant", "quick", "groq:openai/gpt-oss-20b"),
        ("groq:llama-3.1-8b-instant", "quick", "groq:openai/gpt-oss-20b"),
        ("llama-3.3-70b-versatile", "quick", "groq:openai/gpt-oss-120b"),
        ("moonshotai/kimi-k2-instruct", "quick", "groq:openai/gpt-oss-120b"),
        ("meta-llama/llama-4-scout-17b-16e-instruct", "quick", "groq:openai/gpt-oss-120b"),
        ("qwen3-32b", "quick", "groq:qwen/qwen3.8-27b"),
        ("gemini-2.0-flash", "summarization", "gemini:gemini-3.5-flash-lite"),
        ("gemini-2.0-flash", "reasoning", "gemini:gemini-3.8-flash"),
        ("gemini-2.5-flash", "coding", "gemini:gemini-3.8-flash"),
        ("gemini-2.5-pro", "quick", "gemini:gemini-3.8-flash"),
    ],
)
def test_a_retired_name_leads_to_its_successor_and_the_route_says_so(name: str, task_type: str, model: str) -> None:
    candidate = planned(on=ALL, model=name, task_type=task_type).candidates[0]
    assert str(candidate.model_id) == model
    assert candidate.asked_as == name
    assert name in candidate.why


def test_a_local_model_of_a_retired_clouds_name_means_the_local_one() -> None:
    on = available("groq", local={"ollama": ("qwen3:32b",)})
    assert names(planned(on=on, model="qwen3-32b")) == ["ollama:qwen3:32b"]


@pytest.mark.parametrize("name", ["sonet", "groq:gpt-oss-120", "ollama:gema3:27b", "nobody:knows", ":", "claude:"])
def test_an_unknown_model_names_the_nearest_three(name: str) -> None:
    with pytest.raises(InputError, match="There is no model") as caught:
        planned(on=ALL, model=name)
    nearest = str(caught.value).split("Nearest: ")[1].split(". `")[0].split(", ")
    assert len(nearest) == 3


def test_the_nearest_name_of_a_typo_is_the_right_one() -> None:
    with pytest.raises(InputError, match="Nearest: claude:sonnet"):
        planned(on=ALL, model="sonet")
    with pytest.raises(InputError, match="Nearest: ollama:gemma3:27b"):
        planned(on=ALL, model="ollama:gema3:27b")


def test_no_floor_stands_against_a_model_that_was_named() -> None:
    on = available(local={"ollama": ("llama3.2:1b",)})
    assert names(planned(on=on, model="llama3.2:1b", task_type="reasoning")) == ["ollama:llama3.2:1b"]


def test_a_named_model_takes_what_the_rule_asks_of_it() -> None:
    assert planned(on=ALL, model="gemini-3.8-flash", task_type="research").candidates[0].options.web_search
    assert planned(on=ALL, model="gpt-oss-20b", task_type="quick").candidates[0].options.reasoning_effort == "low"


def test_a_named_model_of_a_provider_without_a_key_says_so() -> None:
    with pytest.raises(NoCandidateError, match="claude:opus: no key"):
        planned(on=available("groq"), model="opus")


def test_a_model_of_a_local_server_that_is_off_is_told_as_such() -> None:
    with pytest.raises(NoCandidateError, match="ollama:qwen3:8b: no key"):
        planned(on=available("groq"), model="ollama:qwen3:8b")
