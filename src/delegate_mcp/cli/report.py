"""`delegate-mcp report`: what was delegated in a period, what it cost and saved, and what would have."""

import argparse
import math
import os
from decimal import Decimal
from pathlib import Path

from anyio import to_thread

from delegate_mcp.app import App
from delegate_mcp.cli.report_text import show_comparison, show_experiment, show_report, show_what_if
from delegate_mcp.cli.running import opened_app, print_json
from delegate_mcp.config.settings import RentedSettings
from delegate_mcp.domain.errors import InputError
from delegate_mcp.domain.limit import DayReset
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.usage import ZERO, Usage
from delegate_mcp.ledger.quota import account_of, windows_for
from delegate_mcp.ledger.window import Window
from delegate_mcp.reporting.experiment import arms_of, experiment_json
from delegate_mcp.reporting.periods import Period, period, since
from delegate_mcp.reporting.report import Json, Source, comparison, report, what_if_json
from delegate_mcp.reporting.sums import GROUPS
from delegate_mcp.reporting.transcripts import read_transcripts, transcripts_folder
from delegate_mcp.reporting.what_if import Offer, parse_offer, what_if

_WEEK, _MONTH = "7d", "30d"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--since",
        metavar="WHEN",
        help="24h, 7d, 2026-11-01, 2026-11 or all; default: 7d, all for an experiment",
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument(
        "--claude",
        action="store_true",
        help="read what the director used from Claude Code's transcripts of this machine",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--by", choices=tuple(GROUPS), help="the same for each of them")
    what.add_argument(
        "--compare", nargs=2, metavar=("A", "B"), help="two periods, such as 2026-10 2026-11, or 30d..60d 30d"
    )
    what.add_argument(
        "--what-if",
        metavar="MODEL[:USD_PER_HOUR]",
        help="what that model, rented, would have saved on the routine calls of the last 30 days",
    )
    what.add_argument("--experiment", metavar="NAME", help="the two chains of [experiments.NAME] beside one another")


async def run(args: argparse.Namespace) -> int:
    """Read, sum and print."""
    async with opened_app() as app:
        now = app.clock.now()
        if args.compare:
            one, other = [await _source(app, period(text, now), claude=args.claude) for text in args.compare]
            told, show = comparison(one, other), show_comparison
        elif args.what_if:
            told, show = await _what_if(app, args.what_if, since(_MONTH, now)), show_what_if
        elif args.experiment:
            told, show = await _experiment(app, args.experiment, since(args.since or "all", now)), show_experiment
        else:
            source = await _source(app, since(args.since or _WEEK, now), claude=args.claude)
            told, show = report(source, args.by, await _quota(app)), show_report
    if args.json:
        print_json(told)
    else:
        show(told)
    return 0


async def _source(app: App, span: Period, *, claude: bool) -> Source:
    folder = transcripts_folder(os.environ, Path.home())
    return Source(
        period=span,
        records=await app.ledger.records(span.since, span.until),
        director_model=app.settings.budget.director_model,
        prices=await app.prices.get(),
        transcripts=await to_thread.run_sync(read_transcripts, folder, span) if claude else None,
    )


async def _quota(app: App) -> list[tuple[ModelId, Window]]:
    """The windows of a day and of a month of which something is used; one of an account once."""
    resets: dict[str, DayReset] = {row.name: row.day_reset for row in app.rows}
    snapshot = await app.health()

    found: dict[tuple[ModelId, str, str], tuple[ModelId, Window]] = {}
    for model_id in sorted(snapshot.use):
        model = app.catalog.models.get(model_id)
        limits = model.limits if model else ()
        for window in windows_for(model_id, limits, snapshot, resets.get(model_id.provider, "utc")):
            whose = account_of(model_id) if window.scope == "account" else model_id
            if window.period != "minute" and window.used:
                found[whose, window.metric, window.period] = (whose, window)
    return list(found.values())


async def _experiment(app: App, name: str, span: Period) -> Json:
    records = await app.ledger.records(span.since, math.inf)  # those too that began before a clock was set back
    arms = arms_of(name, records)
    known = {row.call.arm.rpartition(":")[0] for row in records if row.call.arm} | set(app.settings.experiments)
    if name not in known:
        among = f" There are: {', '.join(sorted(known))}." if known else ""
        raise InputError(f"There is no experiment {name!r} in the settings and no call of it.{among}")
    return experiment_json(span, arms)


async def _what_if(app: App, text: str, span: Period) -> Json:
    offer = _offer(app, text)
    director, prices = app.settings.budget.director_model, await app.prices.get()

    def worth(usage: Usage) -> Decimal:
        return prices.saved_usd(director, usage.input_tokens, usage.output_tokens) or ZERO

    found = what_if(await app.ledger.records(span.since, span.until), offer, worth)
    return what_if_json(span, offer, found, director)


def _offer(app: App, text: str) -> Offer:
    """The model, with what settings and catalog know of it."""
    name, price = parse_offer(text)
    rented = app.settings.rented.get(name.removeprefix("rented:"))
    if rented is not None:
        return Offer(
            model=name,
            usd_per_hour=price or rented.usd_per_hour,
            idle_s=rented.idle_minutes * 60,
            context_tokens=rented.context_tokens,
        )
    if price is None:
        raise InputError(
            f"What does {name} cost? Write --what-if {name}:USD_PER_HOUR, or one of [rented.<name>] in the settings."
        )
    return Offer(
        model=name,
        usd_per_hour=price,
        idle_s=RentedSettings.model_fields["idle_minutes"].default * 60,
        context_tokens=_context(app, name),
    )


def _context(app: App, name: str) -> int | None:
    """The longest context that the catalog knows of a model of that name."""
    models = app.catalog.models.values()
    return max((row.context_tokens for row in models if name in (str(row.model_id), row.model_id.model)), default=None)
