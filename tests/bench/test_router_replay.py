"""The replay reads the public tables as they are, and measures what it says."""

import json
from pathlib import Path

import pytest

from bench.router_replay import Mean, best_at, best_by_kind, figures, learned, measure, read, singles

HEAD = (
    "sample_id,prompt,eval_name,cheap/one,dear,cheap/one|model_response,dear|model_response,"
    "cheap/one|total_cost,dear|total_cost,oracle_model_to_route_to"
)


def routerbench(folder: Path, prompts: int = 400) -> Path:
    """The cheap one knows the maths, the dear one all else."""
    lines = [HEAD]
    for number in range(prompts):
        maths = number % 2
        kind = "grade-school-math" if maths else f"mmlu-anatomy.val.{number}"
        lines.append(f"{number},\"['a, b']\",{kind},{float(maths)},{1.0 - maths},x,y,0.001,0.01,x")
    file = folder / "routerbench_0shot.csv"
    file.write_text("\n".join(lines))
    return file


def test_routerbenchs_table_is_read_by_kind_with_its_costs(tmp_path: Path) -> None:
    source, prompts = read(routerbench(tmp_path))
    assert source == "RouterBench (routerbench_0shot.csv)"
    assert {row.kind for row in prompts} == {"grade", "mmlu"}
    found = singles(prompts)
    assert (found["cheap/one"].score, found["dear"].score) == (0.5, 0.5)
    assert (found["cheap/one"].cost, found["dear"].cost) == (pytest.approx(0.001), pytest.approx(0.01))
    assert best_by_kind(prompts) == 1


def test_its_sums_are_drawn_from(tmp_path: Path) -> None:
    file = tmp_path / "routerbench_5shot-perf-cost.csv"
    file.write_text("models,avg_cost,gsm8k,mmlu\nsmall,0.001,0.2,0.6\nlarge,0.02,0.9,0.8\n")
    _, prompts = read(file)
    found = singles(prompts)
    assert found["small"].score == pytest.approx(0.4, abs=0.03)
    assert (found["large"].score, found["large"].cost) == (pytest.approx(0.85, abs=0.03), pytest.approx(0.02))


def test_llmrouterbenchs_folder_is_read(tmp_path: Path) -> None:
    for model, score in (("small", 0.0), ("large", 1.0)):
        folder = tmp_path / "bench" / "aime" / "test" / model
        folder.mkdir(parents=True)
        records = [{"index": n, "score": score, "cost": 0.01, "prompt": "…"} for n in range(3)]
        (folder / "1.json").write_text(json.dumps({"performance": score, "records": records}))
    source, prompts = read(tmp_path)
    assert source == "LLMRouterBench"
    assert [row.kind for row in prompts] == ["aime"] * 3
    large = singles(prompts)["large"]
    assert (large.score, large.cost) == (1.0, pytest.approx(0.01))


def test_routellms_tables_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "mmlu" / "responses"
    folder.mkdir(parents=True)
    (folder / "mmlu_anatomy.csv").write_text('prompt,mixtral,gpt-4\n"A, or B?",False,True\nC?,True,True\n')
    _, prompts = read(tmp_path)
    assert {row.kind for row in prompts} == {"mmlu"}
    assert singles(prompts) == {"gpt-4": Mean(1, 0), "mixtral": Mean(0.5, 0)}


def test_what_is_learned_comes_near_the_best_of_each_kind(tmp_path: Path) -> None:
    source, prompts = read(routerbench(tmp_path, 3_000))
    assert learned(prompts, 1) == learned(prompts, 1)
    assert learned(prompts, 1).score > 0.95
    single, drawn = figures(source, prompts)
    assert single.ours < -40  # points won against the best single model
    assert drawn.ours < -40
    assert "RouterBench" in single.note


def test_the_best_single_model_at_equal_cost_may_be_two_by_turns() -> None:
    points = [Mean(0.4, 1.0), Mean(0.8, 3.0), Mean(0.7, 9.0)]
    assert best_at(2.0, points) == pytest.approx(0.6)
    assert best_at(99.0, points) == 0.8
    assert best_at(0.5, points) == 0.4


def test_without_a_table_it_says_so_and_goes_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DELEGATE_ROUTER_DATA", raising=False)
    assert measure() == []
    assert "is left out" in capsys.readouterr().err
