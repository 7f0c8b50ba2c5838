"""What will be sent: the outcome of intake."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

TEMPLATE_TOKENS = 80
"""Chat templates add to every prompt; the longest known, gpt-oss's, some 70 tokens."""


MAX_EDGE = 2_048
"""Pixels; services scale down what is longer."""
_PATCH = 28
"""Pixels by pixels that make a token where that is told (Qwen, Mistral); OpenAI and Claude count less of them."""
_LEAST_TOKENS = 1_120
"""Of an image at Gemini, whatever its size."""
_PIXELS_A_TOKEN, _MOST_OWN_TOKENS = 750, 1_568
"""At Claude, which scales down what takes more."""


@dataclass(frozen=True, slots=True)
class Image:
    """A picture that goes with a message."""

    media_type: str
    data: bytes = field(repr=False)
    width: int
    height: int

    @property
    def tokens(self) -> int:
        """What a service counts of it at most, by the service that counts most; rather too many than too few."""
        sides = [-(-min(side, MAX_EDGE) // _PATCH) for side in (self.width, self.height)]
        return max(_LEAST_TOKENS, sides[0] * sides[1])

    @property
    def director_tokens(self) -> int:
        """What the director would have read of it; rather too few, since it counts as saved."""
        return min(self.width * self.height // _PIXELS_A_TOKEN, _MOST_OWN_TOKENS)

    @property
    def data_url(self) -> str:
        """The whole of it as a URL, as chat completions take it."""
        return f"data:{self.media_type};base64,{b64encode(self.data).decode()}"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of what a model is sent."""

    role: Literal["system", "user", "assistant"]
    text: str
    images: tuple[Image, ...] = ()
    """What goes with it, in the order in which the text names them."""


@dataclass(frozen=True, slots=True)
class FileSent:
    """One file (or fetched page) of the manifest."""

    path: str
    tokens: int
    chars: int
    image: str = ""
    """Of an image its kind and size: `image/png 800x600`."""


@dataclass(frozen=True, slots=True)
class Original:
    """A file as it was read, where the answer is to be a patch of it."""

    shown: str
    """Its path as models are told it."""
    real: Path
    data: bytes
    mode: int
    """Its permissions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OldTurns:
    """The turns of a thread that are to be condensed before the brief is sent: its messages behind the system's."""

    messages: int
    """So many of them."""
    calls: int
    """So many calls, those included that were condensed before."""
    newest: str
    """The id of the newest of these calls."""
    saved_at: float
    """When that one was kept."""
    private: bool
    """One of them was private."""
    condensed: bool = False
    """The first two messages are what stands for still older ones."""


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
    originals: tuple[Original, ...] = ()
    """Files that the answer may change."""
    old_turns: OldTurns | None = None
    """Of a thread that has grown long."""
    notes: tuple[str, ...] = ()
    """What the director must be told about the intake (files left out, …)."""

    @property
    def images(self) -> tuple[Image, ...]:
        """All that models must see."""
        return tuple(image for message in self.messages for image in message.images)

    @property
    def counted_tokens(self) -> int:
        """What a service counts of it at most: the messages and what the model's chat template adds."""
        return self.input_tokens + TEMPLATE_TOKENS
