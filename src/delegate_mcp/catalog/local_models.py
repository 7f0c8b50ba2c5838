"""The models that `local pull` knows by name. The data is `local_models.toml`, its head says how to add a row."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from delegate_mcp.catalog.table import Table
from delegate_mcp.domain.errors import ConfigError

_FILE = "local_models.toml"
_KEYS = (
    "name",
    "title",
    "source",
    "size",
    "sha256",
    "licence",
    "licence_url",
    "context",
    "memory_gb",
    "good_for",
    "temperature",
    "sampling",
    "threads",
    "checked",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PullableModel:
    """One model that can be fetched by its name."""

    name: str
    title: str
    source: str
    """What `local pull` takes in place of the name."""
    size: int
    """Of its file, in bytes."""
    sha256: str
    """Empty: the checksum of whoever serves it is believed."""
    licence: str
    licence_url: str
    context_tokens: int
    """The longest that it was trained for."""
    memory_gb: int
    """From this much GPU memory or RAM on it is proposed."""
    good_for: tuple[str, ...]
    """Task types."""
    temperature: float
    sampling: tuple[tuple[str, float], ...]
    threads: int | None
    """None: as the engine chooses."""
    checked: str
    """How far these facts are known."""


@cache
def pullable_models() -> Mapping[str, PullableModel]:
    """All of them by name, in the file's order."""
    text = files("delegate_mcp.catalog").joinpath(_FILE).read_text(encoding="utf-8")
    return parse_pullable(tomllib.loads(text))


def parse_pullable(data: Mapping[str, object]) -> Mapping[str, PullableModel]:
    """Check every row. ConfigError names the row and the key."""
    top = Table(data, lambda key: f"{_FILE}{f', table {key!r}' if key else ''}")
    top.only(("models",))
    found: dict[str, PullableModel] = {}
    for row in top.rows("models"):
        row.only(_KEYS)
        model = _model(row)
        if model.name in found:
            raise ConfigError(f"{row.place('name')}: {model.name} stands there twice.")
        found[model.name] = model
    return found


def _model(row: Table) -> PullableModel:
    sampling = row.table("sampling")
    return PullableModel(
        name=row.text("name"),
        title=row.text("title"),
        source=row.text("source"),
        size=row.whole("size", low=1),
        sha256=row.text("sha256", ""),
        licence=row.text("licence"),
        licence_url=row.text("licence_url"),
        context_tokens=row.whole("context", low=1),
        memory_gb=row.whole("memory_gb"),
        good_for=row.texts("good_for"),
        temperature=row.number("temperature"),
        sampling=tuple((key, _whole_where_it_is(sampling.number(key))) for key in sampling.keys()),  # noqa: SIM118  # no mapping
        threads=row.whole("threads", low=1) if "threads" in row else None,
        checked=row.text("checked"),
    )


def _whole_where_it_is(value: float) -> float:
    """`top_k = 20` is a count: some servers refuse 20.0."""
    return int(value) if value.is_integer() else value
