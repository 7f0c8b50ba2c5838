"""What each kind of failure leads to. To change a reaction, change its row."""

from dataclasses import dataclass
from typing import Literal

from delegate_mcp.domain.errors import ErrorKind, ProviderError


@dataclass(frozen=True, slots=True)
class Reaction:
    """What follows a failed attempt."""

    then: Literal["next", "stop"]
    cooldown_s: float = 0.0
    """How long the model is passed over by later calls, where the service does not say."""


REACTIONS: dict[ErrorKind, Reaction] = {
    ErrorKind.RATE_LIMITED: Reaction("next", cooldown_s=60.0),
    ErrorKind.TOO_LARGE: Reaction("next"),
    ErrorKind.OVERLOADED: Reaction("next", cooldown_s=10.0),
    ErrorKind.TIMEOUT: Reaction("next"),
    ErrorKind.NETWORK: Reaction("next"),
    ErrorKind.AUTH: Reaction("next"),
    ErrorKind.MODEL_GONE: Reaction("next", cooldown_s=3600.0),
    ErrorKind.REFUSED: Reaction("next"),
    ErrorKind.BAD_ANSWER: Reaction("next"),
    # Ours: another service would refuse it just the same.
    ErrorKind.BAD_REQUEST: Reaction("stop"),
}


def cooldown_s(error: ProviderError) -> float:
    """Seconds for which the model is left alone: what the service says, at least, else the row's."""
    reaction = REACTIONS[error.kind]
    return max(error.retry_after_s or 0.0, 0.0) or reaction.cooldown_s if reaction.cooldown_s else 0.0
