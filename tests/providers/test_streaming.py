from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegate_mcp.domain.errors import ErrorKind, ProviderError
from delegate_mcp.providers.streaming import LONGEST, events


async def read(*chunks: bytes) -> list[str]:
    async def arriving() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return [event async for event in events(arriving())]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
async def test_events_end_with_a_blank_line_of_any_kind(end: bytes) -> None:
    assert await read(b"data: one" + end + end + b"data: two" + end + end) == ["one", "two"]


async def test_comments_and_other_fields_are_skipped() -> None:
    assert await read(b": OPENROUTER PROCESSING\n\nevent: x\nid: 3\nretry: 9\ndata: one\n\n\n\n") == ["one"]


async def test_a_space_after_the_colon_is_not_needed_and_only_one_is_taken() -> None:
    assert await read(b"data:one\n\ndata:  two\n\n") == ["one", " two"]


async def test_data_lines_of_one_event_are_joined() -> None:
    assert await read(b"data: {\ndata: }\n\n") == ["{\n}"]


async def test_a_last_event_without_its_blank_line_counts() -> None:
    assert await read(b"data: one\n\ndata: [DONE]") == ["one", "[DONE]"]


async def test_an_error_line_of_an_old_llama_server_is_an_error_event() -> None:
    assert await read(b'error: {"code":500}\n\n') == ['{"error": {"code":500}}']


async def test_a_line_separator_within_the_text_ends_no_line() -> None:
    text = "a\u2028b\u0085c\x0bd"
    assert await read(f"data: {text}\n\n".encode()) == [text]


@given(st.lists(st.integers(0, 60), max_size=8))
async def test_it_does_not_matter_where_the_bytes_are_cut(cuts: list[int]) -> None:
    whole = "data: grüße 🌍\r\n\r\n: keep-alive\r\n\r\ndata: zwei\r\n\r\ndata: [DONE]\r\n\r\n".encode()
    places = [0, *sorted(cuts), len(whole)]
    pieces = [whole[a:b] for a, b in pairwise(places)]
    assert await read(*pieces) == ["grüße 🌍", "zwei", "[DONE]"]


async def test_a_long_line_in_small_pieces_is_read_once() -> None:
    text = "x" * (LONGEST - 100)
    whole = f"data: {text}\n\n".encode()
    pieces = [whole[at : at + 256] for at in range(0, len(whole), 256)]  # searched anew each time, this takes minutes
    assert await read(*pieces) == [text]


@pytest.mark.parametrize("piece", [b"x" * 65_536, b"data: " + b"x" * 65_536 + b"\n"], ids=["line", "event"])
async def test_what_never_ends_is_a_bad_answer_and_no_more_of_it_is_read(piece: bytes) -> None:
    taken = 0

    async def arriving() -> AsyncIterator[bytes]:
        nonlocal taken
        while taken < 4 * LONGEST:
            taken += len(piece)
            yield piece

    with pytest.raises(ProviderError) as caught:
        async for _ in events(arriving()):
            pass
    assert caught.value.kind is ErrorKind.BAD_ANSWER
    assert taken < LONGEST + 2 * len(piece)
