"""`delegate-mcp doctor`: what works, what is missing, and the one command that mends it."""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

from anyio import to_thread

from delegate_mcp import __version__
from delegate_mcp.app import App
from delegate_mcp.cli.running import NOTHING_YET, opened_app, print_json
from delegate_mcp.config.settings import LocalSettings
from delegate_mcp.domain.availability import Availability
from delegate_mcp.domain.errors import DelegateError
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.ledger.quota import ACCOUNT
from delegate_mcp.ledger.snapshot import Cooldown, Tombstone
from delegate_mcp.local.hardware import Hardware, look
from delegate_mcp.local.overview import overview, proposal, told
from delegate_mcp.platforms import cache_dir
from delegate_mcp.providers.registry import ProviderRow
from delegate_mcp.routing.entries import unlisted
from delegate_mcp.routing.known import Known
from delegate_mcp.routing.times import clock, day


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report."""

    name: str
    ok: bool
    found: str
    mend: str = ""
    brings: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--json", action="store_true", help="print the checks as JSON")


async def run(args: argparse.Namespace) -> int:
    """Check and report; 1 if nothing at all can answer."""
    try:
        async with opened_app() as app:
            availability = await app.discovery.look(fresh=True)
            known = await app.calling.known()
            checks = [*_own(app, known), *provider_checks(app.rows, availability, known), *model_checks(known)]
            checks.append(await to_thread.run_sync(local_check, app.settings.local, cache_dir(os.environ), look()))
            able = any(availability.usable(row.name) and known.off(row.name) is None for row in app.rows)
    except DelegateError as error:
        checks, able = [Check("settings", ok=False, found=str(error))], False
    if args.json:
        print_json({"ok": able, "version": __version__, "checks": [asdict(check) for check in checks]})
    else:
        _show(checks, able=able)
    return 0 if able else 1


def _own(app: App, known: Known) -> list[Check]:
    notices = app.ledger.notices()
    return [
        Check("delegate-mcp", ok=True, found=f"{__version__} on Python {sys.version.split()[0]}"),
        Check("settings", ok=True, found=str(app.settings_file)),
        Check("ledger", ok=not notices, found="; ".join(notices) or str(app.settings.home / "ledger.db")),
        Check(
            "files",
            ok=bool(app.roots.roots),
            found=", ".join(str(root) for root in app.roots.roots) or "no allowed directory",
        ),
        *(Check("rules", ok=False, found=told) for told in app.calling.rules.mistakes),
        *(Check("rules", ok=False, found=told) for told in unlisted(app.calling.rules, known)),
    ]


def provider_checks(rows: Sequence[ProviderRow], availability: Availability, known: Known) -> list[Check]:
    """Whether each provider is set up, its key is accepted, and it answers."""
    checks: list[Check] = []
    now = known.snapshot.taken_at
    for row in rows:
        state = availability.states.get(row.name)
        if state is None:
            continue
        if not state.usable:
            checks.append(Check(row.name, ok=False, found=state.why, mend=state.mend, brings=row.brings))
        elif off := known.off(row.name):
            key = row.key_names[0] if row.key_names else "its login"
            found = f"{key} was refused on {day(off.since)}, and it is not asked until the key changes"
            checks.append(Check(row.name, ok=False, found=found, mend=f"get a new one at {row.key_url}"))
        elif breaker := known.breaker(row.name):
            again = clock(breaker.until, now)
            found = f"{state.why}; failed {breaker.failures} times in a row, asked again at {again}"
            checks.append(Check(row.name, ok=False, found=found, mend="nothing to do: it comes back by itself"))
        else:
            use = row.data_use(known.tiers.get(row.name, row.tier), known.agreed.get(row.name, "any"))
            told = "" if row.local else f"; it {use.told()}"
            off = (
                ""
                if row.local or use.allowed_by(known.data_policy)
                else f", so {known.data_policy} keeps it from being asked"
            )
            checks.append(Check(row.name, ok=True, found=f"{state.why}{told}{off}", mend=state.mend))
    return checks


def local_check(settings: LocalSettings, cache: Path, hardware: Hardware) -> Check:
    """Which models this machine has, which it has room for, and the one worth fetching next."""
    rows = overview(settings, cache, hardware)
    here = [row.name for row in rows if row.file is not None]
    fits = [row.name for row in rows if row.file is None and row.fits]
    found = f"{told(hardware)}; here: {', '.join(here) or 'none'}; would fit: {', '.join(fits) or 'none that we know'}"
    best = proposal(rows)
    mend = f"delegate-mcp local pull {best.name}" if best is not None else ""
    brings = f"private {', '.join(best.good_for)}" if best is not None else ""
    too_large = [row.name for row in rows if row.file is not None and not row.fits]
    if too_large:
        return Check(
            "local models",
            ok=False,
            found=f"{found}; too large for this machine: {', '.join(too_large)}",
            mend=mend or f"delegate-mcp local rm {too_large[0]}",
            brings=brings,
        )
    return Check("local models", ok=not mend, found=found, mend=mend, brings=brings)


def model_checks(known: Known) -> list[Check]:
    """The models that are not asked at present: they cool down, or their service says that they are gone."""
    now = known.snapshot.taken_at
    cooling = sorted((row for row in known.snapshot.cooldowns if row.until > now), key=lambda row: row.model_id)
    gone = sorted(known.snapshot.gone, key=lambda row: (row.model_id.provider, row.since, row.model_id))
    graves = groupby(gone, key=lambda row: (row.model_id.provider, day(row.since)))
    return [*(_cooling(row, now) for row in cooling), *(_gone(*grave, list(rows)) for grave, rows in graves)]


def _cooling(row: Cooldown, now: float) -> Check:
    found = f"cools down after {row.why.value.replace('_', ' ')}, asked again at {clock(row.until, now)}"
    return Check(_name(row.model_id), ok=False, found=found)


def _gone(provider: str, since: str, rows: Sequence[Tombstone]) -> Check:
    """One line for all that a service dropped at once."""
    if len(rows) == 1:
        name, found = _name(rows[0].model_id), f"its service has said since {since} that it is gone"
    else:
        name = f"{len(rows)} of {provider}"
        found = f"gone since {since}, says its service: {', '.join(row.model_id.model for row in rows)}"
    return Check(name, ok=False, found=found, mend="nothing to do: a successor or the next model answers")


def _name(model_id: ModelId) -> str:
    return f"all of {model_id.provider}" if model_id.model == ACCOUNT else str(model_id)


def _show(checks: list[Check], *, able: bool) -> None:
    width = max(len(check.name) for check in checks)
    for check in checks:
        print(f"{'ok' if check.ok else '--'}  {check.name.ljust(width)}  {check.found}")
        if not check.ok:
            brings = f"would bring {check.brings}: " if check.brings else ""
            if check.mend:
                print(f"    {' ' * width}  {brings}{check.mend}")
    print()
    if able:
        print('Something can answer. `delegate-mcp route "your prompt"` shows who would.')
    else:
        print(NOTHING_YET)
