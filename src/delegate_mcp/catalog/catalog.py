"""The catalog as values: models, roles and aliases. The data is `catalog.toml`, its head says how to add a row."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from delegate_mcp.domain.limit import Limit
from delegate_mcp.domain.listed import Capability
from delegate_mcp.domain.model_id import ModelId

LOCAL_WILDCARD = "local:*"
"""In a role: whatever local models are there, the best for the task type first."""

DEMO_MODEL = ModelId("local", "smollm2-135m-instruct")
"""The embedded demonstration model."""


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
    rubric_source: str = ""
    """Where the numbers of the rubric are from; empty: `source` says it."""

    def quality_for(self, task_type: str) -> int:
        """0-10 for one task type."""
        return self.rubric.get(task_type, self.quality)


@dataclass(frozen=True, slots=True)
class Alias:
    """A name of the past (or a short one) and the model that took its role."""

    name: str
    model_id: ModelId
    why: str
    quality: ModelId | None = None
    """The successor where the task asks for more than bulk work; None: the same."""


@dataclass(frozen=True, slots=True)
class Family:
    """Local models of one name pattern."""

    match: str
    """A regular expression, searched in the lower-case name."""
    plus: int = 0
    """Added to the quality that the size gives."""
    coder: bool = False
    """Trained on code: one point better there, one worse in prose."""
    tools: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalNames:
    """What the names of local models tell; `local_names.local_model` reads them."""

    not_local: str = "[:-]cloud$"
    """Names that a local server only passes on to a cloud; those are never local."""
    not_chat: str = "embed"
    sees: str = "vision"
    """Names of models that take images."""
    context_tokens: int = 32_768
    max_output_tokens: int = 8_192
    quality: int = 4
    """Where the name tells no size."""
    sizes: tuple[tuple[float, int], ...] = ()
    """(billions of parameters, quality), rising: the last that is not above the model's counts."""
    families: tuple[Family, ...] = ()
    """The first that matches counts."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """All that is known; what is usable now is the availability's to say."""

    models: Mapping[ModelId, Model]
    roles: Mapping[str, tuple[str, ...]]
    """Role -> model ids in order of preference; `local:*` stands for whatever local models are there."""
    aliases: Mapping[str, Alias]
    local: LocalNames = field(default_factory=LocalNames)
    measured: Mapping[ModelId, Mapping[str, int]] = field(default_factory=dict[ModelId, Mapping[str, int]])
    """Rubrics of this person's own measuring, also of models that stand in no table (`rubric.py`)."""


@cache
def load_catalog() -> Catalog:
    """Read the packaged catalog.toml."""
    data = tomllib.loads(files("delegate_mcp.catalog").joinpath("catalog.toml").read_text(encoding="utf-8"))
    return parse_catalog(data)


def parse_catalog(data: Mapping[str, object], where: str = "catalog.toml") -> Catalog:
    """Check every row and turn it into values. ConfigError names the row, the key and the nearest right one."""
    from delegate_mcp.catalog.parsing import parse

    return parse(data, where)
