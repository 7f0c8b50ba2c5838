"""The user's table, literally: who answers which kind of work, in which order, where all of it is set up."""

import pytest

from delegate_mcp.providers import registry
from delegate_mcp.routing import task_types
from delegate_mcp.routing.rules import load_rules
from tests.routing.scene import COMPLEX, LOCAL, available, names, planned, why_not

FAST = "groq:openai/gpt-oss-20b"
LARGE = "groq:openai/gpt-oss-120b"
CODE = "groq:qwen/qwen3.8-27b"
LITE = ["gemini:gemini-3.5-flash-lite", "gemini:gemini-3.1-flash-lite"]
QUALITY = ["gemini:gemini-3.8-flash", "gemini:gemini-3.6-flash"]
LONG = [*QUALITY, "gemini:gemini-3.5-flash-lite"]
GENERAL = ["ollama:gemma3:27b", "ollama:qwen3-coder:30b"]
CODER = ["ollama:qwen3-coder:30b", "ollama:gemma3:27b"]
SMALL = "ollama:llama3.2:3b"
HAIKU, SONNET, OPUS = "claude:haiku", "claude:sonnet", "claude:opus"

# For complex work, with Groq, Gemini, the claude CLI and Ollama, and no budget for paid models.
TABLE = {
    # The routing table.
    "quick": [FAST, *LITE, *GENERAL, SMALL, HAIKU],
    "summarization": [FAST, *LITE, *GENERAL, SMALL, HAIKU],
    "compaction": [FAST, *GENERAL, SMALL, *LITE, HAIKU],
    "reasoning": [LARGE, *QUALITY, GENERAL[0], SONNET],
    "tool_calling": [LARGE, *GENERAL, *QUALITY, HAIKU],
    "coding": [SONNET, LARGE, CODE, *CODER, *QUALITY],
    "code_review": [SONNET, *CODER, CODE, LARGE, *QUALITY],
    "long_context": [*LONG, *GENERAL, SONNET, LARGE, CODE],
    "reflection": [*LITE, FAST, *GENERAL, SMALL, HAIKU],
    "research": LONG,
    "private": [*CODER, SMALL],
    # The task-optimisation plan: local, free, subscription.
    "instruction_routing": [*GENERAL, FAST, *LITE, HAIKU],
    "rewriting": [GENERAL[0], FAST, *LITE, HAIKU],
    "decomposition": [LARGE, *QUALITY, SONNET],
    "tool_use_formatting": [*GENERAL, FAST, *LITE, HAIKU],
    "structure_assessment": [GENERAL[0], LARGE, *LITE, SONNET],
    "error_quality_scoring": [GENERAL[0], LARGE, *LITE, SONNET],
    "rationale_generation": [GENERAL[0], LARGE, *LITE, SONNET],
    "parameter_extraction": [*GENERAL, FAST, *LITE, HAIKU],
    "classification": [*GENERAL, FAST, *LITE, HAIKU],
    # The tiers.
    "architecture": [OPUS, SONNET, *QUALITY, LARGE],
    "execution": [SONNET, CODE, LARGE, CODER[0], *QUALITY],
    "tasks": [FAST, *LITE, *GENERAL, HAIKU],
    # The roles of the multi-model strategy (reasoning is a row of the routing table).
    "orchestration": [LARGE, *QUALITY, SONNET],
    "implementation": [SONNET, CODE, LARGE, *CODER, *QUALITY],
}
EVERYTHING = available("groq", "gemini", "claude", "local", local=LOCAL)


def test_the_table_holds_every_task_type_and_every_rule() -> None:
    assert set(TABLE) == set(task_types.BY_NAME) == set(load_rules().rows)


@pytest.mark.parametrize("task_type", TABLE)
def test_a_row_of_the_table_gives_its_candidates_in_order(task_type: str) -> None:
    drafted = planned(COMPLEX, on=EVERYTHING, task_type=task_type)
    assert names(drafted) == TABLE[task_type]
    assert drafted.rule == f"rules.toml:{task_type}"
    assert drafted.complexity == "complex"
    assert drafted.confidence == 1


# Without Gemini, research reads the pages that were fetched for it; private work needs a local model.
@pytest.mark.parametrize(
    ("task_type", "provider"),
    [
        (task_type, provider)
        for task_type in sorted(set(TABLE) - {"private"})
        for provider in ("groq", "gemini", "mistral", "openrouter", "nvidia", "huggingface")
        if provider == "gemini" or task_type != "research"
    ],
)
def test_with_one_key_its_service_answers(task_type: str, provider: str) -> None:
    assert planned(COMPLEX, on=available(provider), task_type=task_type).candidates[0].model_id.provider == provider


def test_simple_code_is_left_to_free_models_before_the_subscription() -> None:
    drafted = planned("Write a short function that reverses a list", on=EVERYTHING, task_type="coding")
    assert names(drafted)[:2] == [LARGE, "claude:sonnet"]


def test_research_searches_with_gemini() -> None:
    drafted = planned(on=EVERYTHING, task_type="research")
    assert all(candidate.options.web_search for candidate in drafted.candidates)
    assert why_not(drafted)[LARGE] == "cannot search the web itself, and no web page was fetched for this call"


def test_research_falls_to_groq_where_pages_were_fetched() -> None:
    drafted = planned(on=EVERYTHING, task_type="research", brief={"pages": ("https://example.org",)})
    assert names(drafted) == [*LONG, LARGE, HAIKU]
    assert not any(candidate.options.web_search for candidate in drafted.candidates[3:])


def test_further_services_follow_the_table_before_local_models() -> None:
    on = available("groq", "gemini", "mistral", "openrouter", "cerebras", local=LOCAL)
    assert names(planned(on=on, task_type="quick")) == [
        FAST,
        *LITE,
        "mistral:mistral-small-latest",
        "openrouter:openai/gpt-oss-20b:free",
        "cerebras:gpt-oss-120b",
        *GENERAL,
        SMALL,
    ]
    assert names(planned(on=on, task_type="reasoning"))[:2] == [LARGE, "cerebras:gpt-oss-120b"]


def test_other_names_of_a_task_type_lead_to_its_row() -> None:
    assert planned(on=EVERYTHING, task_type="debug").rule == "rules.toml:code_review"
    assert planned(on=EVERYTHING, task_type="memory").rule == "rules.toml:reflection"


def test_every_tool_stands_for_a_known_task_type() -> None:
    assert set(task_types.TOOL_TASK_TYPES.values()) <= {task_types.AUTO, *task_types.BY_NAME}


@pytest.mark.parametrize("task_type", sorted(set(TABLE) - {"private", "research", "compaction"}))
def test_every_row_has_local_free_subscription_and_paid_candidates(task_type: str) -> None:
    on = available(*(row.name for row in registry.PROVIDERS if not row.local), local=LOCAL)
    drafted = planned(on=on, task_type=task_type, paid=True)
    assert {candidate.tier for candidate in drafted.candidates} == {"local", "free", "subscription", "paid"}


def test_the_roles_of_the_strategy_stand_for_the_work_of_the_other_plans() -> None:
    by_role: dict[str, set[str]] = {}
    for row in load_rules().rows.values():
        by_role.setdefault(row.role, set()).add(row.task_type)
    assert {"orchestration", "instruction_routing", "decomposition", "architecture"} <= by_role["orchestration"]
    assert {"implementation", "coding", "code_review", "execution"} <= by_role["implementation"]
    assert {"reasoning", "rationale_generation", "error_quality_scoring"} <= by_role["reasoning"]
