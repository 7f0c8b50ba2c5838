"""One request to the host and its answer, line by line as it comes; the connection stays open as long as this does."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import anyio
import h11
from anyio.abc import SocketStream

from delegate_mcp.local.engines import LOOPBACK

_CHUNK = 65_536
_OK = 200


class GoneError(Exception):
    """No host of ours answers there, or it ended."""


@dataclass(slots=True, eq=False)
class Talk:
    """Begin with `ask`; close it whatever happens."""

    stream: SocketStream
    http: h11.Connection
    status: int = 0
    _data: bytearray = field(default_factory=bytearray)

    @classmethod
    async def ask(
        cls, port: int, secret: str, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> Self:
        """Send a request and wait for the head of its answer. GoneError."""
        try:
            stream = await anyio.connect_tcp(LOOPBACK, port)
        except OSError as error:
            raise GoneError from error
        talk = cls(stream, h11.Connection(h11.CLIENT))
        try:
            await talk._send(secret, method, path, b"" if body is None else json.dumps(body).encode())
            talk.status = await talk._head()
        except BaseException:
            await talk.aclose()
            raise
        return talk

    @property
    def accepted(self) -> bool:
        """Whether the answer is no error."""
        return self.status == _OK

    async def line(self) -> dict[str, Any]:
        """The next JSON object of the answer. GoneError where none comes any more."""
        while b"\n" not in self._data:
            event = await self._next()
            if not isinstance(event, h11.Data):
                raise GoneError
            self._data += event.data
        line, _, rest = bytes(self._data).partition(b"\n")
        self._data = bytearray(rest)
        try:
            value: Any = json.loads(line)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise GoneError
        return value  # pyright: ignore[reportUnknownVariableType] - JSON

    async def aclose(self) -> None:
        """Hang up. Cannot be cancelled."""
        with anyio.CancelScope(shield=True):
            await self.stream.aclose()

    async def _send(self, secret: str, method: str, path: str, body: bytes) -> None:
        headers = [
            ("host", LOOPBACK),
            ("authorization", f"Bearer {secret}"),
            ("content-type", "application/json"),
            ("content-length", str(len(body))),
        ]
        events = (h11.Request(method=method, target=path, headers=headers), h11.Data(data=body), h11.EndOfMessage())
        try:
            await self.stream.send(b"".join(self.http.send(event) or b"" for event in events))
        except (anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
            raise GoneError from error

    async def _head(self) -> int:
        head = await self._next()
        if not isinstance(head, h11.Response):
            raise GoneError
        return head.status_code

    async def _next(self) -> object:
        try:
            while (event := self.http.next_event()) is h11.NEED_DATA:
                try:
                    self.http.receive_data(await self.stream.receive(_CHUNK))
                except anyio.EndOfStream:
                    self.http.receive_data(b"")
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, h11.ProtocolError) as error:
            raise GoneError from error
        return event
