"""`delegate-mcp route`: the plan only; nothing is asked."""

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

from delegate_mcp.app import App
from delegate_mcp.cli.running import opened_app, print_json
from delegate_mcp.domain.errors import InputError
from delegate_mcp.domain.plan import Candidate, RoutePlan
from delegate_mcp.domain.request import DelegateRequest
from delegate_mcp.providers.registry import BY_NAME
from delegate_mcp.routing.task_types import task_type_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("prompt", nargs="?", help="what would be asked; - reads it from stdin")
    parser.add_argument(
        "--tool",
        default="auto",
        metavar="TOOL",
        help="quick, reasoning, code, longcontext, private, auto, a task type, or tiered (the order of the tiers)",
    )
    parser.add_argument(
        "--file", action="append", default=[], dest="files", metavar="PATH", help="file or glob to send along"
    )
    parser.add_argument("--model", help="this model only")
    parser.add_argument(
        "--explain", action="store_true", help="say what told it: signs, the row with its file and line, overrides"
    )
    parser.add_argument("--json", action="store_true", help="print the plan as JSON")
    parser.add_argument("--jsonl", action="store_true", help="read {id, text} a line on stdin, write one plan a line")


async def run(args: argparse.Namespace) -> int:
    """Plan and print."""
    async with opened_app() as app:
        if args.jsonl:
            return await _many(app, args)
        if args.prompt is None:
            raise InputError(
                'Nothing to route: give a prompt, as in `delegate-mcp route "Summarize this"`, or --jsonl.'
            )
        prompt = sys.stdin.read() if args.prompt == "-" else args.prompt
        plan = await app.plan(_request(args, prompt))
    if args.json:
        print_json(as_json(plan))
    else:
        print(shown(plan))
        if args.explain:
            print(f"\n{explained(plan)}")
    return 0 if plan.candidates else 1


def _request(args: argparse.Namespace, prompt: str) -> DelegateRequest:
    return DelegateRequest(
        prompt=prompt,
        tool="route",
        task_type=task_type_of(args.tool),
        files=tuple(args.files),
        model=args.model,
    )


async def _many(app: App, args: argparse.Namespace) -> int:
    wrong, known = 0, await app.calling.known()  # one look for all of them
    for number, line in enumerate(sys.stdin, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            key, text = row["id"], str(row["text"])
        except (ValueError, TypeError, KeyError):
            wrong += 1
            print(f"line {number} is not a JSON object with id and text; left out", file=sys.stderr)
            continue
        try:
            found = as_json(await app.plan(_request(args, text), known))
        except InputError as error:
            found = {"error": str(error)}
        sys.stdout.write(json.dumps({"id": key, **found}, ensure_ascii=False) + "\n")
    sys.stdout.flush()
    return 1 if wrong else 0


def as_json(plan: RoutePlan) -> dict[str, Any]:
    """The plan as `route --json` prints it."""
    return {
        "task_type": plan.task_type,
        "complexity": plan.complexity,
        "confidence": round(plan.confidence, 2),
        "private": plan.private,
        "candidates": [
            {"model": str(candidate.model_id), "tier": candidate.tier, "why": candidate.why, "data": _data(candidate)}
            for candidate in plan.candidates
        ],
        "passed_over": [{"model": item.model, "why": item.why} for item in plan.passed_over],
        "rule": plan.rule,
        "reason": plan.reason,
        "votes": plan.votes,
        "shadow": [str(model_id) for model_id in plan.shadow],
        "experiment": plan.arm or None,
        "gather": [str(reader.model_id) for reader in plan.gather.readers] if plan.gather else [],
        "told": {
            "signals": list(plan.told.signals),
            "complexity": list(plan.told.complexity),
            "row": list(plan.told.row),
            "notes": list(plan.told.notes),
            "learned": list(plan.told.learned),
        },
    }


def _data(candidate: Candidate) -> str:
    """What becomes of the prompt there."""
    row = BY_NAME[candidate.model_id.provider]
    return "stays on this machine" if row.local else row.data_use(candidate.tier).told()


def shown(plan: RoutePlan) -> str:
    """The plan as `route` prints it."""
    return "\n".join(_lines(plan))


def explained(plan: RoutePlan) -> str:
    """What told it, as `route --explain` adds it."""
    return "\n".join(_explanation(plan))


def _lines(plan: RoutePlan) -> Iterator[str]:
    yield f"{plan.task_type} ({plan.complexity}, confidence {plan.confidence:.2f}) by {plan.rule}: {plan.reason}"
    for number, candidate in enumerate(plan.candidates, 1):
        yield f"  {number}. {candidate.model_id} [{candidate.tier}] {candidate.why}; {_data(candidate)}"
    for item in plan.passed_over:
        yield f"  -  {item.model}: {item.why}"
    if not plan.candidates:
        yield "  Nothing can answer; `delegate-mcp doctor` says what to do."


def _explanation(plan: RoutePlan) -> Iterator[str]:
    told = plan.told
    yield f"  task type   {plan.task_type}, {', '.join(told.signals) or 'as asked'}; {plan.confidence:.2f} sure"
    yield f"  complexity  {plan.complexity}, {', '.join(told.complexity) or 'nothing that makes it harder'}"
    yield f"  row         {plan.rule}, its keys from:"
    yield from (f"              {place}" for place in told.row)
    if plan.votes > 1:
        yield f"  votes       {plan.votes} models answer"
    if plan.gather:
        yield f"  read first  by {', '.join(str(reader.model_id) for reader in plan.gather.readers)}"
    would = "would ask " if plan.shadow else ""
    yield from (f"  learned     {would}{moved} (each call draws anew, unless a seed is set)" for moved in told.learned)
    yield from (f"  note        {note}" for note in told.notes)
