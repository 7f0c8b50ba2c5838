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
