"""What a search finds: a kind and a place, never the value."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One credential or one piece of personal data."""

    kind: str
    line: int
    """Counted from 1, where it begins."""
    start: int
    end: int
    """Its place in the text that was searched."""
