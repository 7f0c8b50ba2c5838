"""A call's net savings: what the director was spared, less what it spent."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from delegate_mcp.catalog.prices import Prices
from delegate_mcp.domain.brief import Brief, FileSent
from delegate_mcp.domain.outcome import Completion
from delegate_mcp.domain.usage import Usage, estimate_tokens
from delegate_mcp.reporting.project import project_label
from delegate_mcp.reporting.savings import Balance, saved_usd, spared_by

counts = st.integers(0, 10**7)


def dear(model_ref: str, usage: Usage, provider: str | None) -> Decimal:
    """1 USD a token read, 5 a token written."""
    del provider
    if model_ref != "dear":
        raise LookupError(model_ref)
    return Decimal(usage.input_tokens + 5 * usage.output_tokens)


PRICES = Prices(dear)


def spared(text: str, output_tokens: int, *files: FileSent) -> Usage:
    brief = Brief(messages=(), prompt="p" * 4000, input_tokens=5000, files=files)
    return spared_by(brief, Completion(text=text, finish_reason="stop", usage=Usage(5000, output_tokens)))


def test_spared_are_the_files_and_the_answer_not_the_prompt_that_the_director_wrote() -> None:
    found = spared("word " * 100, 90, FileSent("a.py", 700, 2000), FileSent("b.py", 300, 900))
    assert (found.input_tokens, found.output_tokens) == (1000, 90)


def test_what_a_model_thought_is_not_spared() -> None:
    assert spared("Yes.", 900).output_tokens == estimate_tokens("Yes.")


def test_an_answer_that_no_service_counted_is_estimated() -> None:
    assert spared("Yes, it is.", 0).output_tokens == estimate_tokens("Yes, it is.")


def test_a_call_saves_what_it_spares_less_what_it_makes_the_director_write_and_read_and_less_its_cost() -> None:
    balance = Balance(spared=Usage(1000, 100), written=20, read=50, listing=200)
    assert balance.net == 1100 - 270
    assert saved_usd(PRICES, "dear", balance, Decimal(7)) == (1000 + 500) - (250 + 100) - 7


def test_where_the_directors_price_is_not_known_only_the_cost_counts() -> None:
    assert saved_usd(PRICES, "unknown", Balance(spared=Usage(1000, 100)), Decimal(7)) == -7


@given(counts, counts, counts)
def test_a_call_that_spared_nothing_is_pure_cost(written: int, read: int, listing: int) -> None:
    balance = Balance(written=written, read=read, listing=listing)
    assert balance.net == -(written + read + listing)
    assert saved_usd(PRICES, "dear", balance, Decimal(0)) == -(5 * written + read + listing)


def test_a_project_is_named_by_its_directory_and_told_from_another_of_that_name() -> None:
    one, other = project_label("/srv/api"), project_label("/home/api")
    assert one.startswith("api-")
    assert other.startswith("api-")
    assert one != other
    assert project_label("/srv/api", named=False) == one.removeprefix("api-")
    assert project_label("/") == project_label("/", named=False)
