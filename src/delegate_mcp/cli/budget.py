"""`delegate-mcp budget`: the same facts as the resource `budget://current`."""

import argparse
from typing import Any

from delegate_mcp.cli.running import opened_app, print_json, print_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--json", action="store_true", help="print budget://current as JSON")


async def run(args: argparse.Namespace) -> int:
    """Read and print."""
    async with opened_app() as app:
        budget = await app.budget("cli")
    if args.json:
        print_json(budget)
    else:
        _show(budget)
    return 0


def _show(budget: dict[str, Any]) -> None:
    for name, provider in budget["providers"].items():
        print(f"{name}: {provider['why']}")
        print_table([row for model, facts in provider["models"].items() for row in _rows(model, facts)])
    today = budget["today"]
    print(f"\nToday: {today['calls']} calls, {today['failed_calls']} failed; cost {today['cost_usd']} USD, ", end="")
    print(f"net saving {today['saved_usd']} USD at the price of {budget['money']['director_model']}")
    for tier, sums in today["tiers"].items():
        print(f"  {tier}: {sums['calls']} calls, {sums['input_tokens']} tokens in, {sums['output_tokens']} out")


def _rows(model: str, facts: dict[str, Any]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for window in facts.get("windows", ()):
        left = f"{window['left']} of {window['limit']} {window['metric']} left this {window['period']}"
        full = f", full again {window['resets_at']}" if "resets_at" in window else ""
        rows.append((f"  {model}", left, f"known from {window['learned']}{full}"))
    if cooldown := facts.get("cooldown"):
        rows.append((f"  {model}", f"not asked before {cooldown['until']}", cooldown["why"]))
    return rows
