"""`delegate-mcp purge`: remove what is kept of calls, beside servers that run."""

import argparse
import math
import sys
from pathlib import Path

from anyio import to_thread

from delegate_mcp.app import App
from delegate_mcp.cli.running import opened_app
from delegate_mcp.domain.errors import InputError, LedgerError
from delegate_mcp.evaluation.noted import Evaluations


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--results",
        action="store_true",
        help="prompts and answers, so threads, batches and evaluations too (the default)",
    )
    what.add_argument(
        "--ledger",
        action="store_true",
        help="the record of calls and what was learned of them; what quotas count stays, as numbers",
    )
    what.add_argument("--all", action="store_true", help="both")
    parser.add_argument("--yes", action="store_true", help="do not ask")


async def run(args: argparse.Namespace) -> int:
    """Ask, remove, and say what was removed."""
    async with opened_app() as app:
        results, ledger = not args.ledger, args.ledger or args.all
        if not (args.yes or await to_thread.run_sync(_agreed, _what(app, results=results, ledger=ledger))):
            print("Nothing was removed.")
            return 1
        if results:
            removed = await _results(app)
            print(f"Removed {removed} kept answers with their prompts from {app.settings.home / 'results'}.")
            if cached := await to_thread.run_sync(app.calling.cache.store.purge, math.inf):
                print(f"Removed {cached} answers for identical calls from {app.calling.cache.store.directory}.")
            if batches := await to_thread.run_sync(app.batches.folders.purge, math.inf):
                print(f"Removed {batches} batches that were over from {app.settings.home / 'batches'}.")
            begun = Evaluations(app.settings.home, app.batches.folders)
            if evaluations := await to_thread.run_sync(begun.purge, math.inf):
                print(f"Removed {evaluations} evaluations that had not ended from {begun.folder}.")
        if ledger:
            forgotten = await app.ledger.forget_calls(app.clock.now())
            print(f"Removed the record of {forgotten} calls from the ledger.")
            for file in await to_thread.run_sync(_remove_broken, app.settings.home):
                print(f"Removed {file}, a broken ledger that had been moved aside.")
    return 0


def _what(app: App, *, results: bool, ledger: bool) -> str:
    shared = "" if app.settings.ledger is None else ", of everybody who shares this database"
    folder = app.settings.home / "results"
    batches = "the batches that are over with what evaluations have left"
    named = [f"all kept answers in {folder}, those for identical calls, and {batches}"] * results
    named += [f"the record of all calls and what was learned of them{shared}"] * ledger
    return " and ".join(named)


def _agreed(what: str) -> bool:
    if not sys.stdin.isatty():
        raise InputError(f"This removes {what}. Nothing was removed: say --yes where nobody can be asked.")
    return input(f"Remove {what}? [y/N] ").strip().lower() in {"y", "yes"}


async def _results(app: App) -> int:
    try:
        return await to_thread.run_sync(app.store.purge, math.inf)
    except OSError as error:
        raise LedgerError(
            f"Kept answers could not be removed: {error.strerror}. Remove {app.settings.home / 'results'} by hand."
        ) from error


def _remove_broken(home: Path) -> list[Path]:
    files = sorted(home.glob("ledger.db.broken-*"))
    for file in files:
        file.unlink(missing_ok=True)
    return files
