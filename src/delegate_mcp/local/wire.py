"""HTTP as the host speaks it: one request a connection, over a loopback port, with the host's secret."""

import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio
import h11
from anyio import TypedAttributeProvider
from anyio.abc import SocketAttribute, SocketStream

_ARRIVES_S = 10.0
"""A request on this machine arrives at once, or its connection is closed."""
_LARGEST_BYTES = 32_000_000
_CHUNK = 65_536
_UNAUTHORIZED = 401


class BadRequestError(Exception):
    """What came is no request that can be answered."""


class RefusedError(Exception):
    """The answer is an error."""

    def __init__(self, status: int, message: str, kind: str = "error") -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One request, and the way to answer it."""

    stream: SocketStream
    http: h11.Connection
    method: str
    path: str
    body: bytes = field(repr=False)
    began: bool = False
    """The answer has begun."""

    def json(self) -> dict[str, Any]:
        """The body. RefusedError where it is no JSON object."""
        try:
            value: Any = json.loads(self.body or b"{}")
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise RefusedError(400, "the body is no JSON object")
        return value  # pyright: ignore[reportUnknownVariableType] - JSON

    async def begin(self, status: int = 200) -> None:
        """Begin an answer of JSON lines that ends when the connection does."""
        self.began = True
        headers = [("content-type", "application/json"), ("connection", "close"), ("cache-control", "no-store")]
        await self._send(h11.Response(status_code=status, headers=headers))

    async def tell(self, line: Mapping[str, object]) -> None:
        """One line of the answer."""
        await self._send(h11.Data(data=json.dumps(line).encode() + b"\n"))

    async def end(self) -> None:
        """The end of the answer."""
        await self._send(h11.EndOfMessage())

    async def answer(self, value: Mapping[str, object], status: int = 200) -> None:
        """A whole answer."""
        await self.begin(status)
        await self.tell(value)
        await self.end()

    async def closed_by_peer(self) -> None:
        """Returns when whoever asked has gone."""
        try:
            while True:
                await self.stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            return

    async def _send(self, event: h11.Event) -> None:
        data = self.http.send(event)
        if data:
            await self.stream.send(data)


async def answer_connection(stream: SocketStream, secret: str, handle: Callable[[Exchange], Awaitable[None]]) -> None:
    """Read the one request of a connection, see that it brings the secret, and have it handled."""
    async with stream:
        try:
            exchange = await _read(stream, secret)
            if exchange is None:
                return
            try:
                await handle(exchange)
            except RefusedError as error:
                if not exchange.began:
                    await exchange.answer(_error(str(error), error.kind), error.status)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, h11.ProtocolError, BadRequestError, TimeoutError):
            return  # whoever asked has gone, or does not speak HTTP: nobody reads an answer


async def _read(stream: SocketStream, secret: str) -> Exchange | None:
    http = h11.Connection(h11.SERVER)
    with anyio.fail_after(_ARRIVES_S):
        request = await _next(stream, http)
        if not isinstance(request, h11.Request):
            return None
        exchange = Exchange(
            stream=stream, http=http, method=request.method.decode(), path=request.target.decode(), body=b""
        )
        given = next((value for name, value in request.headers if name == b"authorization"), b"")
        if not hmac.compare_digest(given, f"Bearer {secret}".encode()):
            await exchange.answer(_error("Invalid API Key", "authentication_error"), _UNAUTHORIZED)
            return None
        body = bytearray()
        while isinstance(event := await _next(stream, http), h11.Data):
            body += event.data
            if len(body) > _LARGEST_BYTES:
                raise BadRequestError
        exchange.body = bytes(body)
    return exchange


async def _next(stream: SocketStream, http: h11.Connection) -> object:
    while (event := http.next_event()) is h11.NEED_DATA:
        if http.they_are_waiting_for_100_continue:
            await stream.send(http.send(h11.InformationalResponse(status_code=100, headers=[])))
        try:
            http.receive_data(await stream.receive(_CHUNK))
        except anyio.EndOfStream:
            http.receive_data(b"")
    return event


def _error(message: str, kind: str) -> dict[str, object]:
    return {"error": {"message": message, "type": kind}}


def port_of(listener: TypedAttributeProvider) -> int:
    """The port of a loopback listener."""
    return int(listener.extra(SocketAttribute.local_port))  # noqa: S610 - anyio's, not Django's
