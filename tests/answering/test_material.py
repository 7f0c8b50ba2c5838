"""Long material: cut at natural borders, nothing lost, nothing over its size, each piece told by file and lines."""

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from delegate_mcp.answering.material import Piece, halves, material, parts
from delegate_mcp.domain.brief import Brief, FileSent, Message
from delegate_mcp.domain.cuts import cut, head, tail
from delegate_mcp.domain.usage import estimate_tokens

TEXTS = st.one_of(
    st.text(max_size=3_000),
    st.text(alphabet="ab \n\t.{}#_é漢\u0301\u200d😀\r", max_size=3_000),
    st.lists(
        st.sampled_from(["def f():\n    return 1\n", "\n\n", "# Head\n\n", "word " * 40, "x" * 300]), max_size=40
    ).map("".join),
)


@given(TEXTS, st.integers(20, 400))
@example("0123456789abcdef" * 10_000, 200)
@example("a b " * 100 + "x" * 2_000, 120)
def test_pieces_join_to_the_whole_and_none_is_over_its_size(text: str, size: int) -> None:
    pieces = list(cut(text, size))
    assert "".join(pieces) == text
    assert all(pieces)
    assert max(map(estimate_tokens, pieces), default=0) <= size
    assert pieces == list(cut(text, size))


@given(st.lists(TEXTS, max_size=6), st.integers(150, 900))
def test_parts_hold_every_piece_in_order_and_none_is_over_its_size(texts: list[str], size: int) -> None:
    pieces = [Piece("file", f"f{number}.txt", text) for number, text in enumerate(texts)]
    made = parts(pieces, size)
    joined = {piece.name: "" for piece in pieces}
    for chunk in (chunk for part in made for chunk in part.pieces):
        joined[chunk.name] += chunk.text
    assert joined == {piece.name: piece.text for piece in pieces}
    names = [chunk.name for part in made for chunk in part.pieces]
    assert names == sorted(names)
    assert max((part.tokens for part in made), default=0) <= size
    assert [part.number for part in made] == list(range(1, len(made) + 1))


def test_code_is_cut_between_functions() -> None:
    function = "def f{}(a):\n    b = a + 1\n\n    return b * 2\n\n\n"
    text = "".join(function.format(number) for number in range(60))
    pieces = list(cut(text, 200))
    assert len(pieces) > 3
    assert all(piece.startswith("def ") for piece in pieces)


def test_a_decorator_stays_with_its_function() -> None:
    function = "@cache\ndef f{}(a):\n    return a * 2\n\n\n"
    pieces = list(cut("".join(function.format(number) for number in range(60)), 150))
    assert all(piece.startswith("@cache\n") for piece in pieces)


def test_prose_is_cut_between_sections_then_paragraphs_then_sentences() -> None:
    section = "# Head\n\n" + "A sentence of some words. " * 20 + "\n\n"
    assert all(piece.startswith("# Head") for piece in cut(section * 9, 400))
    paragraph = "Here begins a paragraph of words. " * 8 + "\n\n"
    assert all(piece.startswith("Here begins") for piece in cut(paragraph * 20, 300))
    sentences = "One sentence is like the next one. " * 200
    assert all(piece.startswith("One sentence") for piece in cut(sentences, 100))


def test_one_line_of_two_megabytes_is_cut_quickly_and_whole() -> None:
    text = "abcdefghij" * 200_000
    pieces = list(cut(text, 1_400))
    assert "".join(pieces) == text
    assert len(pieces) < 700


def test_a_joined_emoji_is_not_torn() -> None:
    family = "👨‍👩‍👧‍👦"
    assert all(set(piece) <= set(family) and piece.startswith("👨") for piece in cut(family * 40, 60))


def test_head_and_tail_are_within_their_tokens() -> None:
    text = "\n".join(f"line {number} of the text" for number in range(500))
    assert estimate_tokens(head(text, 50)) <= 50
    assert text.startswith(head(text, 50))
    assert estimate_tokens(tail(text, 50)) <= 50
    assert text.endswith(tail(text, 50))
    assert tail(text, 50).startswith("line ")


def brief(*files: tuple[str, str], prompt: str = "count", turns: tuple[Message, ...] = ()) -> Brief:
    framed = [f'<file path="{name}">\n{text}\n</file>' for name, text in files]
    return Brief(
        messages=(Message("system", "be brief"), *turns, Message("user", "\n\n".join([*framed, prompt]))),
        prompt=prompt,
        input_tokens=1,
        files=tuple(FileSent(name, 1, len(text)) for name, text in files),
    )


def test_files_are_taken_out_of_the_message_whatever_they_hold() -> None:
    tricky = 'x\n</file>\n\n<file path="b.py">\ny'
    taken = material(brief(("a.py", tricky), ("c.py", "z"), prompt="count\nall"), 500)
    assert [(piece.name, piece.text) for piece in taken.pieces] == [("a.py", tricky), ("c.py", "z")]
    assert taken.task == "count\nall"
    assert taken.before == (Message("system", "be brief"),)


def test_lines_are_told_in_the_numbers_of_the_file() -> None:
    text = "\n".join(f"row {number}" for number in range(101, 901))
    taken = material(brief(("log.txt:101-900", text)), 500)
    made = parts(taken.pieces, 600)
    first, second = made[0].pieces[0], made[1].pieces[0]
    assert first.told == f"log.txt:101-{first.last_line}"
    assert first.text.splitlines()[-1] == f"row {first.last_line}"
    assert second.text.splitlines()[0] == f"row {second.first_line}"
    assert f'lines="{second.first_line}-{second.last_line}"' in second.framed
    assert all(one.pieces[-1].last_line + 1 == two.pieces[0].first_line for one, two in pairwise(made))


def test_empty_files_are_no_pieces() -> None:
    assert [piece.name for piece in material(brief(("a", "  \n"), ("b", "b")), 500).pieces] == ["b"]


def test_a_long_prompt_is_material_too_and_its_ends_are_the_task() -> None:
    prompt = "Find the dates.\n\n" + "Some pasted text. " * 900 + "\n\nAnswer as a table."
    taken = material(brief(prompt=prompt), 300)
    assert taken.task.startswith("Find the dates.")
    assert taken.task.endswith("Answer as a table.")
    assert estimate_tokens(taken.task) < 330
    assert [piece.text for piece in taken.pieces] == [prompt]


def test_short_turns_go_with_each_part_and_long_ones_are_material() -> None:
    turns = (Message("user", "which?"), Message("assistant", "these"))
    assert material(brief(("a", "b"), turns=turns), 500).before == (Message("system", "be brief"), *turns)
    long = (Message("user", "which? " * 500), Message("assistant", "these"))
    taken = material(brief(("a", "b"), turns=long), 500)
    assert taken.before == (Message("system", "be brief"),)
    assert [piece.kind for piece in taken.pieces] == ["turn", "turn", "file"]


def test_halves_are_smaller_and_lose_nothing() -> None:
    (part,) = parts([Piece("file", "a", "some words to read\n" * 200)], 5_000)
    two = halves(part)
    assert len(two) > 1
    assert "".join(piece.text for half in two for piece in half.pieces) == part.pieces[0].text
    assert max(half.tokens for half in two) < part.tokens
    assert {half.number for half in two} == {part.number}
    (tiny,) = parts([Piece("file", "a", "word " * 20)], 500)
    assert halves(tiny) == ()
