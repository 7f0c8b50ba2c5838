"""The learned order replayed over what models really answered, as public routing benchmarks recorded it.

Each prompt comes once, in a drawn order, as the task type that `auto` finds. Who is asked first is what
`routing/learning.py` says of the models so far, all of them equals; three answers of ten show how good they were. What
a rubric of the catalog would say is measured on the first prompts of each task type, which are then left out, as
`delegate-mcp evaluate` does, and the rule that learning starts from names the better ones first; without a rubric every
model begins as good as any other.

The models are offered by price: the two cheapest, the three cheapest, and so on to all. So many points on the curve of
quality over cost are compared, at what the learned order spent, with the best single model, or two by turns where none
costs just as much (known in hindsight, as no router knows them), and with models drawn at random.

The table is not fetched: `--data PATH`, or DELEGATE_ROUTER_DATA; `bench/router_tables.py` knows which can be read.
"""

import argparse
import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path
from random import Random
from statistics import mean

if not __package__:  # run as a file: put the repository on the path in place of this folder
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from bench.figure import Figure
from bench.figure import table as table_of
from bench.router_tables import Outcome, Prompt, Table, read
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.standing import Piece, Standing
from delegate_mcp.routing.learning import Traits, learned_order

VARIABLE = "DELEGATE_ROUTER_DATA"
SHOWN = 0.3
"""Share of answers of which it comes out how good they were."""
SECONDS_A_CALL = 30.0
SEEDS = (1, 2, 3, 4, 5)
RATED = 20
"""Prompts of each task type that the rubric is measured on."""
UNRATED = 7
"""The rubric of every model where nothing was measured."""

Rubric = Mapping[tuple[str, str], int]
"""Of a model at a kind of work, 0 to 10."""


@dataclass(frozen=True, slots=True)
class Mean:
    """Of many prompts."""

    score: float
    cost: float


@dataclass(frozen=True, slots=True)
class Point:
    """What came of one set of models, beside what the same money buys otherwise."""

    up_to: str
    """The dearest of them."""
    ours: Mean
    single: float
    drawn: float
    by_kind: float
    """The best model of each kind of work in hindsight, whatever it costs."""


def measured(prompts: Sequence[Prompt], seed: int) -> tuple[Rubric, list[Prompt]]:
    """A rubric from the first prompts of each kind, and the prompts that are left."""
    luck = Random(seed)  # noqa: S311 - a simulation
    kinds: defaultdict[str, list[Prompt]] = defaultdict(list)
    for prompt in luck.sample(prompts, len(prompts)):
        kinds[prompt.kind].append(prompt)
    rubric = {
        (model, kind): round(10 * min(1.0, max(0.0, point.score)))
        for kind, mine in kinds.items()
        for model, point in singles(mine[:RATED]).items()
    }
    return rubric, [prompt for mine in kinds.values() for prompt in mine[RATED:]]


def learned(prompts: Sequence[Prompt], models: Iterable[str], rubric: Rubric, seed: int) -> Mean:
    """Who is asked first, by what has been seen so far."""
    rng, shows = Random(seed), Random(seed + 500)  # noqa: S311 - a simulation
    equals = [ModelId("table", name) for name in models]
    rng.shuffle(equals)
    standings: dict[tuple[ModelId, str], Standing] = {}
    total: list[Outcome] = []
    for number, prompt in enumerate(rng.sample(prompts, len(prompts))):
        now, kind = number * SECONDS_A_CALL, prompt.kind
        traits = {one: Traits(one, "free", rubric.get((one.model, kind), UNRATED)) for one in equals}
        rule = sorted(equals, key=lambda one: -traits[one].quality)
        order = learned_order(rule, traits.__getitem__, task_type=kind, standings=standings, now=now, rng=rng)
        outcome = prompt.outcomes[order[0].model]
        total.append(outcome)
        if shows.random() < SHOWN:
            worth = min(1.0, max(0.0, outcome.score))
            piece = Piece(model_id=order[0], task_type=kind, worth_good=worth, worth_bad=1 - worth)
            standings[order[0], kind] = standings.get((order[0], kind), Standing()).with_(piece, now)
    return _mean(total)


def singles(prompts: Sequence[Prompt]) -> dict[str, Mean]:
    """Each model asked alone."""
    return {model: _mean([prompt.outcomes[model] for prompt in prompts]) for model in prompts[0].outcomes}


def best_by_kind(prompts: Sequence[Prompt], models: Sequence[str]) -> float:
    """Quality, had the best of the models for each kind been known from the start."""
    kinds: defaultdict[str, list[Prompt]] = defaultdict(list)
    for prompt in prompts:
        kinds[prompt.kind].append(prompt)
    best = (
        max(mean(row.outcomes[model].score for row in mine) for model in models) * len(mine) for mine in kinds.values()
    )
    return sum(best) / len(prompts)


def best_at(cost: float, points: Iterable[Mean]) -> float:
    """The best quality that single models, or two of them by turns, have for that money."""
    known = list(points)
    within = [point.score for point in known if point.cost <= cost]
    within += [_between(cost, *two) for two in combinations(_by_cost(known), 2) if two[0].cost <= cost < two[1].cost]
    return max(within, default=_by_cost(known)[0].score)


def drawn_at(cost: float, points: Iterable[Mean]) -> float:
    """The quality of a model drawn for each prompt, of as many of the cheapest, or dearest, as that money buys."""
    known = _by_cost(points)
    if cost <= known[0].cost:
        return _middle([point for point in known if point.cost == known[0].cost]).score
    ways = [_middle(known[:count]) for count in range(1, len(known) + 1)]
    ways += [_middle(known[cheaper:]) for cheaper in range(1, len(known))]
    within = (_between(cost, *two) for two in pairwise(ways) if two[0].cost <= cost < two[1].cost)
    return next(within, ways[-1].score)


def _between(cost: float, one: Mean, other: Mean) -> float:
    part = (cost - one.cost) / (other.cost - one.cost)
    return one.score + part * (other.score - one.score)


def _by_cost(points: Iterable[Mean]) -> list[Mean]:
    return sorted(points, key=lambda point: point.cost)


def _middle(points: Sequence[Mean]) -> Mean:
    return Mean(mean(point.score for point in points), mean(point.cost for point in points))


def _mean(rows: Sequence[Outcome]) -> Mean:
    return Mean(mean(row.score for row in rows), mean(row.cost for row in rows))


def curve(prompts: Sequence[Prompt], rubric: Rubric, seed: int) -> list[Point]:
    """A point for each price up to which models may be asked; one where nothing has a price."""
    alone = singles(prompts)
    models = sorted(alone, key=lambda model: alone[model].cost)
    points: list[Point] = []
    priced = alone[models[-1]].cost > 0
    for count in range(2, len(models) + 1) if priced else (len(models),):
        offered = models[:count]
        ours = learned(prompts, offered, rubric, seed)
        single, drawn = best_at(ours.cost, alone.values()), drawn_at(ours.cost, alone.values())
        points.append(Point(offered[-1] if priced else "all", ours, single, drawn, best_by_kind(prompts, offered)))
    return points


def replayed(prompts: Sequence[Prompt], *, rated: bool) -> list[Point]:
    """The curve, as the mean of several drawn orders; `rated`: with a rubric measured before. ValueError: too few."""
    drawn: list[list[Point]] = []
    for seed in SEEDS:
        rubric, left = measured(prompts, seed)
        if not left:
            raise ValueError(f"the table has no task type with more than {RATED} prompts")
        drawn.append(curve(left, rubric if rated else {}, seed))
    return [_mean_point(points) for points in zip(*drawn, strict=True)]


def _mean_point(points: Sequence[Point]) -> Point:
    return Point(
        points[0].up_to,
        _middle([point.ours for point in points]),
        single=mean(point.single for point in points),
        drawn=mean(point.drawn for point in points),
        by_kind=mean(point.by_kind for point in points),
    )


def figures(table: Table, *, shown: bool = False) -> list[Figure]:
    """Quality of 100 over the curve, with and without a rubric, beside what the same money buys otherwise."""
    kinds = {row.kind for row in table.prompts}
    about = f"{len(table.prompts):,} prompts of {len(kinds)} task types, {len(table.prompts[0].outcomes)} models"
    note = f"{table.source}; {about}; {len(SEEDS)} seeds, the first {RATED} prompts of each task type left out"
    made: list[Figure] = []
    for what, rated in (("", True), (", no rubric", False)):
        points = replayed(table.prompts, rated=rated)
        if shown:
            print(*_lines(f"{table.name}{what}", points), sep="\n", end="\n\n")
        ours = 100 * mean(point.ours.score for point in points)
        single, drawn = mean(point.single for point in points), mean(point.drawn for point in points)
        for name, beside in (("the best single model", single), ("a drawn model", drawn)):
            made.append(
                Figure(
                    name=f"{table.name} replayed at equal cost{what}: quality of 100 against {name}",
                    unit="points",
                    ours=ours,
                    reference=100 * beside,
                    reference_name=name,
                    judged="difference",
                    note="" if made else note,
                )
            )
    return made


def _lines(name: str, points: Iterable[Point]) -> Iterator[str]:
    heads = (
        "models up to",
        "USD a thousand calls",
        "learned",
        "best single",
        "drawn",
        "best of each type in hindsight",
    )
    yield from (f"{name}:", "", f"| {' | '.join(heads)} |", "| --- | --- | --- | --- | --- | --- |")
    for point in points:
        scores = (point.ours.score, point.single, point.drawn, point.by_kind)
        cells = (point.up_to, f"{1000 * point.ours.cost:.3f}", *(f"{100 * score:.1f}" for score in scores))
        yield f"| {' | '.join(cells)} |"


def measure(path: str | None = None, *, shown: bool = False) -> list[Figure]:
    """The replay, where the table is at hand."""
    given = path or os.environ.get(VARIABLE)
    if not given:
        print(f"the replay is left out: no --data and no {VARIABLE} names a benchmark's table", file=sys.stderr)
        return []
    return figures(read(Path(given)), shown=shown)


def main(arguments: list[str] | None = None) -> None:
    """Replay one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", metavar="PATH", help=f"the table, a file or a folder; default: {VARIABLE}")
    print(table_of(measure(parser.parse_args(arguments).data, shown=True)))


if __name__ == "__main__":
    main()
