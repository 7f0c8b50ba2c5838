"""One connection of the faulty stand-in, every byte of it in hand: what a fault does is said in these verbs."""

import asyncio
import json
import socket
import ssl
import struct
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from itertools import cycle

from tests.fakes.faults.dialects import Dialect

_PIECE = b"x" * 65_536
_MOST_FLOODED = 1_024
"""Pieces after which a flood that nobody stopped ends: 64 MB."""


@dataclass(slots=True)
class Wire:
    """The server's end of one connection after a request has come, and the service that it plays."""

    dialect: Dialect
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    pace_s: float
    """Between two drops of a drip."""
    waited_for: asyncio.Event
    """Set when the client waits for what will never come."""
    cut_off: bool = False
    """Whether our side of the connection has ended."""

    # --- Whole answers -----------------------------------------------------------------------------------------------

    async def send(self, data: bytes) -> None:
        """Bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def respond(
        self, status: int, body: object, headers: Mapping[str, str] | None = None, *, content_type: str = ""
    ) -> None:
        """A whole response: text as a page, anything else as JSON."""
        data = (
            body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        )
        kind = content_type or ("text/html" if isinstance(body, str) else "application/json")
        await self.send(
            head(status, {"content-type": kind, "content-length": str(len(data)), **(headers or {})}) + data
        )

    # --- Streams -----------------------------------------------------------------------------------------------------

    async def open_stream(self, headers: Mapping[str, str] | None = None) -> None:
        """The head of a stream of events."""
        told = {"content-type": "text/event-stream", "transfer-encoding": "chunked", **(headers or {})}
        await self.send(head(200, told))

    async def piece(self, data: bytes) -> None:
        """A piece of the stream's body."""
        await self.send(b"%x\r\n%s\r\n" % (len(data), data))

    async def word(self, text: str = "so far") -> None:
        """An event with some of the answer."""
        await self.piece(self.dialect.word(text))

    async def finish(self) -> None:
        """The events that end an answer."""
        for event in self.dialect.finish():
            await self.piece(event)

    async def close_stream(self) -> None:
        """The end of a chunked body."""
        await self.send(b"0\r\n\r\n")

    # --- Ends that are none ------------------------------------------------------------------------------------------

    async def silence(self) -> None:
        """Say nothing more until the client hangs up."""
        self.waited_for.set()
        await self._hung_up()

    async def drip(self, drops: Sequence[bytes], *, chunked: bool = False) -> None:
        """The same drops again and again, one at a time, until the client hangs up."""
        self.waited_for.set()
        for drop in cycle(drops):
            await (self.piece(drop) if chunked else self.send(drop))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hung_up(), self.pace_s)
            if self.reader.at_eof():
                return

    async def flood(self, *, chunked: bool = True) -> None:
        """More than any answer holds, without a line's end, as fast as the client takes it."""
        for _ in range(_MOST_FLOODED):
            await (self.piece(_PIECE) if chunked else self.send(_PIECE))
        await self.silence()

    async def cut(self) -> None:
        """End our side in order, in the middle of whatever was said; the client is left to close its own."""
        self.cut_off = True
        if self.writer.can_write_eof():
            self.writer.write_eof()
            await self.silence()
        else:
            self.writer.close()

    async def _hung_up(self) -> None:
        while await self.reader.read(65_536):
            pass

    def reset(self) -> None:
        """Break the connection: the client sees `connection reset by peer`."""
        self.cut_off = True
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """The first line and the headers of a response."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} {phrase}\r\n{lines}\r\n".encode("latin-1")


Gone = (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, BrokenPipeError)
"""What a client that hung up looks like from here."""


def in_bytes(data: bytes) -> tuple[bytes, ...]:
    """One byte each."""
    return tuple(bytes((byte,)) for byte in data)
