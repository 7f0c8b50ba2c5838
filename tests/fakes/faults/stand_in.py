"""A server on loopback that fails in one chosen way, and counts its connections until the client has closed them."""

import asyncio
import datetime as dt
import socket
import ssl
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType

from tests.fakes.faults.dialects import Dialect, listed
from tests.fakes.faults.kinds import Fault, Play
from tests.fakes.faults.wire import Gone, Wire

NO_SUCH_HOST = "http://no-such-host.invalid"
_SCHEME = MappingProxyType({"self_signed": "https", "plain_as_https": "https", "silent_as_https": "https"})


@dataclass(slots=True, eq=False)
class FaultyService:
    """One service while it fails."""

    dialect: Dialect
    pace_s: float = 0.1
    play: Play | None = None
    at_once: bool = False
    deaf: bool = False
    """Reads what comes and never answers."""
    scheme: str = "http"
    host: str = ""
    asked: list[float] = field(default_factory=list[float])
    """When each request had come, on the steady clock."""
    failed: list[float] = field(default_factory=list[float])
    """When each fault had been played."""
    open_connections: int = 0
    connections: int = 0
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    """Set as soon as a client waits for what will never come."""
    _quiet: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None
    _held: socket.socket | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set["asyncio.Task[None]"])
    _port: int = 0

    async def begin(self, fault: Fault) -> None:
        """From now on fail also where a server on this machine would not have been found otherwise."""
        if fault.reached == "closed":
            await self.go_dark()
        self.at_once = fault.at_once

    @property
    def base_url(self) -> str:
        """What a person sets as this provider's address."""
        return f"{self.host or f'{self.scheme}://127.0.0.1:{self._port}'}{self.dialect.path}"

    async def listen(self, tls: ssl.SSLContext | None = None) -> None:
        """Take connections; on the port of before, where there was one."""
        self._let_go()
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self._port, ssl=tls, limit=1 << 20)
        self._port = self._server.sockets[0].getsockname()[1]

    async def go_dark(self) -> None:
        """Take no more connections; the port stays ours, so that nobody else answers on it."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self._let_go()
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.bind(("127.0.0.1", self._port))
        self._port = self._held.getsockname()[1]
        await self._hang_up()

    async def all_closed(self, within_s: float) -> bool:
        """Whether the client closes its last connection in that time."""
        while self.open_connections:
            self._quiet.clear()
            try:
                await asyncio.wait_for(self._quiet.wait(), within_s)
            except TimeoutError:
                return False
        return True

    async def aclose(self) -> None:
        """Stop."""
        if self._server is not None:
            self._server.close()
        self._let_go()
        await self._hang_up()

    async def _hang_up(self) -> None:
        """Close what connections there are."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _let_go(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        self.open_connections += 1
        wire = Wire(self.dialect, reader, writer, self.pace_s, self.reached)
        try:
            if self.deaf:
                await wire.reader.read(1)  # it has said hello
                await wire.silence()
            if self.at_once and self.play is not None:
                self.asked.append(time.perf_counter())
                await self._fail(wire)
            while not wire.cut_off and await self._serve(wire):
                pass
        except Gone:
            pass
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            writer.close()
            with suppress(*Gone, asyncio.CancelledError):
                await writer.wait_closed()
            self._tasks.discard(task)
            self.open_connections -= 1
            self._quiet.set()

    async def _serve(self, wire: Wire) -> bool:
        """Answer one request; False: the client asks no more."""
        begun = await wire.reader.readexactly(1)
        if not begun.isalpha():  # TLS: what any HTTP server says to it
            await wire.send(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            return False
        line = begun + await wire.reader.readuntil(b"\r\n\r\n")
        first, *lines = line.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)}
        await wire.reader.readexactly(int(headers.get("content-length", "0")))
        if method == "GET" and path.endswith("/models"):
            await wire.respond(200, listed(self.dialect))
        elif method == "GET":
            await wire.respond(404, {})  # an account's page, asked beside an answer
        else:
            self.asked.append(time.perf_counter())
            await self._fail(wire)
        return headers.get("connection") != "close"

    async def _fail(self, wire: Wire) -> None:
        play = self.play or answer
        try:
            await play(wire)
        finally:
            self.failed.append(time.perf_counter())


async def answer(wire: Wire) -> None:
    """No fault at all."""
    await wire.open_stream()
    await wire.word("the answer")
    await wire.finish()
    await wire.close_stream()


@asynccontextmanager
async def faulty(fault: Fault, dialect: Dialect, *, pace_s: float = 0.1) -> AsyncGenerator[FaultyService]:
    """That service failing that way. What would hide a server on this machine comes only with `begin`."""
    service = FaultyService(dialect, pace_s, fault.play, scheme=_SCHEME.get(fault.reached, "http"))
    service.deaf = fault.reached == "silent_as_https"
    if fault.reached == "unknown_host":
        service.host = NO_SUCH_HOST
    else:
        await service.listen(_self_signed() if fault.reached == "self_signed" else None)
    try:
        yield service
    finally:
        await service.aclose()


@cache
def _self_signed() -> ssl.SSLContext:
    """A server's TLS with a certificate made just now."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "both.pem"
        file.write_bytes(key.private_bytes(pem, *plain) + certificate.public_bytes(pem))
        context.load_cert_chain(file)
    return context
