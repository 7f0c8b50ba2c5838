"""Answers of a given length in real text: prose of the packages' descriptions, code of their tests, JSON by schema.

What an answer says does not matter here, its length in tokens does; real text keeps the tokens per character real.
"""

import json
from itertools import cycle, islice
from pathlib import Path
from typing import Any, cast

from bench import tokens

PROSE = ("notes/bleach.md", "notes/httpcore.md", "notes/zc_buildout.md")
CODE = ("h11/tests/test_connection.py", "h11/tests/test_io.py", "h11/tests/test_state.py")


def text_of(project: Path, sources: tuple[str, ...], length: int, *, skip: int = 0) -> str:
    """So many tokens of these files, whole words; `skip` lines from their beginning, so that answers differ."""
    lines = [line for name in sources for line in (project / name).read_text(encoding="utf-8").split("\n")]
    chosen: list[str] = []
    spent = 0
    for line in islice(cycle(lines), skip, None):
        cost = tokens.count(line + "\n")
        if spent + cost > length:
            break
        chosen.append(line)
        spent += cost
    words = lines[(skip + len(chosen)) % len(lines)].split(" ")
    text = "\n".join(chosen)
    for word in words:
        longer = f"{text} {word}" if text else word
        if tokens.count(longer) > length:
            break
        text = longer
    return text.strip()


def json_of(project: Path, schema: dict[str, Any], length: int) -> str:
    """JSON that meets a schema; an array grows until it has so many tokens, strings hold a few real words."""
    words = text_of(project, PROSE, 4_000).split()
    word = cycle([" ".join(words[at : at + 4]) for at in range(0, len(words) - 4, 4)])

    def value(of: dict[str, Any]) -> Any:
        if "enum" in of:
            return of["enum"][0]
        kind = of["type"]
        if kind == "object":
            properties = cast("dict[str, dict[str, Any]]", of["properties"])
            return {name: value(one) for name, one in properties.items()}
        if kind == "array":
            return [value(of["items"]), value(of["items"])]
        return {"string": next(word), "integer": 413, "boolean": True}[kind]

    def shown(made: Any) -> str:
        return json.dumps(made, ensure_ascii=False)

    if schema["type"] != "array":
        return shown(value(schema))
    items = [value(schema["items"])]
    while tokens.count(shown(items)) < length:
        items.append(value(schema["items"]))
    return shown(items)
