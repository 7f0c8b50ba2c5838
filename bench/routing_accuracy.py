"""How often `auto` finds the task type of labelled prompts: confusion, time, and whether its confidence is true.

Two sets of prompts, of neither of which anything was learned: our own held-out ones (tests/routing/held_out.jsonl, one
half of which was looked at while the signs were written, the other never), and those that stand outside the project
(../shared/routing/dev.jsonl, or the file named as the argument), where they are there.
"""

import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

if not __package__:  # run as a file: put the repository on the path in place of this folder
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from bench.figure import Figure
from delegate_mcp.routing.classifier import classify
from delegate_mcp.routing.complexity import judge_complexity

GENERAL = (
    "quick",
    "summarization",
    "reasoning",
    "tool_calling",
    "coding",
    "code_review",
    "reflection",
    "research",
    "private",
)
"""The types of the routing table."""

ROOT = Path(__file__).resolve().parents[1]
DEFAULT = ROOT.parent / "shared" / "routing" / "dev.jsonl"
HELD_OUT = ROOT / "tests" / "routing" / "held_out.jsonl"
BANDS = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 1.01)
"""Of confidence, for the table that shows whether it is true."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the classifier made of labelled prompts."""

    confusion: Counter[tuple[str, str]]
    """(label, found) -> prompts."""
    sure: list[tuple[float, bool]]
    """Confidence, and whether it was right."""
    ms: list[float]


def labelled(path: Path, half: str = "") -> list[tuple[str, str]]:
    """(prompt, label) of a file; `half`: those of one half alone."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [(row["text"], row["label"]) for row in rows if not half or row["half"] == half]


def classified(rows: Sequence[tuple[str, str]]) -> Outcome:
    """Classify and time each."""
    classify(".")  # the weights are read at the first prompt
    outcome = Outcome(Counter(), [], [])
    for text, label in rows:
        start = time.thread_time()
        found = classify(text)
        judge_complexity(text)
        outcome.ms.append((time.thread_time() - start) * 1000)
        outcome.confusion[label, found.task_type] += 1
        outcome.sure.append((found.confidence, found.task_type == label))
    return outcome


def _sets(path: Path) -> dict[str, list[tuple[str, str]]]:
    found = {
        "held out, never looked at": labelled(HELD_OUT, "final"),
        "held out, tuned on": labelled(HELD_OUT, "tune"),
    }
    if path.is_file():
        found[path.name] = labelled(path)
    return found


def measure(path: Path = DEFAULT) -> list[Figure]:
    """Accuracy and time on what is there."""
    figures: list[Figure] = []
    ms: list[float] = []
    for name, rows in _sets(path).items():
        outcome = classified(rows)
        ms += outcome.ms
        figures += [
            Figure(
                name=f"routing accuracy, {name}, {types}",
                unit="of prompts",
                ours=round(_share(outcome.confusion, among)[0], 3),
            )
            for types, among in (("general types", GENERAL), ("all types", _labels(outcome)))
        ]
    ours = statistics.median(ms)
    return [*figures, Figure(name="classifying a prompt", unit="ms of processor time", ours=ours, at_most=1.0)]


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    if not path.is_file():
        print(f"{path.name} with labelled prompts is not there: our own alone")
    for name, rows in _sets(path).items():
        outcome = classified(rows)
        print(f"== {name}: {len(rows)} prompts")
        _print_shares(outcome)
        _print_table(outcome.confusion)
        _print_bands(outcome.sure)
        ms = outcome.ms
        middle, mean = statistics.median(ms), statistics.mean(ms)
        print(f"ms of processor time a prompt: median {middle:.2f}, mean {mean:.2f}, most {max(ms):.2f}")


def _labels(outcome: Outcome) -> tuple[str, ...]:
    return tuple(sorted({label for label, _ in outcome.confusion}))


def _share(confusion: Counter[tuple[str, str]], labels: tuple[str, ...]) -> tuple[float, float]:
    counts = {label: sum(n for (said, _), n in confusion.items() if said == label) for label in labels}
    right = {label: confusion[label, label] for label in labels}
    present = [label for label in labels if counts[label]]
    overall = sum(right.values()) / max(1, sum(counts.values()))
    return overall, statistics.mean(right[label] / counts[label] for label in present) if present else 0.0


def _print_shares(outcome: Outcome) -> None:
    for name, among in (("all types", _labels(outcome)), ("general types", GENERAL)):
        overall, by_type = _share(outcome.confusion, among)
        print(f"accuracy, {name}: {overall:.3f} of prompts, {by_type:.3f} as the mean over types")


def _print_table(confusion: Counter[tuple[str, str]]) -> None:
    print("said -> found as (most frequent first)")
    for label in sorted({label for label, _ in confusion}):
        found = sorted(((n, to) for (said, to), n in confusion.items() if said == label), reverse=True)
        total = sum(n for n, _ in found)
        print(f"  {label:22} {confusion[label, label] / total:5.2f}  " + ", ".join(f"{to} {n}" for n, to in found))


def _print_bands(sure: list[tuple[float, bool]]) -> None:
    print("confidence -> right (prompts)")
    for low, high in pairwise(BANDS):
        rows = [right for confidence, right in sure if low <= confidence < high]
        if rows:
            print(f"  {low:.2f} to {min(1.0, high):.2f}   {statistics.mean(rows):.2f}  ({len(rows)})")


if __name__ == "__main__":
    main()
