"""The embedded SmolLM2 is a demonstration: it answers where nothing else is set up, when named, or when set to."""

import pytest

from delegate_mcp.domain.errors import NoCandidateError
from tests.routing.scene import available, names, planned

DEMO = "local:smollm2-135m-instruct"
DEMO_ONLY = available("local", local={"local": ("smollm2-135m-instruct",)})


@pytest.mark.parametrize("task_type", ["quick", "private", "reasoning", "coding"])
def test_it_answers_where_nothing_else_is_set_up(task_type: str) -> None:
    drafted = planned(on=DEMO_ONLY, task_type=task_type)
    assert names(drafted) == [DEMO]
    assert drafted.candidates[0].demo
    assert drafted.candidates[0].why == "demo model"


@pytest.mark.parametrize("other", ["groq", "gemini", "claude", "huggingface"])
def test_it_does_not_answer_where_anything_else_is_set_up(other: str) -> None:
    on = available(other, local={"local": ("smollm2-135m-instruct",)})
    with pytest.raises(NoCandidateError, match=f"{DEMO}: a demonstration"):
        planned(on=on, task_type="private")


def test_it_does_not_answer_beside_another_local_model() -> None:
    on = available(local={"local": ("mine-14b", "smollm2-135m-instruct")})
    assert names(planned(on=on, task_type="private")) == ["local:mine-14b"]


def test_a_local_server_without_a_chat_model_is_nothing_set_up() -> None:
    on = available(local={"local": ("smollm2-135m-instruct",), "ollama": ("nomic-embed-text",)})
    assert names(planned(on=on, task_type="quick")) == [DEMO]


def test_it_answers_when_named() -> None:
    on = available("groq", local={"local": ("smollm2-135m-instruct",)})
    drafted = planned(on=on, model="smollm2-135m-instruct", task_type="reasoning")
    assert names(drafted) == [DEMO]
    assert drafted.candidates[0].demo


def test_it_comes_last_where_the_settings_say_always() -> None:
    on = available("groq", local={"local": ("smollm2-135m-instruct",)})
    assert names(planned(on=on, task_type="quick", demo="always")) == ["groq:openai/gpt-oss-20b", DEMO]
    assert names(planned(on=on, task_type="private", demo="always")) == [DEMO]


def test_it_does_not_answer_where_the_settings_say_never() -> None:
    with pytest.raises(NoCandidateError):
        planned(on=DEMO_ONLY, task_type="quick", demo="never")


def test_it_does_not_answer_where_its_file_is_not_there() -> None:
    with pytest.raises(NoCandidateError):
        planned(on=available(local={"local": ()}), task_type="quick")


def test_its_small_context_still_counts() -> None:
    with pytest.raises(NoCandidateError, match="its context of 2,048 tokens"):
        planned(on=DEMO_ONLY, task_type="private", tokens=3_000)
