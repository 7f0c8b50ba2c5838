"""A private call stays on this machine, whatever the inputs."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegate_mcp.catalog.catalog import load_catalog
from delegate_mcp.domain.availability import Availability, ProviderState
from delegate_mcp.domain.errors import DelegateError, InputError, NoCandidateError
from delegate_mcp.providers import registry
from delegate_mcp.routing import task_types
from delegate_mcp.routing.rules import load_rules, parse_rules
from tests.routing.scene import LOCAL, available, names, planned

_MODELS = st.sampled_from(
    ["qwen3:8b", "gpt-oss:120b-cloud", "kimi-k2:cloud", "openai/gpt-oss-20b", "sonnet", "smollm2-135m-instruct", "x"]
)
_NAMES = [*map(str, load_catalog().models), *load_catalog().aliases, "ollama:gpt-oss:120b-cloud", "gpt-oss-20b", "opus"]


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, Any]:
    """Any providers, with any lists, any model named, any settings."""
    states = {
        row.name: ProviderState(
            name=row.name,
            usable=draw(st.booleans()),
            why="",
            models=draw(st.none() | st.lists(_MODELS, max_size=3).map(tuple)),
        )
        for row in registry.PROVIDERS
    }
    by_task = draw(st.booleans())
    return {
        "prompt": draw(st.sampled_from(["hello", "Write a function", "latest news?", "My SSN is 123-45-6789"])),
        "on": Availability(states),
        "task_type": "private" if by_task else draw(st.sampled_from([task_types.AUTO, *task_types.BY_NAME])),
        "private": draw(st.booleans()) if by_task else True,
        "model": draw(st.none() | st.sampled_from(_NAMES)),
        "tokens": draw(st.sampled_from([10, 5_000, 40_000, 500_000])),
        "demo": draw(st.sampled_from(["auto", "always", "never"])),
        "paid": draw(st.booleans()),
    }


@given(worlds())
def test_a_private_plan_never_holds_a_candidate_beyond_this_machine(world: dict[str, Any]) -> None:
    try:
        drafted = planned(world.pop("prompt"), **world)
    except DelegateError:
        return
    assert drafted.private
    assert drafted.candidates
    for candidate in drafted.candidates:
        assert registry.BY_NAME[candidate.model_id.provider].local
        assert not re.search("[:-]cloud$", candidate.model_id.model)
        assert candidate.tier == "local"


def test_a_persons_rules_cannot_open_the_private_row() -> None:
    text = '[private]\nlocal_only = false\ncandidates = ["claude-opus", "groq-fast", "local-general"]\n'
    rules = parse_rules(text, "mine.toml", load_catalog(), load_rules())
    drafted = planned(on=available("groq", "claude", local=LOCAL), task_type="private", rules=rules)
    assert {candidate.tier for candidate in drafted.candidates} == {"local"}
    assert drafted.rule == "mine.toml:private"


def test_a_private_brief_of_any_task_type_takes_the_private_row() -> None:
    drafted = planned("Write a function", on=available("groq", "claude", local=LOCAL), task_type="coding", private=True)
    assert drafted.private
    assert drafted.task_type == "coding"
    assert drafted.rule == "rules.toml:private"
    assert names(drafted)[0] == "ollama:qwen3-coder:30b"


def test_auto_keeps_what_is_plainly_private_here() -> None:
    drafted = planned("This is confidential: my salary is 80,000.", on=available("groq", local=LOCAL))
    assert drafted.private
    assert {candidate.tier for candidate in drafted.candidates} == {"local"}


def test_a_cloud_model_named_for_a_private_call_is_an_error_of_the_input() -> None:
    with pytest.raises(InputError, match="private call cannot go to claude:opus"):
        planned(on=available("claude", local=LOCAL), model="opus", private=True)


def test_a_private_call_without_a_local_model_says_what_would_help() -> None:
    todo = "What to do: `delegate-mcp local pull ministral-3-3b`, or start Ollama, LM Studio, llama-server or vLLM"
    with pytest.raises(NoCandidateError, match=todo):
        planned(on=available("groq", "claude"), task_type="private")


def test_a_bare_name_of_a_private_call_means_the_local_model() -> None:
    on = available("groq", local={"ollama": ("gpt-oss:20b",)})
    assert names(planned(on=on, model="gpt-oss-20b", private=True)) == ["ollama:gpt-oss:20b"]
    assert names(planned(on=on, model="gpt-oss-20b")) == ["groq:openai/gpt-oss-20b"]
