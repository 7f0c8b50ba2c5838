"""The Provider protocol: asks once, streams inside, knows no ledger.

A provider neither retries nor times a call out as a whole: the dispatcher's attempt does, by cancelling it. It reports
every token that arrives, and that report is also the sign of life from which the idle limit is counted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from delegate_mcp.domain.brief import Message
from delegate_mcp.domain.listed import ListedModel
from delegate_mcp.domain.outcome import Completion
from delegate_mcp.domain.plan import AskOptions

Report = Callable[[int], None]
"""Called with the output tokens so far (an estimate) whenever something arrives; cheap, never raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One question to one model."""

    model: str
    """As the provider names it, without the provider's prefix."""
    messages: tuple[Message, ...]
    options: AskOptions = field(default_factory=AskOptions)
    json_schema: Mapping[str, Any] | None = None
    """The answer must be JSON of this schema: natively where the service can, else by asking for it."""
    edit_in: Path | None = None
    """CLI backends only: the directory in which files may be edited."""
    connect_timeout_s: float = 5.0
    deadline_s: float = 300.0
    """Seconds this ask may take in all; for backends that can be told (the caller enforces it in any case)."""


class Provider(Protocol):
    """One configured service, CLI or local server."""

    @property
    def name(self) -> str:
        """The registry row's name."""
        ...

    async def complete(self, ask: Ask, report: Report) -> Completion:
        """Answer once. Raises ProviderError for whatever goes wrong; lets cancellation through."""
        ...

    async def list_models(self) -> tuple[ListedModel, ...]:
        """What the service offers right now. Raises ProviderError."""
        ...

    async def aclose(self) -> None:
        """Close connections; the provider is not used afterwards."""
        ...
