"""`delegate-mcp models`: the same facts as the resource `models://catalog`."""

import argparse
from typing import Any

from delegate_mcp.cli.running import opened_app, print_json, print_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--json", action="store_true", help="print models://catalog as JSON")


async def run(args: argparse.Namespace) -> int:
    """Look and print."""
    async with opened_app() as app:
        found = await app.models()
    if args.json:
        print_json(found)
    else:
        _show(found)
    return 0


def _show(found: dict[str, Any]) -> None:
    for provider in found["providers"]:
        mark = "usable" if provider["usable"] else "no"
        print(f"{provider['name']} ({provider['tier']}): {mark}, {provider['why']}")
        if provider["usable"] and "data" in provider:
            print(f"    it {provider['data']['told']}")
        if not provider["usable"]:
            if provider["mend"]:
                print(f"    {provider['mend']}")
            continue
        print_table(
            [
                (f"    {model['model']}", f"{model['context_tokens'] or '?'} context", f"quality {model['quality']}")
                for model in provider["models"]
            ]
        )
