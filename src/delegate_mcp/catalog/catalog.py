"""The catalog as values: models, roles and aliases. The data is `catalog.toml`, its head says how to add a row."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from delegate_mcp.domain.model_id import ModelId

Capability = Literal["tools", "schema", "vision", "search", "reasoning"]


@dataclass(frozen=True, slots=True)
class Limit:
    """A free tier's limit as the catalog knows it; a service's own word overrides it."""

    metric: Literal["requests", "tokens"]
    period: Literal["minute", "day", "month"]
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What is known of one model at one provider."""

    model_id: ModelId
    context_tokens: int
    max_output_tokens: int
    quality: int
    """0-10 in general: 8-10 frontier, 4-7 good, 0-3 poor."""
    rubric: Mapping[str, int]
    """0-10 by task type, where it differs from `quality`."""
    capabilities: frozenset[Capability]
    limits: tuple[Limit, ...]
    free: bool
    source: str
    """Where the facts are from, with date."""

    def quality_for(self, task_type: str) -> int:
        """0-10 for one task type."""
        return self.rubric.get(task_type, self.quality)


@dataclass(frozen=True, slots=True)
class Alias:
    """A name of the past (or a short one) and the model that took its role."""

    name: str
    model_id: ModelId
    why: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """All that is known; what is usable now is the availability's to say."""

    models: Mapping[ModelId, Model]
    roles: Mapping[str, tuple[str, ...]]
    """Role -> model ids in order of preference; `local:*` stands for whatever local models are there."""
    aliases: Mapping[str, Alias]


@cache
def load_catalog() -> Catalog:
    """Read the packaged catalog.toml."""
    data = tomllib.loads(files("delegate_mcp.catalog").joinpath("catalog.toml").read_text(encoding="utf-8"))
    return parse_catalog(data)
