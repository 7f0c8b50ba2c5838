"""The planner: what is chosen, what is passed over, and what it says."""

from pathlib import Path

import pytest

from delegate_mcp.domain.errors import InputError, NoCandidateError
from delegate_mcp.domain.usage import RateLimit
from delegate_mcp.ledger.snapshot import LearnedLimit, LedgerSnapshot
from tests.routing.scene import COMPLEX, GROQ_20B, LOCAL, NOW, available, file, names, planned, why_not

FAST = str(GROQ_20B)
CLOUDS = available("groq", "gemini", "claude")


def test_the_same_call_gives_the_same_plan() -> None:
    assert planned(on=CLOUDS) == planned(on=CLOUDS)


def test_auto_tells_by_which_signs_it_chose() -> None:
    drafted = planned("Summarize this article in two sentences: it rained.", on=CLOUDS)
    assert drafted.task_type == "summarization"
    assert drafted.rule == "rules.toml:summarization"
    assert 0.5 < drafted.confidence <= 1
    assert "opens with 'summarize'" in drafted.reason
    assert FAST in drafted.reason


def test_an_unknown_task_type_names_the_nearest() -> None:
    with pytest.raises(InputError, match=r"no task type 'codng'\. Did you mean 'coding'"):
        planned(on=CLOUDS, task_type="codng")


def test_more_than_32k_tokens_of_general_work_go_to_long_context() -> None:
    assert planned("Summarize the report", on=CLOUDS, tokens=40_000).task_type == "long_context"
    assert planned("Refactor the parser class", on=CLOUDS, tokens=40_000).task_type == "coding"
    assert planned("Summarize the report", on=CLOUDS, tokens=40_000, task_type="quick").task_type == "quick"


def test_files_and_schema_count_as_signs() -> None:
    drafted = planned("What do you think?", on=CLOUDS, brief={"files": (file("fix.diff"), file("a.py"))})
    assert drafted.task_type == "code_review"
    assert (
        planned("Bob lives in Graz and sells tea", on=CLOUDS, brief={"json_schema": {}}).task_type
        == "parameter_extraction"
    )


# --- who is passed over ---------------------------------------------------------------------------------------------


def test_a_provider_that_is_not_usable_is_passed_over_with_its_own_reason() -> None:
    drafted = planned(on=available("gemini"), task_type="quick")
    assert names(drafted)[0] == "gemini:gemini-3.5-flash-lite"
    assert why_not(drafted)[FAST] == "no key"


def test_a_model_below_the_floor_of_the_work_is_passed_over() -> None:
    drafted = planned(COMPLEX, on=available(local=LOCAL), task_type="reasoning")
    assert "ollama:llama3.2:3b" not in names(drafted)
    assert why_not(drafted)["ollama:llama3.2:3b"] == "quality 3 of 10 is below the floor of 6 for reasoning"


def test_the_floor_rises_with_complexity() -> None:
    small = available(local={"ollama": ("qwen3:8b",)})
    assert names(planned("Is 7 prime?", on=small, task_type="reasoning")) == ["ollama:qwen3:8b"]
    with pytest.raises(NoCandidateError, match="below the floor of 6"):
        planned(COMPLEX, on=small, task_type="reasoning")


def test_a_context_that_is_too_small_is_passed_over() -> None:
    drafted = planned(on=available("gemini", local=LOCAL), task_type="quick", tokens=60_000)
    assert why_not(drafted)["ollama:gemma3:27b"] == "its context of 32,768 tokens is too small for 60,000 and an answer"


def test_the_embedded_engines_own_context_counts() -> None:
    own = available(local={"local": ("qwen3-14b-Q4_K_M",)})
    assert names(planned(on=own, task_type="private", tokens=9_000)) == ["local:qwen3-14b-Q4_K_M"]
    with pytest.raises(NoCandidateError, match="context of 8,192"):
        planned(on=own, task_type="private", tokens=9_000, embedded_context_tokens=8_192)


def test_a_request_over_the_tokens_of_a_minute_would_be_refused() -> None:
    drafted = planned(on=CLOUDS, task_type="quick", tokens=7_900)
    assert why_not(drafted)[FAST] == "would be refused: 8,492 tokens with the answer, its limit is 8,000 a minute"


def test_the_output_ceiling_shrinks_to_what_the_minute_leaves() -> None:
    assert planned(on=CLOUDS, task_type="quick", tokens=7_400).candidates[0].options.max_output_tokens == 520
    assert planned(on=CLOUDS, task_type="quick", tokens=100).candidates[0].options.max_output_tokens == 1_024
    coding = planned("Write a tiny function", on=CLOUDS, task_type="coding", tokens=100)
    assert [row.options.max_output_tokens for row in coding.candidates][:3] == [7_820, 8_192, 7_820]


def test_a_limit_that_the_service_told_overrides_the_catalogs() -> None:
    told = LearnedLimit(GROQ_20B, RateLimit("tokens", "minute", 300_000), NOW - 5)
    snapshot = LedgerSnapshot(taken_at=NOW, limits=(told,))
    assert FAST in names(planned(on=CLOUDS, task_type="quick", tokens=20_000, snapshot=snapshot))


def test_only_a_cli_may_edit_files() -> None:
    drafted = planned("Write a tiny function", on=CLOUDS, task_type="coding", brief={"edit_in": Path()})
    assert names(drafted) == ["claude:sonnet"]
    assert why_not(drafted)["groq:openai/gpt-oss-120b"] == "cannot edit files: only the CLI backends can"


def test_paid_models_are_off_until_they_are_allowed() -> None:
    with pytest.raises(NoCandidateError, match=r"paid models are off: budget\.daily_usd is not set"):
        planned(on=CLOUDS, model="gemini:gemini-4-argon")
    allowed = planned(on=CLOUDS, model="gemini:gemini-4-argon", paid=True)
    assert [(str(row.model_id), row.tier) for row in allowed.candidates] == [("gemini:gemini-4-argon", "paid")]


def test_a_key_that_is_billed_makes_its_provider_paid() -> None:
    drafted = planned(on=CLOUDS, task_type="quick", tiers={"groq": "paid"})
    assert names(drafted)[0] == "gemini:gemini-3.5-flash-lite"
    assert "paid models are off" in why_not(drafted)[FAST]


def test_a_service_that_no_longer_lists_a_model_is_passed_over() -> None:
    drafted = planned(on=available("gemini", local={"groq": ("openai/gpt-oss-120b",)}), task_type="quick")
    assert why_not(drafted)[FAST] == "not served there now"


def test_nobody_can_answer_says_who_why_and_what_to_do() -> None:
    with pytest.raises(NoCandidateError) as caught:
        planned(on=available(), task_type="long_context")
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("No model can take this call (long_context, simple, rules.toml:long_context).")
    assert lines[1] == "- gemini:gemini-3.8-flash: no key"
    assert lines[-1] == "What to do: set up gemini; or set up claude. `delegate-mcp doctor` tells more."
    assert caught.value.passed_over[0].model == "gemini:gemini-3.8-flash"


# --- local models -----------------------------------------------------------------------------------------------------


def test_the_best_local_model_for_the_work_comes_first() -> None:
    on = available(local={"ollama": ("qwen3:4b", "qwen3:14b"), "lmstudio": ("qwen3-coder-30b", "gemma-3-27b")})
    assert names(planned(on=on, task_type="quick"))[0] == "lmstudio:gemma-3-27b"
    assert names(planned("Write a function", on=on, task_type="coding"))[0] == "lmstudio:qwen3-coder-30b"


def test_models_that_do_not_chat_or_only_pass_on_to_a_cloud_are_no_local_candidates() -> None:
    on = available(local={"ollama": ("nomic-embed-text", "gpt-oss:120b-cloud", "kimi-k2:cloud", "qwen3:8b")})
    assert names(planned(on=on, task_type="private")) == ["ollama:qwen3:8b"]


def test_a_row_with_local_models_says_so_where_none_is_there() -> None:
    assert why_not(planned(on=CLOUDS, task_type="quick"))["local-general"].startswith("no local model is there")


# --- votes ----------------------------------------------------------------------------------------------------------


def test_votes_go_to_different_models_where_the_rule_alone_has_too_few() -> None:
    one_key = available("groq")
    assert names(planned(on=one_key, task_type="reasoning")) == ["groq:openai/gpt-oss-120b"]
    three = names(planned(on=one_key, task_type="reasoning", votes=3))
    assert three == ["groq:openai/gpt-oss-120b", "groq:qwen/qwen3.8-27b", "groq:openai/gpt-oss-20b"]
    assert names(planned(on=one_key, task_type="reasoning", votes=2)) == three[:2]


def test_a_model_that_two_services_have_is_one_and_votes_once() -> None:
    both = names(planned(on=available("groq", "cerebras"), task_type="reasoning", votes=2))
    assert both == ["groq:openai/gpt-oss-120b", "cerebras:gpt-oss-120b", "groq:qwen/qwen3.8-27b"]


def test_who_votes_beside_the_rules_own_is_good_enough_and_has_room() -> None:
    there = available("groq", "mistral")
    drafted = planned(COMPLEX, on=there, task_type="reasoning", votes=9, tokens=30_000)
    assert names(drafted) == ["mistral:mistral-medium-latest", "mistral:devstral-2512"]
    # Groq's minute is too small for it, mistral-small too weak.


def test_votes_bring_no_cloud_to_a_private_call_and_no_model_beside_the_one_that_was_named() -> None:
    there = available("groq", local=LOCAL)
    private = planned(on=there, task_type="private", votes=5)
    assert {candidate.model_id.provider for candidate in private.candidates} == {"ollama"}
    assert names(planned(on=there, task_type="reasoning", model=FAST, votes=3)) == [FAST]
