"""What tokens cost."""

from decimal import Decimal

import pytest

from delegate_mcp.catalog.prices import Prices, load_prices
from delegate_mcp.domain.usage import Usage


@pytest.fixture
async def prices() -> Prices:
    return await load_prices()


async def test_input_and_output_have_a_price_at_their_provider(prices: Prices) -> None:
    million_in = prices.cost("openai/gpt-oss-20b", Usage(1_000_000, 0), "groq")
    million_out = prices.cost("openai/gpt-oss-20b", Usage(0, 1_000_000), "groq")
    both = prices.cost("openai/gpt-oss-20b", Usage(1_000_000, 1_000_000), "groq")
    assert million_in is not None
    assert million_out is not None
    assert Decimal(0) < million_in < million_out
    assert both == million_in + million_out


async def test_cached_input_is_part_of_the_input_and_costs_less(prices: Prices) -> None:
    fresh = prices.cost("claude-opus-5-5", Usage(1000, 0), "anthropic")
    cached = prices.cost("claude-opus-5-5", Usage(1000, 0, 900), "anthropic")
    assert fresh is not None
    assert cached is not None
    assert Decimal(0) < cached < fresh


async def test_more_cached_than_read_is_read_as_all_cached(prices: Prices) -> None:
    all_cached = prices.cost("claude-opus-5-5", Usage(1000, 0, 1000), "anthropic")
    assert all_cached is not None
    assert prices.cost("claude-opus-5-5", Usage(1000, 0, 5000), "anthropic") == all_cached


@pytest.mark.parametrize(
    ("model", "provider"), [("no-such-model", None), ("no-such-model", "groq"), ("gpt-5", "ollama"), ("", None)]
)
async def test_what_is_not_on_the_list_has_no_price(prices: Prices, model: str, provider: str | None) -> None:
    assert prices.cost(model, Usage(10, 10), provider) is None


async def test_our_name_for_gemini_is_known_to_the_list(prices: Prices) -> None:
    assert prices.cost("gemini-3.8-flash", Usage(1000, 100), "gemini") is not None


async def test_savings_are_counted_at_the_price_of_the_directors_model(prices: Prices) -> None:
    saved = prices.saved_usd("claude-opus-5-5", 1_000_000, 100_000)
    assert saved is not None
    assert saved == prices.cost("claude-opus-5-5", Usage(1_000_000, 100_000), "anthropic")
    assert prices.saved_usd("no-such-model", 1, 1) is None


async def test_a_director_that_writes_its_context_size_behind_its_name_is_the_same_model(prices: Prices) -> None:
    assert prices.saved_usd("claude-opus-5-5[1m]", 1000, 10) == prices.saved_usd("claude-opus-5-5", 1000, 10)
