"""The catalog's data holds together, a mistake in it is told, and local names tell what they tell."""

import copy
import tomllib
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest

from delegate_mcp.catalog.catalog import DEMO_MODEL, LOCAL_WILDCARD, load_catalog, parse_catalog
from delegate_mcp.catalog.local_names import local_model, plain_name
from delegate_mcp.domain.errors import ConfigError
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.providers import registry
from delegate_mcp.routing.task_types import BY_NAME

DATA: dict[str, Any] = tomllib.loads(files("delegate_mcp.catalog").joinpath("catalog.toml").read_text(encoding="utf-8"))


def test_every_model_belongs_to_a_provider_of_the_registry() -> None:
    assert {model_id.provider for model_id in load_catalog().models} <= set(registry.BY_NAME)


def test_every_cloud_and_cli_of_the_registry_has_a_model() -> None:
    # What is rented is the person's to name.
    clouds = {row.name for row in registry.PROVIDERS if not row.local and row.wire != "rented"}
    assert clouds <= {model_id.provider for model_id in load_catalog().models}


def test_every_rubric_speaks_of_task_types() -> None:
    assert {task for model in load_catalog().models.values() for task in model.rubric} <= set(BY_NAME)


def test_every_model_says_where_its_facts_are_from() -> None:
    assert all(model.source for model in load_catalog().models.values())


def test_every_cloud_model_of_a_plan_is_judged_for_each_task_type_and_says_from_where() -> None:
    small = {"instruction_routing", "rewriting", "decomposition", "tool_use_formatting", "structure_assessment"}
    small |= {"error_quality_scoring", "rationale_generation", "parameter_extraction", "classification"}
    for model in load_catalog().models.values():
        if model.model_id.provider in ("groq", "gemini", "mistral", "claude", "openai", "deepseek"):
            assert small | {"quick", "reasoning", "coding", "research"} <= set(model.rubric), model.model_id
            assert "not measured here" in model.rubric_source


def test_the_demonstration_model_is_poor_at_everything() -> None:
    demo = load_catalog().models[DEMO_MODEL]
    assert max(demo.quality, *demo.rubric.values()) <= 1


def test_groq_keeps_the_limits_of_its_free_tier() -> None:
    limits = load_catalog().models[ModelId("groq", "openai/gpt-oss-120b")].limits
    assert {(row.metric, row.period): row.limit for row in limits} == {
        ("requests", "minute"): 30,
        ("requests", "day"): 1_000,
        ("tokens", "minute"): 8_000,
        ("tokens", "day"): 200_000,
    }


def test_openrouters_free_models_share_one_account_limit() -> None:
    models = [model for model in load_catalog().models.values() if model.model_id.provider == "openrouter"]
    assert {limit.scope for model in models for limit in model.limits} == {"account"}
    assert all(model.model_id.model.endswith(":free") for model in models)


def test_quality_for_a_task_type_is_the_rubric_or_the_general_one() -> None:
    model = load_catalog().models[ModelId("groq", "openai/gpt-oss-120b")]
    assert model.quality_for("reasoning") == 8
    assert model.quality_for("rewriting") == model.quality


@pytest.mark.parametrize("role", ["local-general", "local-coder"])
def test_local_roles_stand_for_what_is_there(role: str) -> None:
    assert load_catalog().roles[role] == (LOCAL_WILDCARD,)


# --- mistakes


def _model(data: dict[str, Any], **fields: object) -> None:
    data["models"][0].update(fields)


def _alias(data: dict[str, Any], **fields: object) -> None:
    data["aliases"].append({"name": "new", "model": "groq:openai/gpt-oss-20b", "why": "w", **fields})


def _cycle(data: dict[str, Any]) -> None:
    _alias(data, name="a", model="b")
    _alias(data, name="b", model="a")


MISTAKES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "top": (lambda data: data.update(rolls={}), "unknown key 'rolls'. Did you mean 'roles'"),
    "key": (lambda data: _model(data, contxt=1), "models row 1 .*unknown key 'contxt'. Did you mean 'context'"),
    "id": (lambda data: _model(data, id="gpt"), "'gpt' is not of the form provider:model"),
    "missing": (lambda data: data["models"][0].pop("source"), "the key 'source' is missing"),
    "quality": (lambda data: _model(data, quality=11), "quality must be a whole number from 0 to 10, not 11"),
    "flag": (lambda data: _model(data, free="yes"), "free must be true or false"),
    "capability": (
        lambda data: _model(data, capabilities=["tool"]),
        "'tool', which .* Did you mean 'tools'",
    ),
    "limits": (lambda data: _model(data, limits="grok"), r"no table \[limits.grok\]. Did you mean 'groq'"),
    "limit": (lambda data: data["limits"]["groq"].update(request_day=1), "Did you mean 'requests_day'"),
    "scope": (lambda data: data["limits"]["groq"].update(scope="key"), "scope is 'model' or 'account', not 'key'"),
    "twice": (lambda data: data["models"].append(data["models"][0]), "stands there twice"),
    "rubric": (lambda data: _model(data, rubric="gpt-oss-20"), "no row 'gpt-oss-20' in .* Did you mean 'gpt-oss-20b'"),
    "points": (lambda data: data["rubrics"]["points"].update(x=[7, 8]), "'x'.*: 2 numbers for 19 task types"),
    "point": (
        lambda data: data["rubrics"]["points"].update(x=[11] * 19),
        "x must be a list of whole numbers from 0 to 10",
    ),
    "role": (lambda data: data["roles"].update(x=["groq-fst"]), "'groq-fst' is no model, alias or role. Did you mean"),
    "roles in a circle": (lambda data: data["roles"].update(x=["y"], y=["x"]), "roles go in a circle: x -> y -> x"),
    "alias": (lambda data: _alias(data, model="groq:openai/gpt-oss-2"), "neither a model nor an alias. Did you mean"),
    "aliases in a circle": (_cycle, "aliases go in a circle: a -> b -> a"),
    "family": (lambda data: data["families"][0].update(match="("), "is no regular expression"),
    "sizes": (lambda data: data["local"]["sizes"].reverse(), "must rise"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_catalog_names_its_row_and_the_nearest_right_name(mistake: str) -> None:
    data = copy.deepcopy(DATA)
    change, told = MISTAKES[mistake]
    change(data)
    with pytest.raises(ConfigError, match=told):
        parse_catalog(data)


def test_roles_may_name_roles_and_aliases() -> None:
    data = copy.deepcopy(DATA)
    data["roles"]["mine"] = ["llama-3.1-8b-instant", "gemini-lite", "local-general"]
    assert parse_catalog(data).roles["mine"] == (
        "groq:openai/gpt-oss-20b",
        "gemini:gemini-3.5-flash-lite",
        "gemini:gemini-3.1-flash-lite",
        LOCAL_WILDCARD,
    )


# --- local names


@pytest.mark.parametrize(
    ("name", "general", "coding"),
    [
        ("qwen3-coder-30b", 5, 7),
        ("qwen3-coder:30b", 5, 7),
        ("deepseek-coder-33b-instruct", 5, 7),
        ("nemotron-nano-12b", 5, 5),
        ("ministral-3b", 3, 3),
        ("gpt-oss:20b", 6, 6),
        ("gpt-oss:120b", 7, 7),
        ("qwen3-30b-a3b", 6, 6),
        ("mixtral-8x7b", 6, 6),
        ("gemma3n:e4b", 3, 3),
        ("/models/Llama-3.1-8B-Instruct-Q4_K_M.gguf", 4, 4),
        ("who-knows-13b", 5, 5),
        ("who-knows", 4, 4),
        ("SmolLM2-135M-Instruct.Q4_1.gguf", 0, 0),
        ("smollm2:135m", 0, 0),
        ("tinyllama-1.1b", 1, 1),
    ],
)
def test_the_quality_of_a_local_model_is_told_by_its_family_and_size(name: str, general: int, coding: int) -> None:
    model = local_model(load_catalog(), ModelId("ollama", name))
    assert model is not None
    assert (model.quality_for("quick"), model.quality_for("coding")) == (general, coding)


@pytest.mark.parametrize("name", ["nomic-embed-text", "bge-m3", "whisper-large", "gpt-oss:120b-cloud", "kimi-k2:cloud"])
def test_what_does_not_chat_or_is_not_local_is_no_local_model(name: str) -> None:
    assert local_model(load_catalog(), ModelId("ollama", name)) is None


@pytest.mark.parametrize(
    "name", ["qwen3-coder:30b", "qwen/qwen3-coder-30b", "Qwen3-Coder-30B-Instruct-Q4_K_M.gguf", "qwen3_coder_30b"]
)
def test_spellings_of_one_model_meet(name: str) -> None:
    assert plain_name(name) == "qwen3-coder-30b"
