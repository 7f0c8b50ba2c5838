"""Writes the reference tables of README.md, AGENTS.md and docs/*.md from the code: `python -m docs.tables`.

`--check` writes nothing and exits 1 where a page has drifted. A table stands between `<!-- table:NAME -->` and
`<!-- /table -->`. To add one: a function in `docs/sources.py`, a row in TABLES, the two marks in a page.
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from docs import examples, sources

ROOT = Path(__file__).resolve().parents[1]

TABLES: Mapping[str, Callable[[], str]] = {
    "tools": sources.tools,
    "resources": sources.resources,
    "prompts": sources.prompts,
    "commands": sources.commands,
    "options": sources.options,
    "settings": sources.settings,
    "providers": sources.providers,
    "data": sources.data,
    "models": sources.models,
    "local-models": sources.local_models,
    "aliases": sources.aliases,
    "roles": sources.roles,
    "rules": sources.rules,
    "tiers": sources.tiers,
    "rubric": sources.rubric,
    "route-example": examples.route,
    "routes": sources.routes,
}

MARKED = re.compile(r"<!-- table:(?P<name>[^ ]+) -->\n(?P<body>.*?)<!-- /table -->", re.DOTALL)
OPENING = re.compile(r"<!-- table:")


class DocsError(Exception):
    """A page cannot be filled; the message says what to mend."""


def pages(root: Path) -> list[Path]:
    """Every page that may hold a table."""
    return [root / "README.md", root / "AGENTS.md", *sorted((root / "docs").glob("*.md"))]


def fill(text: str, tables: Mapping[str, Callable[[], str]]) -> str:
    """The text with every marked table made anew."""
    marked = list(MARKED.finditer(text))
    if len(marked) != len(OPENING.findall(text)):
        raise DocsError("a `<!-- table:NAME -->` mark has no `<!-- /table -->` after it")
    if unknown := [found["name"] for found in marked if found["name"] not in tables]:
        raise DocsError(f"no table is called {', '.join(unknown)}; there are: {', '.join(tables)}")
    return MARKED.sub(lambda found: f"<!-- table:{found['name']} -->\n{tables[found['name']]()}\n<!-- /table -->", text)


def drifted(files: Iterable[Path], tables: Mapping[str, Callable[[], str]]) -> dict[Path, str]:
    """The pages that are not what the code says, with what they should be."""
    wanted: dict[Path, str] = {}
    for file in files:
        text = file.read_text(encoding="utf-8")
        try:
            filled = fill(text, tables)
        except DocsError as error:
            raise DocsError(f"{file.name}: {error}") from error
        if filled != text:
            wanted[file] = filled
    return wanted


def unshown(files: Iterable[Path], tables: Mapping[str, Callable[[], str]]) -> list[str]:
    """Tables that no page shows."""
    shown = {found["name"] for file in files for found in MARKED.finditer(file.read_text(encoding="utf-8"))}
    return [name for name in tables if name not in shown]


def checked(root: Path) -> dict[Path, str]:
    """The pages that have drifted. DocsError: a page cannot be filled, or a table is shown nowhere."""
    files = pages(root)
    wanted = drifted(files, TABLES)
    if missing := unshown(files, TABLES):
        raise DocsError(f"no page shows the table {', '.join(missing)}")
    return wanted


def main(arguments: list[str] | None = None) -> int:
    """Write the pages, or check them."""
    parser = argparse.ArgumentParser(prog="python -m docs.tables", description="Write the tables from the code.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a page has drifted")
    given = parser.parse_args(arguments)
    try:
        wanted = checked(ROOT)
    except DocsError as error:
        sys.stderr.write(f"docs.tables: {error}\n")
        return 1
    for file, text in wanted.items():
        if given.check:
            sys.stderr.write(f"{file.relative_to(ROOT)} is not what the code says: run `python -m docs.tables`\n")
        else:
            file.write_text(text, encoding="utf-8")
            sys.stderr.write(f"{file.relative_to(ROOT)} written\n")
    return 1 if given.check and wanted else 0


if __name__ == "__main__":
    sys.exit(main())
