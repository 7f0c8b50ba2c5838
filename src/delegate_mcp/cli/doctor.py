"""`delegate-mcp doctor`: what works, what is missing, and the one command that mends it."""

import argparse
import sys
from dataclasses import asdict, dataclass

from delegate_mcp import __version__
from delegate_mcp.app import App
from delegate_mcp.cli.running import opened_app, print_json
from delegate_mcp.domain.availability import Availability
from delegate_mcp.domain.errors import DelegateError


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
            checks = [*_own(app), *_providers(app, availability)]
            able = any(availability.usable(row.name) for row in app.rows)
    except DelegateError as error:
        checks, able = [Check("settings", ok=False, found=str(error))], False
    if args.json:
        print_json({"ok": able, "version": __version__, "checks": [asdict(check) for check in checks]})
    else:
        _show(checks, able=able)
    return 0 if able else 1


def _own(app: App) -> list[Check]:
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
    ]


def _providers(app: App, availability: Availability) -> list[Check]:
    checks: list[Check] = []
    for row in app.rows:
        state = availability.states.get(row.name)
        if state is not None:
            brings = "" if state.usable else row.brings
            checks.append(Check(row.name, ok=state.usable, found=state.why, mend=state.mend, brings=brings))
    return checks


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
        print(
            "Nothing can answer yet. The quickest way: a free Groq key (https://console.groq.com/keys) in GROQ_API_KEY."
        )
