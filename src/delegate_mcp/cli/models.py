"""`delegate-mcp models`: the same facts as the resources `models://catalog` and `models://recommend/{task}`."""

import argparse
from typing import Any

from delegate_mcp.cli.running import opened_app, print_json, print_table

_HOUR_S, _DAY_S = 3600, 86_400


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--json", action="store_true", help="print it as JSON, as the resource has it")
    parser.add_argument(
        "--refresh", action="store_true", help="ask the services for their lists now; paid ones wait for their week"
    )
    parser.add_argument(
        "--learned", action="store_true", help="what use has taught of each model, by task type, beside its rubric"
    )
    parser.add_argument(
        "--for",
        dest="task",
        metavar="TEXT",
        help="the five models that fit a prompt, or a task type, best, with their points",
    )


async def run(args: argparse.Namespace) -> int:
    """Look and print."""
    async with opened_app() as app:
        if args.refresh:
            await app.refresh_models()
        if args.learned:
            return _learned(await app.learned(), as_json=args.json)
        found = await app.models() if args.task is None else await app.recommend(args.task)
    if args.json:
        print_json(found)
    elif args.task is None:
        _show(found)
    else:
        _show_best(found)
    return 0 if args.task is None or found["top"] else 1


def _learned(rows: list[dict[str, Any]], *, as_json: bool) -> int:
    if as_json:
        print_json(rows)
        return 0
    head = ("", "rubric", "learned", "90 %", "evidence", "answers", "last verdict")
    for task_type in dict.fromkeys(row["task_type"] for row in rows):
        print(task_type)
        print_table([head, *(_standing(row) for row in rows if row["task_type"] == task_type)])
    if not rows:
        print("Nothing was learned yet: schemas, checks and `delegate-mcp feedback` show what answers are worth.")
    return 0


def _standing(row: dict[str, Any]) -> tuple[str, ...]:
    said = row["verdict"]
    return (
        f"    {row['model']}",
        f"{row['prior']:.2f}",
        f"{row['mean']:.2f}",
        f"{row['low']:.2f} to {row['high']:.2f}",
        f"{row['weight']:.0f}",
        f"{row['answers'] * 100:.0f} %",
        f"{said['verdict']} on {said['at'][:10]} ({said['call_id']}) {said['why']}".rstrip() if said else "-",
    )


def _show(found: dict[str, Any]) -> None:
    for provider in found["providers"]:
        mark = "usable" if provider["usable"] else "no"
        print(f"{provider['name']} ({provider['tier']}): {mark}, {provider['why']}")
        if not provider["usable"]:
            if provider["mend"]:
                print(f"    {provider['mend']}")
            continue
        if "data" in provider:
            print(f"    it {provider['data']['told']}")
            print(f"    {_list(provider.get('list'))}")
        print_table([_row(model) for model in provider["models"]])
        if "gone" in provider:
            print(f"    no longer listed: {', '.join(provider['gone'])}")
        if "further" in provider:
            print(f"    and {provider['further']} more, for money or by other names; name one to ask it")


def _row(model: dict[str, Any]) -> tuple[str, ...]:
    price = model.get("usd_per_million")
    return (
        f"    {model['model']}",
        f"{model['context_tokens'] or '?'} context",
        f"quality {model['quality']}" + (" (new, not rated)" if model.get("new") else ""),
        ", ".join(model["capabilities"]) or "-",
        "free" if model["free"] else f"{price['input']} / {price['output']} USD a million" if price else "",
    )


def _list(known: dict[str, Any] | None) -> str:
    """How young the list of models is."""
    if known is None:
        return "its list of models was not read yet: a running server reads it, or --refresh"
    failed = f"; asking again failed {known['failures']}x: {known['error']}" if known["failures"] else ""
    if "age_s" not in known:
        return f"its list of models could not be read: {known.get('error', '')}"
    return f"its list of models is {_age(known['age_s'])} old{failed}"


def _age(seconds: int) -> str:
    if seconds < _HOUR_S:
        return f"{seconds // 60} min"
    return f"{seconds // _HOUR_S} h" if seconds < 2 * _DAY_S else f"{seconds // _DAY_S} days"


def _show_best(found: dict[str, Any]) -> None:
    print(f"{found['task_type']} ({found['complexity']}): the best of 100 points")
    head = ("", "score", "capability 45", "context 15", "preference 25", "free 10", "availability 5", "")
    rows = [
        (
            f"{number}. {row['model']} [{row['tier']}]",
            f"{row['score']:.1f}",
            *(f"{points:.1f}" for points in row["points"].values()),
            row.get("named_by", "not named by the rule"),
        )
        for number, row in enumerate(found["top"], 1)
    ]
    print_table([head, *rows])
    if not rows:
        print("Nothing can answer; `delegate-mcp doctor` says what to do.")
