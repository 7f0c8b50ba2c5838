"""Which providers can be asked at this moment, and why the others can not."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from delegate_mcp.domain.listed import ListedModel


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderState:
    """One provider as discovery found it."""

    name: str
    usable: bool
    why: str
    """`key set`, `no key`, `not running`, `not installed`, `turned off in the settings`, …"""
    mend: str = ""
    """What a person does to make it usable: one command or one place to go."""
    models: tuple[str, ...] | None = None
    """What it serves, where that is known without a key or a token (local servers); None: believe the catalog."""
    listed: tuple[ListedModel, ...] = ()
    """The same with what its list tells of them."""


@dataclass(frozen=True, slots=True)
class Availability:
    """All providers of the registry, by name."""

    states: Mapping[str, ProviderState] = field(default_factory=dict[str, ProviderState])

    def usable(self, provider: str) -> bool:
        """Whether that provider can be asked."""
        state = self.states.get(provider)
        return state is not None and state.usable
