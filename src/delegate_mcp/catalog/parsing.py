"""catalog.toml into values: every name must lead somewhere, and every mistake names its row."""

import re
from collections.abc import Mapping
from typing import Literal, cast, get_args

from delegate_mcp.catalog.catalog import LOCAL_WILDCARD, Alias, Capability, Catalog, Family, LocalNames, Model
from delegate_mcp.catalog.table import Table, nearest
from delegate_mcp.domain.errors import ConfigError
from delegate_mcp.domain.limit import Limit
from delegate_mcp.domain.model_id import ModelId

_TOP = ("limits", "rubrics", "models", "roles", "aliases", "local", "families")
_MODEL = ("id", "context", "output", "quality", "rubric", "capabilities", "limits", "free", "source")
_LIMITS = tuple(f"{metric}_{period}" for metric in ("requests", "tokens") for period in ("minute", "day", "month"))
_LOCAL = ("not_local", "not_chat", "sees", "context", "output", "quality", "sizes")
_BEST = 10

Rubric = tuple[Mapping[str, int], str]
"""Task type -> 0-10, and where that is from."""


def parse(data: Mapping[str, object], where: str) -> Catalog:
    """Check every row and turn it into values."""
    top = Table(data, lambda key: f"{where}{f', table {key!r}' if key else ''}")
    top.only(_TOP)
    models = _models(top, _limits(top.table("limits")), _rubrics(top.table("rubrics")))
    aliases = _aliases(top, models)
    return Catalog(models, _roles(top.table("roles"), models, aliases), aliases, _local(top))


def _limits(table: Table) -> dict[str, tuple[Limit, ...]]:
    sets: dict[str, tuple[Limit, ...]] = {}
    for name in table.keys():  # noqa: SIM118  # a Table is no mapping
        row = table.table(name)
        row.only((*_LIMITS, "scope"))
        scope = row.text("scope", "model")
        if scope not in ("model", "account"):
            raise ConfigError(f"{row.place('scope')}: scope is 'model' or 'account', not {scope!r}.")
        given = [key for key in _LIMITS if key in row]
        sets[name] = tuple(_limit(key, row.whole(key), scope) for key in given)
    return sets


def _limit(key: str, value: int, scope: Literal["model", "account"]) -> Limit:
    metric, _, period = key.partition("_")
    return Limit(
        cast("Literal['requests', 'tokens']", metric), cast("Literal['minute', 'day', 'month']", period), value, scope
    )


def _rubrics(table: Table) -> dict[str, Rubric]:
    """The rows of the rubric, each with as many numbers as there are task types."""
    table.only(("source", "task_types", "points"))
    if not table.keys():
        return {}
    kinds, points = table.texts("task_types"), table.table("points")
    found: dict[str, Rubric] = {}
    for name in points.keys():  # noqa: SIM118  # a Table is no mapping
        numbers = points.wholes(name, high=_BEST)
        if len(numbers) != len(kinds):
            raise ConfigError(f"{points.place(name)}: {len(numbers)} numbers for {len(kinds)} task types.")
        found[name] = dict(zip(kinds, numbers, strict=True)), table.text("source")
    return found


def _rubric(row: Table) -> dict[str, int]:
    return {key: row.whole(key, high=_BEST) for key in row.keys()}  # noqa: SIM118  # a Table is no mapping


def _models(top: Table, limits: Mapping[str, tuple[Limit, ...]], rubrics: Mapping[str, Rubric]) -> dict[ModelId, Model]:
    models: dict[ModelId, Model] = {}
    for row in top.rows("models"):
        row.only(_MODEL)
        model = _model(row, limits, rubrics)
        if model.model_id in models:
            raise ConfigError(f"{row.place('id')}: {model.model_id} stands there twice.")
        models[model.model_id] = model
    return models


def _model(row: Table, limits: Mapping[str, tuple[Limit, ...]], rubrics: Mapping[str, Rubric]) -> Model:
    said = row.raw("rubric")
    if isinstance(said, str) and said not in rubrics:
        raise ConfigError(
            f"{row.place('rubric')}: there is no row {said!r} in [rubrics.points].{nearest(said, rubrics)}"
        )
    rubric, rubric_source = rubrics[said] if isinstance(said, str) else (_rubric(row.table("rubric")), "")
    named = row.text("limits", "") if "limits" in row else ""
    if named and named not in limits:
        raise ConfigError(f"{row.place('limits')}: there is no table [limits.{named}].{nearest(named, limits)}")
    capabilities = row.texts("capabilities", (), among=get_args(Capability))
    return Model(
        model_id=_model_id(row, "id"),
        context_tokens=row.whole("context", low=1),
        max_output_tokens=row.whole("output", low=1),
        quality=row.whole("quality", high=_BEST),
        rubric=rubric,
        rubric_source=rubric_source,
        capabilities=frozenset(cast("tuple[Capability, ...]", capabilities)),
        limits=limits.get(named, ()),
        free=row.flag("free", default=True),
        source=row.text("source"),
    )


def _model_id(row: Table, key: str) -> ModelId:
    try:
        return ModelId.parse(row.text(key))
    except ValueError as error:
        raise ConfigError(f"{row.place(key)}: {error}.") from None


def _aliases(top: Table, models: Mapping[ModelId, Model]) -> dict[str, Alias]:
    rows: dict[str, Table] = {}
    for row in top.rows("aliases"):
        row.only(("name", "model", "quality", "why"))
        name = row.text("name")
        if name in rows:
            raise ConfigError(f"{row.place('name')}: the alias {name!r} stands there twice.")
        rows[name] = row
    known = {str(model_id): model_id for model_id in models}

    def follow(row: Table, key: str, seen: tuple[str, ...]) -> ModelId:
        target = row.text(key)
        if target in known:
            return known[target]
        if target in seen:
            raise ConfigError(f"{row.place(key)}: the aliases go in a circle: {' -> '.join((*seen, target))}.")
        if target not in rows:
            raise ConfigError(
                f"{row.place(key)}: {target!r} is neither a model nor an alias.{nearest(target, [*known, *rows])}"
            )
        return follow(rows[target], key if key in rows[target] else "model", (*seen, target))

    return {
        name: Alias(
            name,
            follow(row, "model", (name,)),
            row.text("why"),
            follow(row, "quality", (name,)) if "quality" in row else None,
        )
        for name, row in rows.items()
    }


def _roles(table: Table, models: Mapping[ModelId, Model], aliases: Mapping[str, Alias]) -> dict[str, tuple[str, ...]]:
    known = {str(model_id) for model_id in models} | {LOCAL_WILDCARD}

    def expand(role: str, seen: tuple[str, ...]) -> list[str]:
        if role in seen:
            raise ConfigError(f"{table.place(role)}: the roles go in a circle: {' -> '.join((*seen, role))}.")
        found: list[str] = []
        for name in table.texts(role):
            if name in known:
                found.append(name)
            elif name in aliases:
                found.append(str(aliases[name].model_id))
            elif name in table:
                found.extend(expand(name, (*seen, role)))
            else:
                among = [*known, *aliases, *table.keys()]
                raise ConfigError(f"{table.place(role)}: {name!r} is no model, alias or role.{nearest(name, among)}")
        return found

    return {role: tuple(dict.fromkeys(expand(role, ()))) for role in table.keys()}  # noqa: SIM118  # no mapping


def _local(top: Table) -> LocalNames:
    table = top.table("local")
    table.only(_LOCAL)
    plain = LocalNames()
    sizes = tuple((row.number("from"), row.whole("quality", high=_BEST)) for row in table.rows("sizes"))
    if list(sizes) != sorted(sizes):
        raise ConfigError(f"{table.place('sizes')}: the rows of sizes must rise by `from`.")
    return LocalNames(
        not_local=_pattern(table, "not_local", plain.not_local),
        not_chat=_pattern(table, "not_chat", plain.not_chat),
        sees=_pattern(table, "sees", plain.sees),
        context_tokens=table.whole("context", plain.context_tokens, low=1),
        max_output_tokens=table.whole("output", plain.max_output_tokens, low=1),
        quality=table.whole("quality", plain.quality, high=_BEST),
        sizes=sizes,
        families=tuple(_family(row) for row in top.rows("families")),
    )


def _family(row: Table) -> Family:
    row.only(("match", "plus", "coder", "tools", "source"))
    return Family(
        _pattern(row, "match", None),
        row.whole("plus", 0, low=-_BEST, high=_BEST),
        row.flag("coder", default=False),
        row.flag("tools", default=False),
    )


def _pattern(row: Table, key: str, default: str | None) -> str:
    pattern = row.text(key, default)
    try:
        re.compile(pattern)
    except re.error as error:
        raise ConfigError(f"{row.place(key)}: {pattern!r} is no regular expression: {error}.") from None
    return pattern
