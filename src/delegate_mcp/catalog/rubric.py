"""A person's own `rubric.toml`: what `delegate-mcp evaluate` measured lies over the catalog's rubric, row by row."""

import tomllib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from json import dumps
from pathlib import Path

from delegate_mcp import platforms
from delegate_mcp.catalog.catalog import Catalog
from delegate_mcp.catalog.table import Table, nearest
from delegate_mcp.domain.errors import ConfigError
from delegate_mcp.domain.model_id import ModelId

FILE = "rubric.toml"
_HEAD = """\
# What `delegate-mcp evaluate` measured with your own prompts; it counts over the catalog's rubric. Each run writes its
# rows anew. Change a number or take a row out as you like.
"""
_KEYS = ("model", "task_type", "quality", "source")
_BEST = 10


@dataclass(frozen=True, slots=True)
class Measured:
    """One row."""

    model_id: ModelId
    task_type: str
    quality: int
    """0 to 10."""
    source: str


def read_rubric(path: Path, task_types: Collection[str]) -> tuple[Measured, ...]:
    """The rows of the file; none where there is no file. ConfigError names the row and the key."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}. Mend it or move it away.") from error
    top = Table(data, lambda key: f"{path}{f', table {key!r}' if key else ''}")
    top.only(("rubric",))
    return tuple(_row(row, task_types) for row in top.rows("rubric"))


def with_measured(catalog: Catalog, rows: Iterable[Measured]) -> Catalog:
    """The catalog with these rows over it; models of no table (local ones, new ones) find theirs in `measured`."""
    measured: dict[ModelId, dict[str, int]] = {}
    models = dict(catalog.models)
    for row in rows:
        measured.setdefault(row.model_id, {})[row.task_type] = row.quality
        if model := models.get(row.model_id):
            models[row.model_id] = replace(
                model,
                rubric={**model.rubric, row.task_type: row.quality},
                source=f"{model.source}; {row.task_type}: {row.source}",
            )
    return replace(catalog, models=models, measured=measured) if measured else catalog


def write_rubric(path: Path, rows: Iterable[Measured], below: Iterable[Measured]) -> None:
    """Put the rows into the file over those that stand there (`below`), whole or not at all."""
    merged = {(row.model_id, row.task_type): row for row in (*below, *rows)}
    tables = (
        f"[[rubric]]\nmodel = {dumps(str(row.model_id))}\ntask_type = {dumps(row.task_type)}\n"
        f"quality = {row.quality}\nsource = {dumps(row.source)}\n"
        for _, row in sorted(merged.items())
    )
    platforms.write_private(path, "\n".join((_HEAD, *tables)).encode())


def _row(row: Table, task_types: Collection[str]) -> Measured:
    row.only(_KEYS)
    task_type = row.text("task_type")
    if task_type not in task_types:
        raise ConfigError(
            f"{row.place('task_type')}: there is no task type {task_type!r}.{nearest(task_type, task_types)}"
        )
    try:
        model_id = ModelId.parse(row.text("model"))
    except ValueError as error:
        raise ConfigError(f"{row.place('model')}: {error}.") from None
    return Measured(model_id, task_type, row.whole("quality", high=_BEST), row.text("source"))
