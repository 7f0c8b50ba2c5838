"""What 40 real jobs cost their director: done itself, through us, through pal-mcp-server and through llm-routing.

The files are those of real packages (`packages.txt`), the jobs stand in `jobs.toml`, the director is scripted
(`director`, `ways`), the models are a stand-in whose answers have recorded lengths. Every server runs as its own
process over MCP's stdio, set up as its own documentation says, all in one run. What is counted: docs/economy.md.
`python -m bench.economy --docs docs/economy.md` writes the tables there.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.economy import report, runs
from bench.economy.director import Spent, with_rereading
from bench.economy.installing import UnavailableError
from bench.economy.jobs import load
from bench.economy.runs import Run
from bench.figure import Figure, table

CONVERSATION = 10
"""Jobs that a conversation has: its tool list and instructions are paid for once in so many jobs."""
MOST_OF_ITSELF = 0.05
MOST_OF_OTHERS = 0.333
MOST_NOT_FREE_PERCENT = 3.0
UNIT = "tokens a job"
WHAT = "40 jobs: director's tokens beside"


def figures(alone: Sequence[Spent], ours: Run, others: Sequence[Run]) -> list[Figure]:
    """Ours beside each of the others; the targets bound what a person would set up, the rest is for scale."""
    mine = ours.per_job(CONVERSATION)
    itself = sum(one.total for one in alone) / len(alone)
    again = with_rereading(ours.listing, ours.spent[:CONVERSATION]) / with_rereading(0, alone[:CONVERSATION])
    made = [
        Figure(
            name=f"{WHAT} doing it itself",
            unit=UNIT,
            ours=mine,
            reference=itself,
            reference_name="itself",
            judged="ratio",
            at_most=MOST_OF_ITSELF,
            note=f"{len(alone)} jobs, {CONVERSATION} a conversation, tool list and instructions ({ours.listing} tokens "
            f"a conversation) included; with {len(alone)} a conversation {ours.per_job(len(alone)):.0f}; with what a "
            f"host sends again, in the first conversation, {again:.3f} times",
        )
    ]
    for other in others:
        if other.why_not:
            name = f"{WHAT} {other.name}"
            made.append(Figure(name=name, unit=UNIT, ours=mine, note=f"that one was not measured: {other.why_not}"))
            continue
        made.append(_beside(mine, other, other.name, judged=other.judged, note=_said(other)))
        made += [
            _beside(mine, other, f"{other.name} with {how}", listing=listing) for how, listing in other.listings.items()
        ]
    made += [
        Figure(
            name="40 jobs: tokens that are not on free inference",
            unit="%",
            ours=ours.not_free_percent(CONVERSATION),
            at_most=MOST_NOT_FREE_PERCENT,
            note=f"the director's and what other tiers answered; with {len(alone)} jobs a conversation "
            f"{ours.not_free_percent(len(alone)):.2f} %",
        ),
        Figure(
            name="40 jobs: jobs that failed", unit="", ours=len(ours.failed), at_most=0, note="; ".join(ours.failed[:3])
        ),
    ]
    return made


def _beside(
    mine: float, other: Run, name: str, *, listing: int | None = None, judged: bool = False, note: str = ""
) -> Figure:
    return Figure(
        name=f"{'' if judged else 'for scale: '}{WHAT} {name}",
        unit=UNIT,
        ours=mine,
        reference=other.per_job(CONVERSATION, listing),
        reference_name=f"version {other.version}",
        judged="ratio",
        at_most=MOST_OF_OTHERS if judged else None,
        note=note,
    )


def _said(other: Run) -> str:
    itself = f"the director does {other.by_itself} jobs itself, which is cheaper" if other.by_itself else ""
    failed = f"{len(other.failed)} jobs failed and were done by the director" if other.failed else ""
    return "; ".join(filter(None, (f"tool list {other.listing} tokens", itself, failed)))


def _measured() -> tuple[list[Spent], list[Run]]:
    alone, measured = asyncio.run(runs.run_all())
    if measured[0].why_not:
        raise SystemExit(f"our own server could not be measured: {measured[0].why_not}")
    return alone, measured


def measure() -> list[Figure]:
    """All of it; some minutes, most of them the installation of the others at the first run."""
    try:
        alone, (ours, *others) = _measured()
    except UnavailableError as error:
        print(f"economy is not measured: {error}", file=sys.stderr)
        return []
    return figures(alone, ours, others)


def main(arguments: list[str] | None = None) -> int:
    """By itself, with the tables of the documentation."""
    parser = argparse.ArgumentParser(prog="python -m bench.economy", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--docs", type=Path, metavar="FILE", help="put the tables between that file's marks")
    given = parser.parse_args(arguments)
    alone, measured = _measured()
    print(table(made := figures(alone, measured[0], measured[1:])))
    tables = report.tables(load(), alone, measured)
    if given.docs is None:
        print("\n\n".join(tables.values()), file=sys.stdout)
    else:
        given.docs.write_text(report.put(given.docs.read_text(encoding="utf-8"), tables), encoding="utf-8")
    return 1 if any(figure.met is False for figure in made) else 0
