"""Server-sent events out of bytes, however they are cut and however long they go on."""

import re
from collections.abc import AsyncIterable, AsyncIterator, Callable
from math import inf
from typing import TypeVar

import anyio

from delegate_mcp.domain.errors import ProviderError

DONE = "[DONE]"

LONGEST = 8_000_000
"""Bytes of one line, one event or one whole body. Nothing that is an answer comes near it."""

AFTER_END_S = 1.0
"""For what comes after an answer: its usage, and the end of the stream, without which the connection is lost."""

_LINE_END = re.compile(rb"\r\n|\n|\r")
_Piece = TypeVar("_Piece")


async def events(chunks: AsyncIterable[bytes]) -> AsyncIterator[str]:
    """The data of each event. Comments are skipped; a last event without its blank line counts too."""
    data: list[str] = []
    size = 0
    async for line in _lines(chunks):
        if not line:
            if data:
                yield "\n".join(data)
            data, size = [], 0
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            data.append(value)
        elif field == "error":  # llama-server of old
            data.append(f'{{"error": {value}}}')
        size += len(line)
        if size > LONGEST:
            raise _too_long()
    if data:
        yield "\n".join(data)


async def whole(chunks: AsyncIterable[bytes]) -> bytes:
    """A body that is no stream. Raises ProviderError where it is longer than an answer can be."""
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > LONGEST:
            raise _too_long()
    return bytes(body)


async def bounded(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The chunks as they come. Raises ProviderError where a line does not end."""
    size = 0
    async for chunk in chunks:
        end = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
        size = len(chunk) - end - 1 if end >= 0 else size + len(chunk)
        if size > LONGEST:
            raise _too_long()
        yield chunk


async def to_the_end(pieces: AsyncIterable[_Piece], ended: Callable[[], int | None]) -> AsyncIterator[_Piece]:
    """The pieces; once the answer has ended only those that come at once, since not every server closes its stream.

    `ended` tells how much of the answer there is; None while its end was not told.
    """
    arriving = aiter(pieces)
    known: int | None = None
    until = inf
    while True:
        if (length := ended()) != known:  # text that comes after an early end gets its time too
            known, until = length, anyio.current_time() + AFTER_END_S
        piece: _Piece | None = None
        with anyio.CancelScope(deadline=until):
            piece = await anext(arriving, None)
        if piece is None:
            return
        yield piece


async def _lines(chunks: AsyncIterable[bytes]) -> AsyncIterator[str]:
    """Lines ended by LF, CRLF or CR. Split as bytes, so that no character is cut and only these three end a line."""
    held = bytearray()
    cut = b""  # a CR at the end of a chunk: the LF of a CRLF may follow
    async for chunk in bounded(chunks):
        text = cut + chunk
        cut = b"\r" if text.endswith(b"\r") else b""
        first, *others = _LINE_END.split(text.removesuffix(cut))
        held += first
        for begun in others:
            yield held.decode("utf-8", "replace")
            held = bytearray(begun)
    if held:
        yield held.decode("utf-8", "replace")


def _too_long() -> ProviderError:
    return ProviderError.bad_answer("the service sent more than an answer can hold")
