"""One measured figure beside what it is compared with, and the table they are printed in."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Judged = Literal["value", "ratio", "difference"]

COLUMNS = ("figure", "ours", "compared with", "ratio or difference", "target", "met")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A median of ours; without a target it is shown for scale."""

    name: str
    unit: str
    ours: float
    reference: float | None = None
    """What was measured beside it in the same run."""
    reference_name: str = ""
    judged: Judged = "value"
    """What the target bounds: our value, ours / reference, or ours - reference."""
    at_most: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours over the reference."""
        return self.ours / self.reference if self.reference else None

    @property
    def difference(self) -> float | None:
        """Ours less the reference."""
        return None if self.reference is None else self.ours - self.reference

    @property
    def met(self) -> bool | None:
        """Whether the target holds; None without one. A target whose value could not be taken is not met."""
        if self.at_most is None:
            return None
        value = {"value": self.ours, "ratio": self.ratio, "difference": self.difference}[self.judged]
        return value is not None and value <= self.at_most

    def as_json(self) -> dict[str, Any]:
        """The figure as a program reads it."""
        return {
            "name": self.name,
            "unit": self.unit,
            "ours": self.ours,
            "reference": self.reference,
            "reference_name": self.reference_name,
            "ratio": self.ratio,
            "difference": self.difference,
            "judged": self.judged,
            "at_most": self.at_most,
            "met": self.met,
            "note": self.note,
        }


def _number(value: float, unit: str) -> str:
    text = f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:,.2f}"
    return f"{text} {unit}".rstrip()


def _target(figure: Figure) -> str:
    if figure.at_most is None:
        return "-"
    if figure.judged == "ratio":
        return f"<= {figure.at_most:g} x"
    bound = f"<= {figure.at_most:g} {figure.unit}".rstrip()
    return f"{bound} more" if figure.judged == "difference" else bound


def row(figure: Figure) -> tuple[str, ...]:
    """The cells of one figure, in the order of COLUMNS."""
    beside = "-" if figure.reference is None else f"{_number(figure.reference, figure.unit)} ({figure.reference_name})"
    ratio = f"{figure.ratio:.2f} x" if figure.ratio is not None and figure.unit != "tokens" else "-"
    if figure.judged == "difference" and figure.difference is not None:
        ratio = f"{figure.difference:+.2f} {figure.unit}"
    met = {True: "yes", False: "NO", None: "-"}[figure.met]
    return figure.name, _number(figure.ours, figure.unit), beside, ratio, _target(figure), met


def table(figures: Sequence[Figure]) -> str:
    """A Markdown table with its columns aligned, and the notes below it."""
    rows = [COLUMNS, *(row(figure) for figure in figures)]
    widths = [max(len(cells[index]) for cells in rows) for index in range(len(COLUMNS))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |" for cells in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    notes = [f"- {figure.name}: {figure.note}" for figure in figures if figure.note]
    return "\n".join([*lines, "", *notes] if notes else lines)


def in_readme(text: str, figures: Sequence[Figure]) -> str:
    """A README with the figures put between its marks, unpadded and without notes; rows of other names stay."""
    found = re.search(r"(?s)(?<=<!-- numbers -->\n).*?(?=<!-- /numbers -->)", text)
    if found is None:
        raise ValueError("the README has no <!-- numbers --> and <!-- /numbers -->")
    rows = {cells[0]: cells for line in found[0].splitlines()[2:] if len(cells := _cells(line)) == len(COLUMNS)}
    rows |= {figure.name: row(figure) for figure in figures}
    lines = [COLUMNS, ("---",) * len(COLUMNS), *rows.values()]
    made = "".join("| " + " | ".join(line) + " |\n" for line in lines)
    return text[: found.start()] + made + text[found.end() :]


def _cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in line.strip().strip("|").split("|"))
