"""The user's table, literally: who answers which kind of work, in which order, where all of it is set up."""

import pytest

from delegate_mcp.routing import task_types
from delegate_mcp.routing.rules import load_rules
from tests.routing.scene import COMPLEX, LOCAL, available, names, planned, why_not

FAST = "groq:openai/gpt-oss-20b"
LARGE = "groq:openai/gpt-oss-120b"
LITE = ["gemini:gemini-3.5-flash-lite", "gemini:gemini-3.1-flash-lite"]
QUALITY = ["gemini:gemini-3.8-flash", "gemini:gemini-3.6-flash"]
LONG = [*QUALITY, "gemini:gemini-3.5-flash-lite"]
GENERAL = ["ollama:gemma3:27b", "ollama:qwen3-coder:30b"]
CODER = ["ollama:qwen3-coder:30b", "ollama:gemma3:27b"]
SMALL = "ollama:llama3.2:3b"

TABLE = {
    "quick": [FAST, *LITE, *GENERAL, SMALL],
    "summarization": [FAST, *LITE, *GENERAL, SMALL],
    "compaction": [FAST, *GENERAL, SMALL],
    "reasoning": [LARGE, *QUALITY, GENERAL[0]],
    "tool_calling": [LARGE, *GENERAL],
    "coding": ["claude:sonnet", LARGE, *CODER],
    "code_review": ["claude:sonnet", *CODER],
    "long_context": LONG,
    "reflection": [*LITE, *GENERAL, SMALL],
    "research": LONG,
    "private": [*CODER, SMALL],
    "instruction_routing": [FAST, *LITE, *GENERAL],
    "rewriting": [FAST, *LITE, *GENERAL],
    "decomposition": [LARGE, *QUALITY, GENERAL[0]],
    "tool_use_formatting": [FAST, *LITE, *GENERAL],
    "structure_assessment": [LARGE, *LITE, *GENERAL],
    "error_quality_scoring": [LARGE, *LITE, *GENERAL],
    "rationale_generation": [LARGE, *LITE, *GENERAL],
    "parameter_extraction": [FAST, *LITE, *GENERAL],
    "classification": [FAST, *LITE, *GENERAL, SMALL],
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


@pytest.mark.parametrize(
    "task_type", sorted(set(TABLE) - {"code_review", "long_context", "reflection", "research", "private"})
)
def test_with_a_groq_key_alone_groq_answers(task_type: str) -> None:
    assert planned(COMPLEX, on=available("groq"), task_type=task_type).candidates[0].model_id.provider == "groq"


def test_simple_code_is_left_to_free_models_before_the_subscription() -> None:
    drafted = planned("Write a short function that reverses a list", on=EVERYTHING, task_type="coding")
    assert names(drafted)[:2] == [LARGE, "claude:sonnet"]


def test_research_searches_with_gemini() -> None:
    drafted = planned(on=EVERYTHING, task_type="research")
    assert all(candidate.options.web_search for candidate in drafted.candidates)
    assert why_not(drafted)[LARGE] == "cannot search the web itself, and no web page was fetched for this call"


def test_research_falls_to_groq_where_pages_were_fetched() -> None:
    drafted = planned(on=EVERYTHING, task_type="research", brief={"pages": ("https://example.org",)})
    assert names(drafted) == [*LONG, LARGE]
    assert not drafted.candidates[-1].options.web_search


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
