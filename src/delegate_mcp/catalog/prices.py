"""What tokens cost, from the price list that the package `genai-prices` carries. Nothing is fetched."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import anyio.to_thread

from delegate_mcp.domain.usage import Usage

PriceOf = Callable[[str, Usage, str | None], Decimal]
"""Model, usage and provider -> USD. Raises LookupError for a model that is not on the list."""


ContextOf = Callable[[str, str], int | None]
"""Model and provider -> its context in tokens, where the list has it."""


@dataclass(frozen=True, slots=True)
class Prices:
    """A price list, loaded."""

    price_of: PriceOf
    context_of: ContextOf = lambda _model, _provider: None

    def cost(self, model_ref: str, usage: Usage, provider: str | None = None) -> Decimal | None:
        """What this usage costs in USD at the list price of that provider; None for what is not on the list.

        It does not know what is free to you: the caller counts free tiers, subscriptions and local models as 0.
        """
        try:
            return self.price_of(model_ref, usage, provider)
        except LookupError:
            return None

    def saved_usd(self, director_model: str, input_tokens: int, output_tokens: int) -> Decimal | None:
        """What the director's model would have cost for the same tokens; None where its price is not known."""
        name = director_model.partition("[")[0]  # Claude Code writes the context size behind it: claude-opus-5-5[1m]
        return self.cost(name, Usage(input_tokens, output_tokens))


async def load_prices() -> Prices:
    """Load the list in a worker thread: it takes half a second, so it is done at first use."""
    return await anyio.to_thread.run_sync(_load)


def _load() -> Prices:
    import genai_prices

    def price_of(model_ref: str, usage: Usage, provider: str | None) -> Decimal:
        counted = genai_prices.Usage(
            input_tokens=usage.input_tokens,
            cache_read_tokens=min(usage.cache_read_tokens, usage.input_tokens),
            cache_write_tokens=usage.cache_write_tokens,
            output_tokens=usage.output_tokens,
        )
        return genai_prices.calc_price(counted, model_ref, provider_id=provider).total_price

    def context_of(model_ref: str, provider: str) -> int | None:
        from genai_prices.data_snapshot import get_snapshot

        try:
            return get_snapshot().find_provider_model(model_ref, None, provider, None)[1].context_window
        except LookupError:
            return None

    prices = Prices(price_of, context_of)
    prices.cost("", Usage())  # the list itself is read at the first question
    return prices
