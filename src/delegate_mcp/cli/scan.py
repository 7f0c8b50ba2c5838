"""`delegate-mcp scan`: credentials in a file, by line and kind; the value is never printed."""

import argparse
import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TextIO

from delegate_mcp.domain.errors import InputError
from delegate_mcp.privacy.finding import Finding


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("file", metavar="FILE", help="the file to search; - reads stdin")
    parser.add_argument("--jsonl", action="store_true", help="read {id, text} a line, write {id, findings} a line")


async def run(args: argparse.Namespace) -> int:
    """Search and print; 1 where something was found or a line could not be read."""
    from delegate_mcp.privacy.secrets import scan

    name = "stdin" if args.file == "-" else args.file
    try:
        with _opened(args.file) as source:
            return _lines(source, scan) if args.jsonl else _print(name, scan(source.read()))
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}.") from error


def _opened(name: str) -> AbstractContextManager[TextIO]:
    return nullcontext(sys.stdin) if name == "-" else Path(name).open(encoding="utf-8", errors="replace")


def _print(name: str, found: list[Finding]) -> int:
    for finding in found:
        print(f"{name}:{finding.line} {finding.kind}")
    return 1 if found else 0


def _lines(source: TextIO, scan: Callable[[str], list[Finding]]) -> int:
    """Line by line, so that a long stream needs no memory; in order."""
    code = 0
    for number, line in enumerate(source, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            key, text = row["id"], row["text"]
            found = [{"kind": finding.kind, "line": finding.line} for finding in scan(_text(text))]
        except (ValueError, TypeError, KeyError, RecursionError):
            code = 1
            print(f"line {number} is not a JSON object with id and text; left out", file=sys.stderr)
            continue
        code = 1 if found else code
        sys.stdout.write(json.dumps({"id": key, "findings": found}, ensure_ascii=False) + "\n")
        sys.stdout.flush()
    return code


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
