"""Server-sent events out of bytes, however they are cut."""

import re
from collections.abc import AsyncIterable, AsyncIterator

DONE = "[DONE]"

_LINE_END = re.compile(rb"\r\n|\n|\r")


async def events(chunks: AsyncIterable[bytes]) -> AsyncIterator[str]:
    """The data of each event. Comments are skipped; a last event without its blank line counts too."""
    data: list[str] = []
    async for line in _lines(chunks):
        if not line:
            if data:
                yield "\n".join(data)
            data = []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            data.append(value)
        elif field == "error":  # llama-server of old
            data.append(f'{{"error": {value}}}')
    if data:
        yield "\n".join(data)


async def _lines(chunks: AsyncIterable[bytes]) -> AsyncIterator[str]:
    """Lines ended by LF, CRLF or CR. Split as bytes, so that no character is cut and only these three end a line."""
    rest = b""
    async for chunk in chunks:
        rest += chunk
        held = rest.endswith(b"\r")  # a CRLF may be cut in two
        *whole, rest = _LINE_END.split(rest[:-1] if held else rest)
        rest += b"\r" if held else b""
        for line in whole:
            yield line.decode("utf-8", "replace")
    for line in _LINE_END.split(rest):
        if line:
            yield line.decode("utf-8", "replace")
