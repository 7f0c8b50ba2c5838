"""A person's own prompts: a line of JSON each, with what a good answer is.

To add a way to say what is good: a class here with `score`, and a row in WAYS.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, cast

from delegate_mcp.catalog.table import nearest
from delegate_mcp.delivery.schema_check import parse_answer
from delegate_mcp.dispatch.agreement import normal_form
from delegate_mcp.domain.errors import InputError
from delegate_mcp.intake.schema import read_schema
from delegate_mcp.routing import task_types
from delegate_mcp.routing.classifier import classify

MOST = 10_000
"""Lines of a file."""
_KEYS = ("prompt", "task_type", "files")


class Check(Protocol):
    """What a good answer is."""

    def score(self, answer: str) -> float | None:
        """From 0 to 1; None: a judge has to say."""
        ...


@dataclass(frozen=True, slots=True)
class Expected:
    """Its words stand in the answer, whole and in this order, whatever their case and signs."""

    text: str

    def score(self, answer: str) -> float:
        """1 or 0."""
        return float(f" {normal_form(self.text)} " in f" {normal_form(answer)} ")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression that is found in the answer."""

    pattern: re.Pattern[str]

    def score(self, answer: str) -> float:
        """1 or 0."""
        return float(self.pattern.search(answer) is not None)


@dataclass(frozen=True, slots=True)
class Schema:
    """A JSON schema; it goes with the call, as any caller's would."""

    schema: Mapping[str, Any]

    def score(self, answer: str) -> float:
        """1 or 0."""
        return float(parse_answer(answer, self.schema, whole=True)[1] is None)


@dataclass(frozen=True, slots=True)
class Judged:
    """A rubric by which another model judges."""

    rubric: str

    def score(self, answer: str) -> None:
        """Nobody here can say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One prompt."""

    prompt: str
    task_type: str
    check: Check
    files: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The task type by whose rubric it counts."""
        return task_types.BY_NAME[self.task_type].like or self.task_type

    def call(self, model: str) -> dict[str, Any]:
        """The call that asks a model, as an item of a batch."""
        schema = {"json_schema": self.check.schema} if isinstance(self.check, Schema) else {}
        files = {"files": list(self.files)} if self.files else {}
        return {"prompt": self.prompt, "task_type": self.task_type, "model": model, **files, **schema}


def _expected(value: Any) -> Check:
    if not normal_form(str(value)):
        raise InputError("`expected` holds no word")
    return Expected(str(value))


def _pattern(value: Any) -> Check:
    try:
        return Pattern(re.compile(str(value)))
    except re.error as error:
        raise InputError(f"`regex` is no regular expression: {error}") from error


WAYS: Mapping[str, Callable[[Any], Check]] = {
    "expected": _expected,
    "regex": _pattern,
    "schema": lambda value: Schema(read_schema(value)),
    "judge": lambda value: Judged(str(value)),
}


def read_cases(path: Path) -> tuple[Case, ...]:
    """The lines of the file. InputError names the line and what is wrong with it. Reads the disk."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}.") from error
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines or len(lines) > MOST:
        raise InputError(f"{path} holds {len(lines):,} prompts; give from 1 to {MOST:,}, each on a line of its own.")
    return tuple(_case(line, partial(_wrong, f"{path}, line {number}")) for number, line in lines)


def _wrong(place: str, what: str) -> InputError:
    return InputError(f"{place}: {what}. Nothing was sent.")


def _case(line: str, wrong: Callable[[str], InputError]) -> Case:
    try:
        value: object = json.loads(line)
    except ValueError as error:
        raise wrong(f"no JSON: {error}") from error
    row = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    if not isinstance(row.get("prompt"), str):
        raise wrong('not of the form {"prompt": "…", "expected": "…"}')
    for key in row:
        if key not in (*_KEYS, *WAYS):
            raise wrong(f"unknown key {key!r}.{nearest(key, (*_KEYS, *WAYS))}".rstrip("."))
    ways = [key for key in WAYS if key in row]
    if len(ways) != 1:
        raise wrong(f"give one of {', '.join(WAYS)}, not {' and '.join(ways) or 'none'}")
    files = row.get("files", [])
    if not isinstance(files, list) or not all(isinstance(name, str) for name in cast("list[object]", files)):
        raise wrong("files must be a list of paths")
    try:
        check = WAYS[ways[0]](row[ways[0]])
    except InputError as error:
        raise wrong(str(error).rstrip(".")) from error
    return Case(
        prompt=row["prompt"],
        task_type=_task_type(row, tuple(cast("list[str]", files)), wrong),
        check=check,
        files=tuple(cast("list[str]", files)),
    )


def _task_type(row: Mapping[str, Any], files: tuple[str, ...], wrong: Callable[[str], InputError]) -> str:
    """As the line says, else as the classifier finds it."""
    if "task_type" not in row:
        return classify(row["prompt"], files, schema="schema" in row).task_type
    said = str(row["task_type"])
    found = task_types.canonical(said)
    if found is None:
        raise wrong(f"there is no task type {said!r}.{nearest(said, task_types.BY_NAME)}".rstrip("."))
    return found
