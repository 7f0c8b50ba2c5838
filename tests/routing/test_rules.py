"""rules.toml: a person's file over ours, and what a mistake in it says."""

from pathlib import Path

import pytest

from delegate_mcp.domain.errors import ConfigError
from delegate_mcp.routing.rules import load_rules
from tests.routing.scene import available, names, planned


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "rules.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_persons_row_replaces_the_keys_it_gives_and_no_others(tmp_path: Path) -> None:
    path = written(tmp_path, '[quick]\ncandidates = ["gemini-lite", "groq:openai/gpt-oss-20b"]\n')
    ours, both = load_rules(), load_rules(path)
    assert [row.use for row in both.rows["quick"].candidates] == ["gemini-lite", "groq:openai/gpt-oss-20b"]
    assert both.rows["quick"].floor == ours.rows["quick"].floor
    assert both.rows["quick"].name == f"{path}:quick"
    assert {name for name in ours.rows if both.rows[name] != ours.rows[name]} == {"quick"}


def test_a_persons_row_decides_the_plan_and_the_plan_says_so(tmp_path: Path) -> None:
    path = written(tmp_path, '[quick]\ncandidates = [{ use = "gemini-3-pro-preview", temperature = 0.2 }]\n')
    drafted = planned(on=available("groq", "gemini"), task_type="quick", rules=load_rules(path))
    assert names(drafted) == ["gemini:gemini-3.8-flash"]
    assert drafted.candidates[0].asked_as == "gemini-3-pro-preview"
    assert drafted.candidates[0].options.temperature == 0.2
    assert drafted.rule == f"{path}:quick"


def test_a_floor_may_be_one_number_or_one_for_each_complexity(tmp_path: Path) -> None:
    rows = load_rules(
        written(tmp_path, "[quick]\nfloor = 9\n[coding]\nfloor = {simple=1, moderate=2, complex=3}\n")
    ).rows
    assert set(rows["quick"].floor.values()) == {9}
    assert rows["coding"].floor == {"simple": 1, "moderate": 2, "complex": 3}


def test_a_rule_may_name_any_model_of_a_local_server(tmp_path: Path) -> None:
    path = written(tmp_path, '[quick]\ncandidates = ["ollama:my-model:7b"]\n')
    on = available(local={"ollama": ("my-model:7b",)})
    assert names(planned(on=on, task_type="quick", rules=load_rules(path))) == ["ollama:my-model:7b"]


def test_a_floor_applies_to_an_alias_that_a_rule_names(tmp_path: Path) -> None:
    path = written(tmp_path, '[quick]\nfloor = 9\ncandidates = ["llama-3.1-8b-instant", "claude-opus"]\n')
    drafted = planned(on=available("groq", "claude"), task_type="quick", rules=load_rules(path))
    assert names(drafted) == ["claude:opus"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[quik]\nfloor = 3\n", r"line 1, \[quik\]: there is no task type 'quik'. Did you mean 'quick'\?"),
        ("[debug]\nfloor = 3\n", "Did you mean 'code_review'"),
        ("# mine\n[quick]\nflor = 3\n", r"line 3, \[quick\]: unknown key 'flor'. Did you mean 'floor'\?"),
        ('[quick]\ncandidates = ["groq-fst"]\n', r"line 2, .*'groq-fst' is no role.* Did you mean 'groq-fast'\?"),
        ('[quick]\ncandidates = ["groq:openai/gpt-oss-20"]\n', "Did you mean 'groq:openai/gpt-oss-20b'"),
        ("[quick]\ncandidates = []\n", "not empty"),
        ('[quick]\ncandidates = [{ use = "groq-fast", effort = "low" }]\n', "unknown key 'effort'"),
        ('[quick]\ncandidates = [{ use = "groq-fast", complexity = ["hard"] }]\n', "'hard', which is none of simple"),
        ('[quick]\ncandidates = [{ use = "groq-fast", reasoning_effort = "max" }]\n', "low, medium or high, not 'max'"),
        ("[quick]\nfloor = 11\n", "floor must be a whole number from 0 to 10, not 11"),
        ("[quick]\nfloor = { simple = 3, hard = 4 }\n", "unknown key 'hard'"),
        ("[quick]\nmax_output_tokens = 0\n", "of 1 or more"),
        ("quick = 3\n", "must be a table"),
        ("[quick\n", "is not TOML"),
    ],
)
def test_a_mistake_names_the_file_the_place_and_the_nearest_right_name(tmp_path: Path, text: str, told: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError, match=told) as caught:
        load_rules(path)
    assert str(path) in str(caught.value)


def test_a_rules_file_that_is_not_there_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot be read: .* Mend it or take `rules` out"):
        load_rules(tmp_path / "gone.toml")


def test_every_row_of_ours_has_a_description_and_a_floor() -> None:
    for row in load_rules().rows.values():
        assert row.description
        assert min(row.floor.values()) >= 2, row.task_type
