"""The net savings of one call: what the director was spared, less what it spent on us. Pure.

All counts of texts are estimates; so is every saving. They err to our disadvantage: the prompt is not counted as
spared, since the director knew what it wrote, nor are a model's thoughts, only the files and pages that it was sent
and the answer that it wrote.
"""

from dataclasses import dataclass
from decimal import Decimal

from delegate_mcp.catalog.prices import Prices
from delegate_mcp.domain.brief import Brief
from delegate_mcp.domain.outcome import Completion
from delegate_mcp.domain.usage import ZERO, Usage, estimate_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Tokens on both sides of a call, or of many."""

    spared: Usage = Usage()
    """What the director would have read (input) and written (output) itself."""
    written: int = 0
    """What it wrote to call us."""
    read: int = 0
    """What it read of us: replies, and errors."""
    listing: int = 0
    """What it read of schemas and instructions, once a connection."""

    @property
    def spent(self) -> int:
        """Tokens that went to us."""
        return self.written + self.read + self.listing

    @property
    def net(self) -> int:
        """Tokens saved; below 0 where delegating cost more than it spared."""
        return self.spared.total - self.spent


EVEN = Balance()
"""Nothing on either side."""


def spared_by(brief: Brief, completion: Completion) -> Usage:
    """What the director would have read and written for that answer itself."""
    read = sum(file.tokens for file in brief.files)
    visible, counted = estimate_tokens(completion.text), completion.usage.output_tokens
    return Usage(read, min(visible, counted) if counted else visible, estimated=True)


def saved_usd(prices: Prices, director_model: str, balance: Balance, cost_usd: Decimal) -> Decimal:
    """Net savings at the price of the director's model; where that is not known, only the cost counts."""
    spared = prices.saved_usd(director_model, balance.spared.input_tokens, balance.spared.output_tokens)
    spent = prices.saved_usd(director_model, balance.read + balance.listing, balance.written)
    return (spared or ZERO) - (spent or ZERO) - cost_usd
