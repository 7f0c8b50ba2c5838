"""Public tables of what several models answered to the same prompts, and how each is read.

None is fetched or kept here. To add one: a row in SOURCES, and a reader that yields what it finds in a file of its form
and nothing from any other.
"""

import ast
import csv
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, cast

from delegate_mcp.routing.classifier import classify

DRAWN_CALLS = 2_000
"""Of a table that holds means only: so many a dataset."""
FEW = 4
"""So many datasets are named."""
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
    """The task type that `auto` finds; where the table has no text, its dataset."""
    outcomes: Mapping[str, Outcome]


@dataclass(frozen=True, slots=True)
class Table:
    """What was read, and of whom."""

    name: str
    source: str
    """Where it is from, and under which licence."""
    prompts: Sequence[Prompt]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a file says of one prompt; it may know some of the models only."""

    key: tuple[str, ...]
    """The same in every file that tells of this prompt."""
    dataset: str
    text: str
    outcomes: Mapping[str, Outcome]


@dataclass(frozen=True, slots=True)
class Source:
    """A benchmark whose table can be read."""

    name: str
    source: str
    seen: Callable[[Path], Iterator[Seen]]


def read(path: Path) -> Table:
    """The models that most prompts of a file or folder have, and the prompts that have all. ValueError: unknown."""
    csv.field_size_limit(1 << 30)  # whole answers stand in some of the fields
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.suffix in {".csv", ".json"})
    for source in SOURCES:
        rows: dict[tuple[str, ...], Seen] = {}
        found: defaultdict[tuple[str, ...], dict[str, Outcome]] = defaultdict(dict)
        for file in files:
            for seen in source.seen(file):
                rows.setdefault(seen.key, seen)
                found[seen.key].update(seen.outcomes)
        if found:
            complete = _complete(found)
            prompts = [Prompt(_kind(rows[key]), outcomes) for key, outcomes in complete.items()]
            return Table(_named(source, rows.values()), source.source, prompts)
    raise ValueError(f"{path} holds no table of {', '.join(source.name for source in SOURCES)}")


def _complete(found: Mapping[tuple[str, ...], Mapping[str, Outcome]]) -> dict[tuple[str, ...], dict[str, Outcome]]:
    counts = Counter(model for outcomes in found.values() for model in outcomes)
    models = sorted(model for model, count in counts.items() if count * 2 > len(found))
    return {
        key: {model: outcomes[model] for model in models}
        for key, outcomes in found.items()
        if all(model in outcomes for model in models)
    }


def _named(source: Source, rows: Iterable[Seen]) -> str:
    """With its datasets where it has few: a table can be a part of one."""
    datasets = sorted({_within(row.dataset) for row in rows} - {""})
    return f"{source.name} ({', '.join(datasets)})" if 0 < len(datasets) <= FEW else source.name


def _kind(seen: Seen) -> str:
    return classify(seen.text).task_type if seen.text.strip() else _within(seen.dataset)


def _within(dataset: str) -> str:
    """`mmlu-anatomy.val.3` is of `mmlu`."""
    return re.split(r"[-_.]", dataset.lower(), maxsplit=1)[0]


# --- Readers ---------------------------------------------------------------------------------------------------------


def _lines(file: Path, *needed: str) -> Iterator[dict[str, str]]:
    if file.suffix == ".csv":
        with file.open(encoding="utf-8", newline="") as text:
            rows = csv.DictReader(text)
            if set(needed) <= set(rows.fieldnames or ()):
                yield from rows


def _objects(file: Path, under: str = "") -> list[Mapping[str, Any]]:
    """What a JSON file lists: all of it, or what stands there under one name."""
    whole: Any = json.loads(file.read_text(encoding="utf-8")) if file.suffix == ".json" else []
    rows: Any = cast("Mapping[str, Any]", whole).get(under, []) if under and isinstance(whole, dict) else whole
    listed = cast("list[Any]", rows) if isinstance(rows, list) else []
    return [cast("Mapping[str, Any]", row) for row in listed if isinstance(row, dict)]


def _routerbench(file: Path) -> Iterator[Seen]:
    for row in _lines(file, "sample_id", "eval_name"):
        outcomes = {
            model: Outcome(float(row[model]), float(row[key] or 0))
            for key in row
            if key.endswith(_COST) and row.get(model := key.removesuffix(_COST), "") not in ("", "nan")
        }
        yield Seen((row["sample_id"],), row["eval_name"], _said(row.get("prompt", "")), outcomes)


def _said(text: str) -> str:
    """A prompt is written as a Python list of its turns."""
    try:
        turns: Any = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    return "\n".join(map(str, cast("list[Any]", turns))) if isinstance(turns, list) else text


def _routerbench_sums(file: Path) -> Iterator[Seen]:
    rows = list(_lines(file, "models", "avg_cost"))
    luck = Random(0)  # noqa: S311 - a simulation
    for dataset in (key for key in (rows[0] if rows else ()) if key not in ("models", "avg_cost")):
        for number in range(DRAWN_CALLS):
            outcomes = {
                row["models"]: Outcome(float(luck.random() < float(row[dataset])), float(row["avg_cost"]))
                for row in rows
            }
            yield Seen((dataset, str(number)), dataset, "", outcomes)


def _llmrouterbench(file: Path) -> Iterator[Seen]:
    for record in _objects(file, "records"):
        if "index" in record:
            dataset, split, model = file.parts[-4:-1]
            outcome = Outcome(float(record["score"]), float(record.get("cost") or 0))
            key = dataset, split, str(record["index"])
            yield Seen(key, dataset, str(record.get("origin_query", "")), {model: outcome})


def _llmrouter(file: Path) -> Iterator[Seen]:
    for number, row in enumerate(_objects(file)):
        if "scores" in row:
            scores = cast("Mapping[str, float]", row["scores"])
            outcomes = {model: Outcome(float(score)) for model, score in scores.items()}
            yield Seen((file.stem, str(number)), "", str(row["question"]), outcomes)


def _routellm(file: Path) -> Iterator[Seen]:
    for number, row in enumerate(_lines(file, "prompt")):
        judged = {name: Outcome(float(said == _TRUE)) for name, said in row.items() if said in (_TRUE, _FALSE)}
        if judged:
            yield Seen((file.stem, str(number)), file.stem, row["prompt"], judged)


SOURCES: Sequence[Source] = (
    Source("RouterBench", "withmartian/routerbench: code MIT, the data's card names no licence", _routerbench),
    Source("RouterBench's means", "withmartian/routerbench: code MIT", _routerbench_sums),
    Source("LLMRouterBench", "NPULH/LLMRouterBench, MIT", _llmrouterbench),
    Source("LLMRouter", "ulab-uiuc/LLMRouter, MIT; without costs", _llmrouter),
    Source("RouteLLM", "lm-sys/RouteLLM, Apache-2.0; without costs", _routellm),
)
"""In the order in which they are tried: a table of the first also fits the last."""
