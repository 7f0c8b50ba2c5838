"""The replay compares what was learned with what the same money buys otherwise."""

from pathlib import Path

import pytest

from bench.router_replay import (
    RATED,
    Mean,
    best_at,
    best_by_kind,
    drawn_at,
    figures,
    learned,
    main,
    measure,
    measured,
    replayed,
    singles,
)
from bench.router_tables import Outcome, Prompt, Table

POINTS = (Mean(0.4, 1.0), Mean(0.8, 3.0), Mean(0.6, 8.0))


def table(prompts: int, *, priced: bool = True) -> Table:
    """The cheap one knows the maths, the dear one all else, and a third nothing at a price between."""
    price = {"cheap": 0.001, "poor": 0.004, "dear": 0.01}
    rows: list[Prompt] = []
    for number in range(prompts):
        maths = float(number % 2)
        scores = {"cheap": maths, "poor": 0.0, "dear": 1 - maths}
        outcomes = {model: Outcome(score, price[model] * priced) for model, score in scores.items()}
        rows.append(Prompt("reasoning" if maths else "quick", outcomes))
    return Table("Made", "somebody/made, MIT", rows)


def test_what_is_learned_comes_near_the_best_of_each_kind() -> None:
    prompts = table(1_500).prompts
    models = tuple(singles(prompts))
    assert learned(prompts, models, {}, 1) == learned(prompts, models, {}, 1)
    assert learned(prompts, models, {}, 1).score > 0.9
    assert best_by_kind(prompts, models) == 1


def test_a_rubric_is_measured_on_prompts_that_are_then_left_out() -> None:
    prompts = table(100).prompts
    rubric, left = measured(prompts, 1)
    assert rubric["cheap", "reasoning"] == rubric["dear", "quick"] == 10
    assert rubric["poor", "quick"] == rubric["cheap", "quick"] == 0
    assert len(left) == len(prompts) - 2 * RATED
    assert learned(left, singles(left), rubric, 1).score > learned(left, singles(left), {}, 1).score


def test_every_price_limit_is_a_point_and_no_model_above_it_is_asked() -> None:
    cheap, whole = replayed(table(400).prompts, rated=True)
    assert (cheap.up_to, whole.up_to) == ("poor", "dear")
    assert cheap.by_kind == pytest.approx(0.5)
    assert cheap.ours.cost <= 0.004
    assert (whole.by_kind, whole.single) == (1.0, pytest.approx(0.5))
    assert whole.ours.score > 0.95


def test_without_prices_all_models_are_one_point() -> None:
    (point,) = replayed(table(400, priced=False).prompts, rated=True)
    assert (point.up_to, point.ours.cost) == ("all", 0)
    assert point.drawn == pytest.approx(1 / 3)
    with pytest.raises(ValueError, match="more than 20 prompts"):
        replayed(table(2 * RATED).prompts, rated=True)


def test_the_best_single_model_at_equal_cost_may_be_two_by_turns() -> None:
    assert best_at(2.0, POINTS) == pytest.approx(0.6)
    assert best_at(99.0, POINTS) == 0.8
    assert best_at(0.5, POINTS) == 0.4


def test_a_model_drawn_at_equal_cost_comes_of_the_cheapest_or_of_the_dearest() -> None:
    assert drawn_at(0.5, POINTS) == 0.4
    assert drawn_at(2.0, POINTS) == pytest.approx(0.6)  # one of the two cheapest
    assert drawn_at(4.0, POINTS) == pytest.approx(0.6)  # any
    assert drawn_at(5.5, POINTS) == pytest.approx(0.7)  # one of the two dearest
    assert drawn_at(99.0, POINTS) == 0.6


def test_the_figures_name_the_benchmark_and_where_it_is_from() -> None:
    single, drawn, *unrated = figures(table(400))
    assert single.name.startswith("Made replayed at equal cost: ")
    assert "somebody/made, MIT; 400 prompts of 2 task types, 3 models" in single.note
    assert all("no rubric" in figure.name for figure in unrated)
    assert single.difference is not None
    assert drawn.difference is not None
    assert drawn.difference > single.difference > 0


def test_a_table_is_printed_with_a_line_for_each_price_limit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ["sample_id,prompt,eval_name,cheap,dear,cheap|total_cost,dear|total_cost"]
    lines += [f"{number},,mmlu.{number},{number % 2}.0,1.0,0.001,0.01" for number in range(40)]
    (tmp_path / "routerbench_0shot.csv").write_text("\n".join(lines))
    main(["--data", str(tmp_path)])
    printed = capsys.readouterr().out
    assert printed.count("| dear | ") == 2
    assert "RouterBench (mmlu), no rubric:" in printed
    assert "against a drawn model" in printed


def test_without_a_table_it_says_so_and_goes_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DELEGATE_ROUTER_DATA", raising=False)
    assert measure() == []
    assert "is left out" in capsys.readouterr().err
