"""Simple, moderate, complex: from signs that can be named."""

import pytest

from delegate_mcp.routing.complexity import judge_complexity
from tests.routing.scene import COMPLEX


@pytest.mark.parametrize(
    ("prompt", "complexity"),
    [
        ("What is the capital of France?", "simple"),
        ("Write a quick function that reverses a list", "simple"),
        ("Refactor the auth module to use async sessions, with unit tests", "moderate"),
        ("Migrate our user table to Postgres and make sure all the constraints hold", "moderate"),
        (COMPLEX, "complex"),
        ("Design a distributed, fault-tolerant job queue with idempotent transactions", "complex"),
    ],
)
def test_a_prompt_is_as_hard_as_what_it_asks_for(prompt: str, complexity: str) -> None:
    assert judge_complexity(prompt).complexity == complexity


def test_many_files_and_much_to_read_make_work_harder() -> None:
    files = tuple(f"src/{number}.py" for number in range(5))
    alone, more = judge_complexity("Change this"), judge_complexity("Change this", files, 30_000)
    assert (alone.complexity, more.complexity) == ("simple", "complex")
    assert more.signals == ("several files", "much to read")


def test_what_asks_for_little_is_simpler() -> None:
    assert judge_complexity("Just refactor this").points < judge_complexity("Refactor this").points


def test_a_sum_is_the_harder_the_more_quantities_it_joins() -> None:
    few = judge_complexity("Ana has 12 apples and eats half of them. How many are left?")
    many = judge_complexity(
        "A baker sells 40 loaves a day at $3 each and 25 cakes at $12. On 2 of the 7 days he sells 10 % less, and then "
        "a third of the rest goes to the market at half the price. How much does he take in 4 weeks?"
    )
    assert (few.complexity, many.complexity) == ("simple", "complex")
    assert many.signals == ("many quantities",)


def test_code_that_branches_more_is_harder() -> None:
    line = "def one(x):\n    x += 1\n    print(x)\n"
    knot = "    for row in rows:\n        if row:\n            return row\n        elif not x:\n            continue\n"
    assert "much code" not in judge_complexity(f"Fix this\n{line}").signals
    assert "much code" in judge_complexity(f"Fix this\n{line}{knot * 3}").signals


def test_numbers_in_what_is_only_to_be_read_make_nothing_harder() -> None:
    report = "Sales rose 12 % to 340 units, then fell 5 % to 323, and 80 more came back. " * 30
    assert "many quantities" not in judge_complexity(f"Sum this up\n{report}").signals
