"""`provider:model`, the one way to name a model."""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True, order=True)
class ModelId:
    """A model at a provider, written `provider:model`."""

    provider: str
    model: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `provider:model`; the model part may itself hold colons. ValueError if there is no provider."""
        provider, colon, model = text.partition(":")
        if not (provider and colon and model):
            raise ValueError(f"{text!r} is not of the form provider:model")
        return cls(provider, model)

    @property
    def bare(self) -> str:
        """The model itself, whoever serves it: `gpt-oss-120b`."""
        return self.model.rpartition("/")[2].removesuffix(":free")

    def __str__(self) -> str:
        return f"{self.provider}:{self.model}"
