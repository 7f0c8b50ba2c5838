"""Why something that was named cannot be sent."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why a file cannot be sent, and what to do."""

    why: str
    advice: str
