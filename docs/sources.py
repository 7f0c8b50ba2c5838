"""The rows of each reference table, read from the code. A source that is missing or not as expected is an error."""

import argparse
import ast
import importlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from delegate_mcp.catalog.catalog import Limit, load_catalog
from delegate_mcp.catalog.local_models import pullable_models
from delegate_mcp.config import settings as settings_module
from delegate_mcp.providers.data_use import DataUse
from delegate_mcp.providers.registry import PROVIDERS, ProviderRow
from delegate_mcp.routing.rules import COMPLEXITIES, RuleCandidate, load_rules
from delegate_mcp.routing.task_types import TOOL_TASK_TYPES

PREFIX = "DELEGATE_MCP_"
TIERS = {"local": "this machine", "free": "free", "subscription": "your plan", "paid": "paid, off without a budget"}


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; what would break a cell is escaped."""
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    head = list(head)
    lines = [head, ["---"] * len(head), *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def tools() -> str:
    """Name, when to use it and parameters, as a host receives them."""
    from delegate_mcp.tools import TOOLS

    rows: list[list[str]] = []
    for tool in (row.build() for row in TOOLS):
        required = set(cast("list[str]", tool.parameters.get("required", [])))
        named = cast("dict[str, Any]", tool.parameters["properties"])
        rows.append(
            [f"`{tool.name}`", tool.description, ", ".join(f"**`{n}`**" if n in required else f"`{n}`" for n in named)]
        )
    return table(("tool", "when", "parameters (required ones bold)"), rows)


@dataclass(frozen=True, slots=True)
class Setting:
    """One field of the settings, as its class documents it."""

    path: str
    default: str
    meaning: str

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return PREFIX + self.path.replace(".", "__").replace("<name>", "<NAME>").upper()


def settings() -> str:
    """Every field with its variable, default and the text below it."""
    rows = [[f"`{s.path}`", f"`{s.variable}`", s.default, s.meaning] for s in read_settings()]
    return table(("setting", "variable", "default", "meaning"), rows)


def read_settings(source: str | None = None) -> list[Setting]:
    """The settings in the order of the file: those of the root first, then each section's."""
    text = source if source is not None else Path(settings_module.__file__).read_text(encoding="utf-8")
    classes = {node.name: node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)}
    found: list[Setting] = []
    sections: list[tuple[str, ast.ClassDef]] = []
    for field, meaning in _fields(classes["Settings"]):
        name = cast("ast.Name", field.target).id
        section = next((c for c in classes if re.search(rf"\b{c}\b", ast.unparse(field.annotation))), None)
        if section is None:
            found.append(_setting(name, field, meaning))
        else:
            sections.append((f"{name}.<name>" if "dict" in ast.unparse(field.annotation) else name, classes[section]))
    for above, section in sections:
        found += [
            _setting(f"{above}.{cast('ast.Name', field.target).id}", field, meaning)
            for field, meaning in _fields(section)
        ]
    return found


def _fields(section: ast.ClassDef) -> Iterator[tuple[ast.AnnAssign, str]]:
    following = [*section.body[1:], None]
    for node, after in zip(section.body, following, strict=True):
        if isinstance(node, ast.AnnAssign):
            text = after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else ""
            yield node, " ".join(str(text).split())


def _setting(path: str, field: ast.AnnAssign, text: str) -> Setting:
    if not text:
        raise LookupError(f"the setting {path} has no text below it in config/settings.py")
    meaning, _, default = text.partition(" Default: ")
    if not default:
        default = f"`{ast.unparse(field.value).lower()}`" if field.value else "none"
    return Setting(path, default.rstrip("."), meaning)


def _needs(row: ProviderRow) -> str:
    program = [f"the `{row.command}` CLI"] if row.command else []
    keys = [" or ".join(f"`{name}`" for name in row.key_names)] if row.key_names else []
    return " and ".join([*program, *keys]) or "none"


def local_models() -> str:
    """What `local pull` knows by name."""
    rows = [
        [f"`{row.name}`", ", ".join(row.good_for) or "a demonstration", f"{row.size / 1e9:.1f} GB", row.licence]
        for row in pullable_models().values()
    ]
    return table(("model", "for", "file", "licence"), rows)


def providers() -> str:
    """Every provider with its key and what it brings."""
    rows = [
        [
            f"`{row.name}`",
            row.title,
            TIERS[row.tier],
            _needs(row),
            row.brings + (f" ([get it]({row.key_url}))" if row.key_url else ""),
        ]
        for row in PROVIDERS
    ]
    return table(("provider", "service", "cost", "needs", "brings"), rows)


def _use(use: DataUse) -> tuple[str, ...]:
    page = f"[{use.seen}]({use.source})" if use.source else "-"
    return use.trains, use.keeps, use.words or "-", page


def data() -> str:
    """What each service does with what it is sent."""
    rows = [
        (f"`{row.name}`", tier, *_use(use))
        for row in PROVIDERS
        if not row.local
        for tier, use in ((TIERS[row.tier], row.data), ("billed per token", row.data_paid))
        if use is not None
    ]
    return table(("service", "tier", "trains on prompts", "keeps them", "how long, where", "as of"), rows)


def _limit(limit: Limit) -> str:
    return f"{limit.limit:,} {limit.metric}/{limit.period}"


def models() -> str:
    """Every model of the catalog."""
    rows = [
        [
            f"`{model.model_id}`",
            f"{model.context_tokens:,}",
            str(model.quality),
            ", ".join(sorted(model.capabilities)) or "-",
            "; ".join(_limit(limit) for limit in model.limits) or "-",
            model.source,
        ]
        for model in load_catalog().models.values()
    ]
    return table(("model", "context", "quality 0-10", "can", "free limits known", "from"), rows)


def aliases() -> str:
    """Names of the past and what answers to them now."""
    rows = [
        [f"`{a.name}`", f"`{a.model_id}`", f"`{a.quality}`" if a.quality else "the same", a.why]
        for a in load_catalog().aliases.values()
    ]
    return table(("name", "answers now", "where quality counts", "why"), rows)


def _candidate(candidate: RuleCandidate) -> str:
    when = [
        "/".join(candidate.complexity) if candidate.complexity != COMPLEXITIES else "",
        f"{candidate.reasoning_effort} effort" if candidate.reasoning_effort else "",
        "searching the web" if candidate.web_search else "",
        "with fetched pages" if candidate.needs_pages else "",
    ]
    told = ", ".join(word for word in when if word)
    return f"`{candidate.use}`" + (f" ({told})" if told else "")


def rules() -> str:
    """Every task type with its candidates in order and its quality floor."""
    rows: list[list[str]] = []
    for rule in load_rules().rows.values():
        floors = list(dict.fromkeys(rule.floor.values()))
        rows.append(
            [
                f"`{rule.task_type}`",
                rule.description,
                " → ".join(_candidate(candidate) for candidate in rule.candidates),
                "/".join(map(str, floors)),
            ]
        )
    return table(("task type", "for", "asked in this order", "floor"), rows)


def tiers() -> str:
    """The order in which `tiered` work finds its task type."""
    rows: list[list[str]] = []
    for row in load_rules().tiers:
        signs = (" and " if row.every else " or ").join(row.when) or "all else"
        rows.append([signs, f"`{row.take}`", f"`{row.first}`" if row.first else "-"])
    return table(("signs", "takes", "first"), rows)


def rubric() -> str:
    """The quality numbers by task type of each rubric; models that share one stand once."""
    rows: dict[str, list[str]] = {}
    kinds: dict[str, None] = {}
    for model in load_catalog().models.values():
        if model.rubric_source:
            kinds |= dict.fromkeys(model.rubric)
    for model in load_catalog().models.values():
        name = model.model_id.model.rsplit("/", 1)[-1].removesuffix(":free")
        if model.rubric_source and name not in rows:
            rows[name] = [f"`{name}`", *(str(model.quality_for(kind)) for kind in kinds)]
    return table(("model", *(kind.replace("_", " ") for kind in kinds)), rows.values())


def routes() -> str:
    """The rows of the task types that tools stand for."""
    rows = load_rules().rows
    return table(
        ("tool", "asks in this order"),
        (
            [f"`{tool}`", " → ".join(_candidate(candidate) for candidate in rows[task_type].candidates)]
            for tool, task_type in TOOL_TASK_TYPES.items()
            if task_type in rows
        ),
    )


def roles() -> str:
    """Roles, which rules name, and the models that fill them."""
    rows = [[f"`{role}`", _code(names)] for role, names in load_catalog().roles.items()]
    return table(("role", "filled by, in this order"), rows)


def resources() -> str:
    """What a host can read."""
    from delegate_mcp.resources import PAGES, PERIODS, RECOMMEND, RESOURCES

    rows = (*RESOURCES, RECOMMEND, *PAGES, *PERIODS)
    return table(("resource", "what it tells"), ([f"`{row.uri}`", row.description] for row in rows))


def prompts() -> str:
    """What a person can start with."""
    from delegate_mcp.prompts import PROMPTS

    return table(("prompt", "what it does"), ([f"`{row.name}`", row.description] for row in PROMPTS))


def commands() -> str:
    """Every command."""
    from delegate_mcp.cli import COMMANDS

    return table(("command", "what it does"), ([f"`delegate-mcp {row.name}`", row.help] for row in COMMANDS))


def options() -> str:
    """Every option of every command, as the command itself declares it."""
    from delegate_mcp.cli import COMMANDS

    rows: list[list[str]] = []
    for row in COMMANDS:
        parser = argparse.ArgumentParser(add_help=False)
        importlib.import_module(f"delegate_mcp.cli.{row.name}").add_arguments(parser)
        for action in parser._actions:  # noqa: SLF001 - argparse has no public list of what was declared
            if action.help is argparse.SUPPRESS:
                continue
            value = "|".join(map(str, action.choices)) if action.choices else action.metavar or action.dest.upper()
            takes = "" if action.nargs == 0 or not action.option_strings else f" {value}"
            named = "`, `".join(action.option_strings) or action.dest
            rows.append([f"`{row.name}`", f"`{named}{takes}`", action.help or ""])
    return table(("command", "option", "meaning"), rows)
