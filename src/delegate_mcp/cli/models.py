"""`delegate-mcp models`: the same facts as the resources `models://catalog` and `models://recommend/{task}`."""

import argparse
from typing import Any

from delegate_mcp.cli.running import NOTHING_YET, opened_app, print_json, print_table

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86_400
_LEGEND = """\
rubric: how many of ten answers are good, as the catalog has it; learned: the same by what use has shown, nine times of
ten between those bounds; evidence: what schemas, checks and verdicts have shown; answers: how often one came at all"""

_NOTHING_LEARNED = "Nothing was learned yet: schemas, checks and `delegate-mcp feedback` show what answers are worth."


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
        _show(found, refreshed=args.refresh)
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
    print(_LEGEND if rows else _NOTHING_LEARNED)
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


def _show(found: dict[str, Any], *, refreshed: bool) -> None:
    there = [provider for provider in found["providers"] if provider["usable"]]
    for provider in there:
        _show_one(provider)
    rows = [
        (f"    {provider['name']} ({provider['tier']})", ": ".join(filter(None, (provider["why"], provider["mend"]))))
        for provider in found["providers"]
        if not provider["usable"]
    ]
    if rows:
        print("not usable:")
        print_table(rows)
    if refreshed and not any("list" in provider for provider in there):
        print("No service was asked for its list of models: none of those that have one is usable.")
    print('`delegate-mcp models --for "your prompt"` shows who fits it best.' if there else NOTHING_YET)


def _show_one(provider: dict[str, Any]) -> None:
    print(f"{provider['name']} ({provider['tier']}): usable, {provider['why']}")
    if "data" in provider:
        print(f"    it {provider['data']['told']}")
    if "list" in provider:
        print(f"    {_list(provider['list'])}")
    print_table([_row(model) for model in provider["models"]])
    if "gone" in provider:
        print(f"    no longer listed: {', '.join(provider['gone'])}")
    if "further" in provider:
        print(f"    and {provider['further']:,} more, for money, new or by other names: each can be asked by its name")


def _row(model: dict[str, Any]) -> tuple[str, ...]:
    price = model.get("usd_per_million")
    return (
        f"    {model['model']}",
        f"{model['context_tokens']:,} context" if model["context_tokens"] else "context unknown",
        f"quality {model['quality']}" + (" (new, not rated)" if model.get("new") else ""),
        ", ".join(model["capabilities"]) or "-",
        "free" if model["free"] else f"{price['input']} / {price['output']} USD a million tokens" if price else "",
    )


def _list(known: dict[str, Any]) -> str:
    """How young the list of models is."""
    if "age_s" not in known and "error" not in known:
        return "its list of models was not read yet: a running server reads it, or --refresh"
    if "age_s" not in known:
        return f"its list of models could not be read: {known['error']}; a running server asks again, or --refresh"
    times = "once" if known["failures"] == 1 else f"{known['failures']} times"
    failed = f"; reading it again failed {times}: {known['error']}" if known["failures"] else ""
    return f"its list of models was read {_ago(known['age_s'])}{failed}"


def _ago(seconds: int) -> str:
    if seconds < _MINUTE_S:
        return "just now"
    if seconds < _HOUR_S:
        return f"{seconds // _MINUTE_S} min ago"
    return f"{seconds // _HOUR_S} h ago" if seconds < 2 * _DAY_S else f"{seconds // _DAY_S} days ago"


def _show_best(found: dict[str, Any]) -> None:
    work = f"{found['task_type']} ({found['complexity']})"
    if not found["top"]:
        print(f"{work}: no model can take it")
        for item in found["passed_over"]:
            print(f"    {item['model']}: {item['why']}")
        print("`delegate-mcp doctor` says what to do.")
        return
    print(f"{work}: the models that fit best, by points of 100")
    head = ("", "score", "capability 45", "context 15", "preference 25", "free 10", "availability 5", "named by")
    rows = [
        (
            f"{number}. {row['model']} [{row['tier']}]",
            f"{row['score']:.1f}",
            *(f"{points:.1f}" for points in row["points"].values()),
            row.get("named_by", "no rule for this work; --model asks it"),
        )
        for number, row in enumerate(found["top"], 1)
    ]
    print_table([head, *rows])
