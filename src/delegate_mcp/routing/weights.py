"""The linear model's weights: how much each word or form speaks for each task type. The data is `weights.txt`.

`python -m bench.train_routing` learns them from prompts of our own (bench/routing_corpus), the same each time.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_PAIR = re.compile(r"([A-Z])(-?\d+)")


@dataclass(frozen=True, slots=True)
class Weights:
    """What was learned."""

    labels: tuple[str, ...]
    rows: Mapping[str, tuple[tuple[int, float], ...]]
    """Feature -> (place of the label, weight)."""


@cache
def load_weights() -> Weights:
    """Read the packaged weights; once, at the first prompt that needs them."""
    return parse_weights(files("delegate_mcp.routing").joinpath("weights.txt").read_text(encoding="utf-8"))


def parse_weights(text: str) -> Weights:
    """First line: the labels and the scale; each other line: a feature, a tab, and a letter and a number a label."""
    head, _, body = text.partition("\n")
    *labels, scale = head.split()
    share = float(scale)
    rows: dict[str, tuple[tuple[int, float], ...]] = {}
    for line in body.splitlines():
        feature, _, values = line.partition("\t")
        rows[feature] = tuple((ord(at) - ord("A"), int(value) * share) for at, value in _PAIR.findall(values))
    return Weights(tuple(labels), rows)


def written(labels: tuple[str, ...], rows: Mapping[str, list[float]], scale: float) -> str:
    """The text that `parse_weights` reads; weights that round to nothing are left out."""
    lines = [" ".join((*labels, str(scale)))]
    for feature in sorted(rows):
        whole = [round(value / scale) for value in rows[feature]]
        values = "".join(f"{chr(ord('A') + at)}{value}" for at, value in enumerate(whole) if value)
        if values:
            lines.append(f"{feature}\t{values}")
    return "\n".join(lines) + "\n"
