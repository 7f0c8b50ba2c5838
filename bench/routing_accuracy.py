"""How often `auto` finds the task type of labelled prompts, with the confusion table and the time a prompt takes.

The prompts stand outside the project (../shared/routing/dev.jsonl, or the file named as the argument); without them
this says so and ends well. They measure; nothing is learned from them.
"""

import json
import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass
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

DEFAULT = Path(__file__).resolve().parents[2] / "shared" / "routing" / "dev.jsonl"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the classifier made of a file of labelled prompts."""

    confusion: Counter[tuple[str, str]]
    """(label, found) -> prompts."""
    ms: list[float]


def classified(path: Path) -> Outcome:
    confusion: Counter[tuple[str, str]] = Counter()
    times: list[float] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        start = time.perf_counter()
        found = classify(row["text"])
        judge_complexity(row["text"])
        times.append((time.perf_counter() - start) * 1000)
        confusion[row["label"], found.task_type] += 1
    return Outcome(confusion, times)


def measure(path: Path = DEFAULT) -> list[Figure]:
    """Accuracy and time; nothing where the prompts are not there."""
    if not path.is_file():
        return []
    outcome = classified(path)
    labels = tuple(sorted({label for label, _ in outcome.confusion}))
    return [
        Figure(name=f"routing accuracy, {name}", unit="of prompts", ours=round(_share(outcome.confusion, among)[0], 3))
        for name, among in (("general types", GENERAL), ("all types", labels))
    ] + [Figure(name="classifying a prompt", unit="ms", ours=statistics.median(outcome.ms), at_most=1.0)]


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    if not path.is_file():
        print(f"routing accuracy: skipped, {path.name} with labelled prompts is not there")
        return
    outcome = classified(path)
    _print_shares(outcome.confusion)
    _print_table(outcome.confusion)
    ms = outcome.ms
    print(f"ms a prompt: median {statistics.median(ms):.2f}, mean {statistics.mean(ms):.2f}, most {max(ms):.2f}")


def _share(confusion: Counter[tuple[str, str]], labels: tuple[str, ...]) -> tuple[float, float]:
    counts = {label: sum(n for (said, _), n in confusion.items() if said == label) for label in labels}
    right = {label: confusion[label, label] for label in labels}
    present = [label for label in labels if counts[label]]
    overall = sum(right.values()) / max(1, sum(counts.values()))
    return overall, statistics.mean(right[label] / counts[label] for label in present) if present else 0.0


def _print_shares(confusion: Counter[tuple[str, str]]) -> None:
    labels = tuple(sorted({label for label, _ in confusion}))
    for name, among in (("all types", labels), ("general types", GENERAL)):
        overall, by_type = _share(confusion, among)
        print(f"accuracy, {name}: {overall:.3f} of prompts, {by_type:.3f} as the mean over types")


def _print_table(confusion: Counter[tuple[str, str]]) -> None:
    print("said -> found as (most frequent first)")
    for label in sorted({label for label, _ in confusion}):
        found = sorted(((n, to) for (said, to), n in confusion.items() if said == label), reverse=True)
        total = sum(n for n, _ in found)
        print(f"  {label:22} {confusion[label, label] / total:5.2f}  " + ", ".join(f"{to} {n}" for n, to in found))


if __name__ == "__main__":
    main()
