"""The learned order replayed over what models really answered, as a public routing benchmark recorded it.

Each prompt comes once, in a drawn order. All models of the table are equals without a rubric; who is asked first is
what `routing/learning.py` says of the dataset so far, and three answers of ten show how good they were. Beside it: the
best single model that costs no more (a mixture of two, where that is better), and one drawn for each prompt.

The data is not fetched: `--data PATH`, or DELEGATE_ROUTER_DATA. Known are

- RouterBench (withmartian/routerbench) as CSV: `eval_name`, a column a model, and `MODEL|total_cost`;
- its sums by dataset (`models,avg_cost,DATASET…`): answers are drawn by the means;
- LLMRouterBench (NPULH/LLMRouterBench): the folder `bench/DATASET/SPLIT/MODEL/*.json` with `records`;
- RouteLLM's (lm-sys/RouteLLM) `routellm/evals`: a folder of CSVs with True or False a model, without costs.
"""

import argparse
import csv
import json
import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from random import Random
from statistics import mean

if not __package__:  # run as a file: put the repository on the path in place of this folder
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from bench.figure import Figure, table
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.standing import Piece, Standing
from delegate_mcp.routing.learning import Traits, learned_order

VARIABLE = "DELEGATE_ROUTER_DATA"
SHOWN = 0.3
"""Share of answers of which it comes out how good they were."""
SECONDS_A_CALL = 30.0
SEEDS = (1, 2, 3)
UNRATED = 7
"""The rubric of every model."""
DRAWN_CALLS = 2_000
"""Of a table that holds means only: so many a dataset."""
_COST = "|total_cost"
_TRUE, _FALSE = "True", "False"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a model's answer was worth, 0 to 1, and what it cost in USD."""

    score: float
    cost: float = 0.0


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt: its kind of work, and what came of it at each model."""

    kind: str
    outcomes: Mapping[str, Outcome]


@dataclass(frozen=True, slots=True)
class Mean:
    """Of many prompts."""

    score: float
    cost: float


# --- Reading ---------------------------------------------------------------------------------------------------------


def read(path: Path) -> tuple[str, list[Prompt]]:
    """The benchmark's name and its prompts, of those models alone that answered them all. ValueError: not known."""
    if path.is_dir():
        return _folder(path)
    csv.field_size_limit(1 << 30)  # whole answers stand in some of its fields
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        names = rows.fieldnames or []
        if "avg_cost" in names:
            return f"RouterBench, means by dataset ({path.name})", _drawn(list(rows))
        if "eval_name" in names:
            models = [name for name in names if f"{name}{_COST}" in names]
            return f"RouterBench ({path.name})", _complete(_routerbench(row, models) for row in rows)
    raise ValueError(f"{path} is no table of RouterBench, LLMRouterBench or RouteLLM")


def _routerbench(row: Mapping[str, str], models: Sequence[str]) -> Prompt:
    found = {
        model: Outcome(float(row[model]), float(row[model + _COST] or 0))
        for model in models
        if row[model] not in ("", "nan")
    }
    return Prompt(_kind(row["eval_name"]), found)


def _drawn(rows: Sequence[Mapping[str, str]]) -> list[Prompt]:
    luck = Random(0)  # noqa: S311 - a simulation
    kinds = [key for key in rows[0] if key not in ("models", "avg_cost")]
    return [
        Prompt(
            kind,
            {row["models"]: Outcome(float(luck.random() < float(row[kind])), float(row["avg_cost"])) for row in rows},
        )
        for kind in kinds
        for _ in range(DRAWN_CALLS)
    ]


def _folder(path: Path) -> tuple[str, list[Prompt]]:
    tables = sorted(path.rglob("*.csv"))
    if tables:
        return "RouteLLM (outcomes of MMLU and GSM8K)", _complete(row for file in tables for row in _routellm(file))
    found: defaultdict[tuple[str, str, str], dict[str, Outcome]] = defaultdict(dict)
    for file in sorted(path.rglob("*.json")):
        dataset, split, model = file.relative_to(path).parts[-4:-1]
        for record in json.loads(file.read_text(encoding="utf-8")).get("records", ()):
            key = dataset, split, str(record["index"])
            found[key][model] = Outcome(float(record["score"]), float(record.get("cost") or 0))
    if not found:
        raise ValueError(f"{path} holds no results of LLMRouterBench and no CSV of RouteLLM")
    return "LLMRouterBench", _complete(Prompt(key[0], outcomes) for key, outcomes in found.items())


def _routellm(file: Path) -> Iterator[Prompt]:
    with file.open(encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            judged = {name: Outcome(float(said == _TRUE)) for name, said in row.items() if said in (_TRUE, _FALSE)}
            if judged:
                yield Prompt(_kind(file.stem), judged)


def _kind(name: str) -> str:
    """`mmlu-anatomy.val.3` is work of the kind `mmlu`."""
    return re.split(r"[-_.]", name.lower(), maxsplit=1)[0]


def _complete(prompts: Iterable[Prompt]) -> list[Prompt]:
    """The models that most prompts have, and the prompts that have all of them."""
    rows = list(prompts)
    counts: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        for model in row.outcomes:
            counts[model] += 1
    models = sorted(model for model, count in counts.items() if count * 2 > len(rows))
    return [
        replace(row, outcomes={model: row.outcomes[model] for model in models})
        for row in rows
        if all(model in row.outcomes for model in models)
    ]


# --- Replaying -------------------------------------------------------------------------------------------------------


def learned(prompts: Sequence[Prompt], seed: int) -> Mean:
    """Who is asked first, by what has been seen so far."""
    rng, shows = Random(seed), Random(seed + 500)  # noqa: S311 - a simulation
    calls = rng.sample(prompts, len(prompts))
    models = [ModelId("table", name) for name in calls[0].outcomes]
    rng.shuffle(models)  # the order of a rule that knows nothing
    standings: dict[tuple[ModelId, str], Standing] = {}
    total: list[Outcome] = []
    for number, prompt in enumerate(calls):
        now = number * SECONDS_A_CALL
        order = learned_order(
            models,
            lambda model: Traits(model, "free", UNRATED),
            task_type=prompt.kind,
            standings=standings,
            now=now,
            rng=rng,
        )
        outcome = prompt.outcomes[order[0].model]
        total.append(outcome)
        if shows.random() < SHOWN:
            key = order[0], prompt.kind
            worth = min(1.0, max(0.0, outcome.score))
            piece = Piece(model_id=order[0], task_type=prompt.kind, worth_good=worth, worth_bad=1 - worth)
            standings[key] = standings.get(key, Standing()).with_(piece, now)
    return _mean(total)


def singles(prompts: Sequence[Prompt]) -> dict[str, Mean]:
    """Each model asked alone."""
    return {model: _mean([prompt.outcomes[model] for prompt in prompts]) for model in prompts[0].outcomes}


def best_by_kind(prompts: Sequence[Prompt]) -> float:
    """Quality, had the best model of each kind been known from the start."""
    kinds: defaultdict[str, list[Prompt]] = defaultdict(list)
    for prompt in prompts:
        kinds[prompt.kind].append(prompt)
    best = (max(point.score for point in singles(mine).values()) * len(mine) for mine in kinds.values())
    return sum(best) / len(prompts)


def best_at(cost: float, points: Iterable[Mean]) -> float:
    """The best quality that single models, or two of them by turns, have for that money."""
    known = list(points)
    within = [point.score for point in known if point.cost <= cost]
    for one, other in combinations(sorted(known, key=lambda point: point.cost), 2):
        if one.cost <= cost < other.cost:
            part = (cost - one.cost) / (other.cost - one.cost)
            within.append(one.score + part * (other.score - one.score))
    return max(within, default=min(known, key=lambda point: point.cost).score)


def _mean(rows: Sequence[Outcome]) -> Mean:
    return Mean(mean(row.score for row in rows), mean(row.cost for row in rows))


def figures(source: str, prompts: Sequence[Prompt]) -> list[Figure]:
    """Points of 100 that the learned order loses against either."""
    runs = [learned(prompts, seed) for seed in SEEDS]
    ours = Mean(mean(run.score for run in runs), mean(run.cost for run in runs))
    alone = singles(prompts)
    best, anyone = best_at(ours.cost, alone.values()), mean(point.score for point in alone.values())
    by_kind = best_by_kind(prompts)
    note = (
        f"{source}: {len(prompts):,} prompts of {len({row.kind for row in prompts})} kinds, {len(alone)} models, "
        f"{len(SEEDS)} seeds; learned {100 * ours.score:.1f} of 100 at {1000 * ours.cost:.3f} USD a thousand calls"
    )
    cost = mean(point.cost for point in alone.values())
    return [
        Figure(
            name="learned order replayed: points lost against the best single model at equal cost",
            unit="points",
            ours=100 * (best - ours.score),
            note=f"{note}; best single {100 * best:.1f}, best of each kind in hindsight {100 * by_kind:.1f}",
        ),
        Figure(
            name="learned order replayed: points lost against a model drawn for each prompt",
            unit="points",
            ours=100 * (anyone - ours.score),
            note=f"{source}: drawn {100 * anyone:.1f} of 100 at {1000 * cost:.3f} USD a thousand calls",
        ),
    ]


def measure(path: str | None = None) -> list[Figure]:
    """The replay, where the table is at hand."""
    given = path or os.environ.get(VARIABLE)
    if not given:
        print(f"the replay is left out: no --data and no {VARIABLE} names a benchmark's table", file=sys.stderr)
        return []
    return figures(*read(Path(given)))


def main() -> None:
    """Replay one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", metavar="PATH", help=f"the table; default: {VARIABLE}")
    print(table(measure(parser.parse_args().data)))


if __name__ == "__main__":
    main()
