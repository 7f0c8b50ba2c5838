"""`delegate-mcp evaluate`: your own prompts over models of your choice; what comes of it is their rubric here."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from anyio import to_thread

from delegate_mcp.app import App
from delegate_mcp.catalog.catalog import LOCAL_WILDCARD
from delegate_mcp.catalog.rubric import FILE, read_rubric, write_rubric
from delegate_mcp.cli.running import opened_app, print_json, print_table
from delegate_mcp.domain.errors import InputError
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.usage import estimate_tokens
from delegate_mcp.evaluation.asking import Asking
from delegate_mcp.evaluation.cases import Case, read_cases
from delegate_mcp.evaluation.measuring import LEAST, Measuring, Score, expected_calls, rows_to_write
from delegate_mcp.evaluation.noted import Evaluations, Noted
from delegate_mcp.routing.known import Known
from delegate_mcp.routing.naming import resolve
from delegate_mcp.routing.task_types import BY_NAME

_WIDTH = 118


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "file",
        type=Path,
        metavar="FILE.jsonl",
        help="a line a prompt: prompt, one of expected, regex, schema, judge (a rubric), and task_type?, files?",
    )
    parser.add_argument("--models", required=True, metavar="A,B", help="models, aliases or roles, with commas between")
    parser.add_argument("--judge", metavar="MODEL", help="who judges; default: a free model, never the one it judges")
    parser.add_argument("--dry-run", action="store_true", help="say how many calls it would make, and make none")
    parser.add_argument("--no-write", action="store_true", help=f"measure only, leave {FILE} as it is")
    parser.add_argument("--json", action="store_true", help="print the scores as JSON")


async def run(args: argparse.Namespace) -> int:
    """Measure, print and write. Ended before it is done, the same command goes on."""
    cases = await to_thread.run_sync(read_cases, args.file)
    async with opened_app() as app:
        known = await app.calling.known()
        models = _models(args.models, known)
        judge = None if args.judge is None else resolve(args.judge, known, private=False, quality=False).model_id
        noted = await to_thread.run_sync(_noted, app, cases, models, judge)
        tell = _Progress(shown=sys.stderr.isatty() and not args.json)
        asking = Asking(app=app, noted=noted, tell=tell.note)
        measuring = Measuring(asking=asking, cases=cases, models=models, judge=judge)
        if args.dry_run:
            await measuring.choose_judges()
            return _dry(measuring, as_json=args.json)
        scores = await measuring.run()
        tell.end()
        written = [] if args.no_write else rows_to_write(scores, app.clock.now())
        if written:
            file = app.settings.home / FILE
            await to_thread.run_sync(lambda: write_rubric(file, written, read_rubric(file, BY_NAME)))
        await to_thread.run_sync(noted.forget)
        _print(scores, measuring, as_json=args.json)
        if written and not args.json:
            print(f"Written to {app.settings.home / FILE}: {len(written)} numbers that now count over the catalog's.")
    return 0 if any(score.scores for score in scores) else 1


def _models(names: str, known: Known) -> list[ModelId]:
    """The models that the names mean. InputError: one means none."""
    found: dict[ModelId, None] = {}
    for name in filter(None, map(str.strip, names.split(","))):
        for use in known.catalog.roles.get(name, (name,)):
            if use == LOCAL_WILDCARD:
                found |= dict.fromkeys(model.model_id for model in known.local_models())
            else:
                found[resolve(use, known, private=False, quality=False).model_id] = None
    if not found:
        raise InputError(f"--models {names!r} names no model that is there. `delegate-mcp models` lists all.")
    return list(found)


def _noted(app: App, cases: Sequence[Case], models: Sequence[ModelId], judge: ModelId | None) -> Noted:
    begun = Evaluations(app.settings.home, app.batches.folders)
    return begun.noted(list(map(repr, cases)), list(map(str, models)), [str(judge)])


@dataclass(slots=True)
class _Progress:
    """A line on a terminal."""

    shown: bool
    told: dict[str, str] = field(default_factory=dict[str, str])

    def note(self, whose: str, how_far: str) -> None:
        """Draw the line anew."""
        self.told[whose] = how_far
        if self.shown:
            line = "; ".join(f"{name}: {far}" for name, far in self.told.items())
            sys.stderr.write(f"\r{line[:_WIDTH]}\033[K")
            sys.stderr.flush()

    def end(self) -> None:
        """Take it away."""
        if self.shown:
            sys.stderr.write("\r\033[K")


def _dry(measuring: Measuring, *, as_json: bool) -> int:
    cases = measuring.cases
    calls = expected_calls(cases, [model for model in measuring.models if model not in measuring.left_out])
    tokens = sum(estimate_tokens(case.prompt) for case in cases)
    told = {"prompts": len(cases), "calls": dict(calls), "total_calls": sum(calls.values()), "prompt_tokens": tokens}
    told |= _others(measuring)
    if as_json:
        print_json(told)
        return 0
    print(f"{len(cases)} prompts of about {tokens:,} tokens together, without files. Nothing was asked. It would make:")
    print_table([(f"    {whose}", f"{number:,} calls") for whose, number in calls.items()])
    print(f"{sum(calls.values()):,} calls in all, as fast as the quotas allow.")
    _print_others(measuring)
    return 0


def _print(scores: Sequence[Score], measuring: Measuring, *, as_json: bool) -> None:
    if as_json:
        print_json({"scores": [_as_json(score) for score in scores], **_others(measuring)})
        return
    head = ("model", "task type", "score", "90 %", "prompts", "cost USD", "p50", "")
    if scores:
        print_table([head, *map(_row, scores)])
    for score in scores:
        for why in dict.fromkeys(score.unmeasured):
            print(f"Not measured: {score.model_id} at {score.task_type}, {score.unmeasured.count(why)}x: {why}")
    _print_others(measuring)


def _others(measuring: Measuring) -> dict[str, Any]:
    return {
        "judges": dict(measuring.judges),
        "left_out": {str(model): why for model, why in measuring.left_out.items()},
    }


def _print_others(measuring: Measuring) -> None:
    """Who judged, and who could not take part."""
    for whose, judge in measuring.judges.items():
        print(f"Judge of {whose}: {judge}")
    for model, why in measuring.left_out.items():
        print(f"Left out: {model}: {why}")


def _row(score: Score) -> tuple[str, ...]:
    low, high = score.interval
    few = 0 < len(score.scores) < LEAST
    return (
        str(score.model_id),
        score.task_type,
        "-" if score.mean is None else f"{score.mean:.2f}",
        f"{low:.2f} to {high:.2f}" if score.scores else "-",
        f"{len(score.scores)}",
        f"{score.cost_usd:.4f}" if score.cost_usd else "0",
        "-" if score.latency_ms is None else f"{score.latency_ms / 1000:.1f} s",
        f"too few for the rubric ({LEAST})" if few else "",
    )


def _as_json(score: Score) -> dict[str, Any]:
    low, high = score.interval
    return {
        "model": str(score.model_id),
        "task_type": score.task_type,
        "score": score.mean,
        "low": low,
        "high": high,
        "prompts": len(score.scores),
        "cost_usd": score.cost_usd,
        "latency_ms": score.latency_ms,
        "unmeasured": list(score.unmeasured),
    }
