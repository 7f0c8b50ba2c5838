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
    print(budget)
