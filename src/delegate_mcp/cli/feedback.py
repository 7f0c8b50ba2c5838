"""`delegate-mcp feedback`: what a person says of an answer; it counts for the model that gave it."""

import argparse

from delegate_mcp.cli.running import opened_app
from delegate_mcp.domain.errors import CallNotFoundError
from delegate_mcp.domain.standing import VERDICT_WEIGHT
from delegate_mcp.ledger.evidence import WHY_CHARS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("call", metavar="CALL", help="the call id that stands below its answer, as in c012345678901")
    parser.add_argument("verdict", choices=("good", "bad"))
    parser.add_argument("why", nargs="?", default="", help=f"in a few words ({WHY_CHARS} characters are kept)")


async def run(args: argparse.Namespace) -> int:
    """Keep the verdict and say for whom it counts."""
    async with opened_app() as app:
        why = args.why.encode("utf-8", "replace").decode()
        row = await app.ledger.judge(args.call, args.verdict, why, app.clock.now())
        off = app.settings.learning.mode == "off"
    if row is None:
        raise CallNotFoundError(
            f"No answered call {args.call!r} is known. Take the id from the bracketed last line of a reply."
        )
    print(f"Noted: {row.verdict}, counted as {VERDICT_WEIGHT:g} answers of {row.model_id} at {row.task_type}.")
    if off:
        print('It is kept, but moves nothing while learning.mode is "off".')
    return 0
