"""The public tables are read as they are, and a prompt is the work that `auto` takes it for."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.router_tables import Outcome, read

HEAD = (
    ",sample_id,prompt,eval_name,cheap/one,dear,cheap/one|model_response,dear|model_response,"
    "cheap/one|total_cost,dear|total_cost,oracle_model_to_route_to"
)
CODE = "\"['Write a Python function that sorts a list.']\""


def routerbench(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mbpp_train.csv").write_text(
        f"{HEAD}\n0,mbpp.1,{CODE},mbpp,1.0,0.5,x,y,0.001,0.01,x\n1,mbpp.2,{CODE},mbpp,,1.0,,y,0.002,0.02,x\n"
    )
    (folder / "mbpp_test.csv").write_text(
        f"{HEAD}\n9,mbpp.2,{CODE},mbpp,0.0,,x,,0.003,,x\n2,mbpp.3,{CODE},mbpp,1.0,nan,x,,0.001,,x\n"
    )
    return folder


def sums(folder: Path) -> Path:
    file = folder / "routerbench_5shot-perf-cost.csv"
    file.write_text("models,avg_cost,gsm8k,mmlu\nsmall,0.001,0.2,0.6\nlarge,0.02,0.9,0.8\n")
    return file


def llmrouterbench(folder: Path) -> Path:
    for model, score in (("small", 0.0), ("large", 1.0)):
        into = folder / "bench" / "aime" / "test" / model
        into.mkdir(parents=True)
        records = [{"index": n, "score": score, "cost": 0.01} for n in range(3)]
        (into / "1.json").write_text(json.dumps({"performance": score, "records": records}))
    return folder


def llmrouter(folder: Path) -> Path:
    for name in ("train", "test"):
        rows = [{"question": "Summarize this article in two sentences: …", "scores": {"a": 0.25, "b": 1.0}}]
        (folder / f"{name}.json").write_text(json.dumps(rows))
    (folder / "other.json").write_text(json.dumps({"models": ["a"], "prices": [1, 2]}))
    return folder


def routellm(folder: Path) -> Path:
    (folder / "mmlu_anatomy.csv").write_text(f"prompt,mixtral,gpt-4\n{CODE},False,True\n{CODE},True,True\n")
    return folder


@pytest.mark.parametrize(
    ("made", "name", "prompts", "kinds"),
    [
        (routerbench, "RouterBench (mbpp)", 2, {"coding"}),
        (sums, "RouterBench's means (gsm8k, mmlu)", 4_000, {"gsm8k", "mmlu"}),
        (llmrouterbench, "LLMRouterBench (aime)", 3, {"aime"}),
        (llmrouter, "LLMRouter", 2, {"summarization"}),
        (routellm, "RouteLLM (mmlu)", 2, {"coding"}),
    ],
)
def test_each_form_is_told_from_the_others_and_names_its_source(
    tmp_path: Path, made: Callable[[Path], Path], name: str, prompts: int, kinds: set[str]
) -> None:
    table = read(made(tmp_path))
    assert (table.name, len(table.prompts)) == (name, prompts)
    assert {prompt.kind for prompt in table.prompts} == kinds
    assert "/" in table.source


def test_a_prompt_whose_answers_stand_in_two_rows_is_one_and_one_that_lacks_a_model_is_left_out(tmp_path: Path) -> None:
    first, second = (prompt.outcomes for prompt in read(routerbench(tmp_path)).prompts)
    assert first == {"cheap/one": Outcome(0.0, 0.003), "dear": Outcome(1.0, 0.02)}
    assert second == {"cheap/one": Outcome(1.0, 0.001), "dear": Outcome(0.5, 0.01)}


def test_means_are_drawn_from(tmp_path: Path) -> None:
    prompts = read(sums(tmp_path)).prompts
    large = [prompt.outcomes["large"] for prompt in prompts if prompt.kind == "gsm8k"]
    assert sum(outcome.score for outcome in large) / len(large) == pytest.approx(0.9, abs=0.03)
    assert {outcome.cost for outcome in large} == {0.02}


def test_what_is_no_such_table_is_refused_with_those_that_are(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("one,two\n1,2\n")
    (tmp_path / "b.json").write_text("[1, 2]")
    with pytest.raises(ValueError, match=r"no table of RouterBench, .*RouteLLM"):
        read(tmp_path)
