"""Pages of a long answer: within the budget, at natural borders, nothing lost."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from delegate_mcp.delivery.size_budget import Page, page
from delegate_mcp.domain.usage import estimate_tokens


def pages(answer: str, max_tokens: int) -> list[Page]:
    found = [page(answer, 0, max_tokens)]
    while (offset := found[-1].next_offset) is not None:
        found.append(page(answer, offset, max_tokens))
    return found


PIECES = st.sampled_from(
    ["word ", "a long line of words here. ", "\n", "\n\n", "```python\n", "```\n", "~~~\n", "````\n", "x = 1\n", "\r\n",
     "語語語", "👩\u200d💻", "e\u0301", "\ud83d\ude00", "# Head\n", "- item\n", '{"a":1}']
)  # fmt: skip
ANSWERS = st.one_of(st.text(max_size=400), st.lists(PIECES, max_size=120).map("".join))


@given(ANSWERS, st.integers(1, 60))
@example("```\n" + "x\n" * 200 + "```\nend", 30)
@example("```python", 1)
def test_the_parts_of_all_pages_join_to_the_whole_answer(answer: str, max_tokens: int) -> None:
    found = pages(answer, max_tokens)
    assert "".join(answer[part.offset : part.next_offset] for part in found) == answer
    assert all(part.total_chars == len(answer) for part in found)


@given(ANSWERS, st.integers(40, 80))
def test_no_page_is_larger_than_the_budget(answer: str, max_tokens: int) -> None:
    assert all(estimate_tokens(part.text) <= max_tokens for part in pages(answer, max_tokens))


@given(st.lists(PIECES, max_size=120).map("".join), st.integers(20, 60))
def test_no_character_is_torn_apart(answer: str, max_tokens: int) -> None:
    for part in pages(answer, max_tokens)[:-1]:
        border = answer[(part.next_offset or 0) - 1 : (part.next_offset or 0) + 1]
        assert border not in {"\ud83d\ude00", "\r\n", "e\u0301"}
        assert "\u200d" not in border


def test_a_short_answer_is_one_page() -> None:
    assert page("short", 0, 100) == Page("short", 0, None, 5)
    assert page("", 0, 100) == Page("", 0, None, 0)


def test_an_offset_beyond_the_end_is_an_empty_last_page() -> None:
    assert page("short", 99, 100) == Page("", 5, None, 5)
    assert page("short", -3, 100).offset == 0


def test_the_rest_is_counted_in_characters() -> None:
    first = page("word " * 100, 0, 50)
    assert first.next_offset is not None
    assert first.rest_chars == 500 - first.next_offset


@pytest.mark.parametrize(
    ("unit", "border"),
    [("para graph text.\n\nmore.\n", "\n\n"), ("line of words\n", "\n"), ("A sentence here. ", ". "), ("word ", " ")],
)
def test_a_page_ends_at_the_best_border_that_leaves_it_well_filled(unit: str, border: str) -> None:
    answer = unit * 200
    first = page(answer, 0, 200)
    assert first.text.endswith(border)
    assert estimate_tokens(first.text) > 100


def test_a_page_ends_rather_before_a_code_block_than_within_it() -> None:
    prose, code = "word " * 60, "```python\n" + "x = 1\n" * 60 + "```\n"
    first = page(prose + "\n\n" + code, 0, 120)
    assert first.text == prose + "\n\n"


def test_a_code_block_that_is_cut_is_closed_and_opened_again() -> None:
    answer = "```python\n" + "".join(f"line_{number} = {number}\n" for number in range(200)) + "```\nThe end."
    found = pages(answer, 300)
    assert len(found) > 2
    for part in found[:-1]:
        assert part.text.startswith("```python\n")
        assert part.text.endswith("\n```")
    assert found[-1].text.endswith("\n```\nThe end.")
    lines = [line for part in found for line in part.text.splitlines() if line.startswith("line_")]
    assert lines == [f"line_{number} = {number}" for number in range(200)]


def test_a_page_that_ends_with_a_code_block_keeps_its_closing_mark() -> None:
    code = "```\n" + "y\n" * 100 + "```"
    for max_tokens in range(60, 110):
        found = pages(code + "\n" + "word " * 50, max_tokens)
        for part in found:
            assert part.text.count("```") % 2 == 0
