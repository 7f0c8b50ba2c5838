"""The rules as values: which roles a task type asks, in order, and its quality floor. The data is `rules.toml`."""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import cast, get_args

from delegate_mcp.catalog.catalog import LOCAL_WILDCARD, Catalog, load_catalog
from delegate_mcp.catalog.table import Table, nearest
from delegate_mcp.domain.errors import ConfigError
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.plan import AskOptions, Complexity, ReasoningEffort
from delegate_mcp.providers import registry
from delegate_mcp.routing import task_types

COMPLEXITIES: tuple[Complexity, ...] = get_args(Complexity)
_RULE = ("description", "candidates", "floor", "max_output_tokens", "local_only")
_CANDIDATE = ("use", "complexity", "reasoning_effort", "temperature", "web_search", "needs_pages")
_OUTPUT = AskOptions().max_output_tokens
_BEST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCandidate:
    """A role or model of a rule, with what the rule asks of it."""

    use: str
    """A role, a model id or an alias."""
    complexity: tuple[Complexity, ...] = COMPLEXITIES
    """Work for which it is a candidate."""
    reasoning_effort: ReasoningEffort | None = None
    temperature: float | None = None
    web_search: bool = False
    needs_pages: bool = False
    """Only where web pages were fetched into the brief."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row: a task type and who may answer it."""

    task_type: str
    description: str
    candidates: tuple[RuleCandidate, ...]
    floor: Mapping[Complexity, int]
    max_output_tokens: int = _OUTPUT
    local_only: bool = False
    source: str = "rules.toml"
    """The file that gave the row, or its last word on it."""

    @property
    def name(self) -> str:
        """As a route tells it: `rules.toml:quick`."""
        return f"{self.source}:{self.task_type}"


@dataclass(frozen=True, slots=True)
class Rules:
    """All rows, by task type."""

    rows: Mapping[str, Rule]


@cache
def _packaged() -> str:
    return files("delegate_mcp.routing").joinpath("rules.toml").read_text(encoding="utf-8")


def load_rules(path: Path | None = None, catalog: Catalog | None = None) -> Rules:
    """Our rules, a person's own file over them. ConfigError names the file, line and key, and the nearest right one."""
    known = catalog or load_catalog()
    rows = parse_rules(_packaged(), "rules.toml", known, {})
    if path is None:
        return Rules(rows)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The rules file {path} cannot be read: {error}. Mend it or take `rules` out.") from error
    return Rules(parse_rules(text, str(path), known, rows))


def parse_rules(text: str, source: str, catalog: Catalog, below: Mapping[str, Rule]) -> dict[str, Rule]:
    """The rows of a text over those below it."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{source} is not TOML: {error}.") from error
    rows = dict(below)
    for name, value in data.items():
        place = _places(text, source, name)
        if name not in task_types.BY_NAME:
            other = task_types.canonical(name)
            hint = f" Did you mean {other!r}?" if other else nearest(name, task_types.BY_NAME)
            raise ConfigError(f"{place('')}: there is no task type {name!r}.{hint}")
        rows[name] = _rule(Table(value, place), name, source, catalog, rows.get(name))
    return rows


def _places(text: str, source: str, table: str) -> Callable[[str], str]:
    """Where a key of a table stands, as `file, line 12, [quick]`."""

    def place(key: str) -> str:
        lines = text.splitlines()
        head = re.compile(rf"\s*\[\s*[\"']?{re.escape(table)}[\"']?\s*\]|\s*[\"']?{re.escape(table)}[\"']?\s*[.=]")
        start = next((number for number, line in enumerate(lines) if head.match(line)), None)
        if start is None:
            return f"{source}, [{table}]"
        word = re.compile(rf"(?<![\w-])[\"']?{re.escape(key)}[\"']?\s*=")
        end = next((n for n in range(start + 1, len(lines)) if re.match(r"\s*\[[\w\"']", lines[n])), len(lines))
        line = next((n for n in range(start, end) if key and word.search(lines[n])), start)
        return f"{source}, line {line + 1}, [{table}]"

    return place


def _rule(table: Table, task_type: str, source: str, catalog: Catalog, below: Rule | None) -> Rule:
    table.only(_RULE)
    fresh = below is None
    return Rule(
        task_type=task_type,
        description=table.text("description", "" if fresh else below.description),
        candidates=_candidates(table, catalog) if fresh or "candidates" in table else below.candidates,
        floor=_floor(table) if fresh or "floor" in table else below.floor,
        max_output_tokens=table.whole("max_output_tokens", _OUTPUT if fresh else below.max_output_tokens, low=1),
        # A row that is local stays so: a person's file cannot open `private` to a cloud by leaving the key out or in.
        local_only=table.flag("local_only", default=False) or (below is not None and below.local_only),
        source=source,
    )


def _floor(table: Table) -> dict[Complexity, int]:
    value = table.raw("floor")
    if isinstance(value, dict):
        inner = table.table("floor")
        inner.only(COMPLEXITIES)
        return {name: inner.whole(name, high=_BEST) for name in COMPLEXITIES}
    return dict.fromkeys(COMPLEXITIES, table.whole("floor", 0, high=_BEST))


def _candidates(table: Table, catalog: Catalog) -> tuple[RuleCandidate, ...]:
    value = table.raw("candidates")
    if not isinstance(value, list) or not value:
        raise ConfigError(f"{table.place('candidates')}: candidates must be a list of roles or models, and not empty.")
    return tuple(_candidate(entry, table, catalog) for entry in cast("list[object]", value))


def _candidate(entry: object, table: Table, catalog: Catalog) -> RuleCandidate:
    row = Table(
        {"use": entry} if isinstance(entry, str) else entry, lambda _: f"{table.place('candidates')}, candidates"
    )
    row.only(_CANDIDATE)
    use = row.text("use")
    _known(use, row, catalog)
    effort = row.text("reasoning_effort", "")
    if effort and effort not in get_args(ReasoningEffort):
        raise ConfigError(f"{row.place()}: reasoning_effort is low, medium or high, not {effort!r}.")
    return RuleCandidate(
        use=use,
        complexity=cast("tuple[Complexity, ...]", row.texts("complexity", COMPLEXITIES, among=COMPLEXITIES)),
        reasoning_effort=cast("ReasoningEffort | None", effort or None),
        temperature=row.number("temperature") if "temperature" in row else None,
        web_search=row.flag("web_search", default=False),
        needs_pages=row.flag("needs_pages", default=False),
    )


def _known(use: str, row: Table, catalog: Catalog) -> None:
    """ConfigError unless that is a role, a model, an alias, or a model of a local server (whose names are its own)."""
    models = {str(model_id) for model_id in catalog.models}
    if use in catalog.roles or use in models or use in catalog.aliases or use == LOCAL_WILDCARD:
        return
    provider, colon, _ = use.partition(":")
    known = registry.BY_NAME.get(provider)
    if colon and known is not None and known.local:
        ModelId.parse(use)
        return
    among = [*catalog.roles, *models, *catalog.aliases]
    raise ConfigError(f"{row.place()}: {use!r} is no role, model or alias of the catalog.{nearest(use, among)}")
