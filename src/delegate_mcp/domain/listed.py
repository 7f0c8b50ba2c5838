"""A model as its service lists it: facts only, each of them unknown where the list does not tell."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Capability = Literal["tools", "schema", "vision", "search", "reasoning"]
"""What a model can do beside writing text: call tools, answer in a schema, see, ground answers in a search, reason."""


@dataclass(frozen=True, slots=True)
class ListPrice:
    """USD for a million tokens."""

    input: Decimal
    output: Decimal

    @property
    def nothing(self) -> bool:
        """Whether it costs nothing at all."""
        return not self.input and not self.output


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedModel:
    """One model of a list."""

    model: str
    aliases: tuple[str, ...] = ()
    """Other names of the same model."""
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    inputs: tuple[str, ...] = ()
    """What it takes: `text`, `image`, `audio`, …; empty: not told."""
    capabilities: frozenset[Capability] = frozenset()
    tells: frozenset[Capability] = frozenset()
    """Of which capabilities the list speaks at all; of the others nothing is known."""
    price: ListPrice | None = None
    free: bool = False
    """Asking it costs nothing on a free key: by the price that its list tells, else as its service is known to do."""
