"""Tokens, money and rate limits of one provider call."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the service reports them; `input_tokens` includes `cache_read_tokens`."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    estimated: bool = False
    """True where the service reported nothing and the numbers are ours."""
    cache_write_tokens: int = 0
    """What of the input was put into a cache, where that has its own price; part of `input_tokens` too."""

    @property
    def total(self) -> int:
        """Input and output tokens together."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class RateLimit:
    """One limit as a service told it, in a header or a refusal."""

    metric: Literal["requests", "tokens"]
    period: Literal["minute", "day", "month"]
    limit: int
    remaining: int | None = None
    reset_s: float | None = None
    """Seconds until the window is full again."""
    source: str = "header"
    scope: Literal["model", "account"] = "model"
    """account: all models of the provider share it."""


def estimate_tokens(text: str) -> int:
    """Tokens of a text without a tokenizer: a quarter of its UTF-8 bytes for prose, a third for dense text.

    Dense is what holds few spaces (code, JSON, CJK). Errs upwards, since it is used to reserve room.
    """
    if not text:
        return 0
    size = len(text.encode("utf-8", "surrogatepass"))
    spaces = text.count(" ") + text.count("\n")
    return size // (4 if spaces * 8 > len(text) else 3) + 1
