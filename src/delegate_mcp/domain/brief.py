"""What will be sent: the outcome of intake."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

TEMPLATE_TOKENS = 80
"""Chat templates add to every prompt; the longest known, gpt-oss's, some 70 tokens."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of what a model is sent."""

    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class FileSent:
    """One file (or fetched page) of the manifest."""

    path: str
    tokens: int
    chars: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """Everything a candidate may be sent, with its size; nothing of the file system is left to read."""

    messages: tuple[Message, ...]
    prompt: str
    """The director's own words, without files and earlier turns."""
    input_tokens: int
    """Estimated tokens of all messages."""
    files: tuple[FileSent, ...] = ()
    pages: tuple[str, ...] = ()
    """URLs whose text is part of the messages."""
    private: bool = False
    """May not leave this machine."""
    kept_here: str = ""
    """Why it may not, where the privacy gate decided so."""
    json_schema: Mapping[str, Any] | None = None
    edit_in: Path | None = None
    notes: tuple[str, ...] = ()
    """What the director must be told about the intake (files left out, …)."""

    @property
    def counted_tokens(self) -> int:
        """What a service counts of it at most: the messages and what the model's chat template adds."""
        return self.input_tokens + TEMPLATE_TOKENS
