"""The directories that a host names as its own (MCP roots): asked for once a connection, and again when they change."""

import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

import anyio

# HTTP clients that left without a word are forgotten after so many newer ones.
MOST_CONNECTIONS = 256

_DRIVE = re.compile(r"/[A-Za-z]:/")

Ask = Callable[[], Awaitable[Iterable[str]]]
"""Asks the host for the URIs of its roots; none where it does not answer."""


@dataclass(slots=True)
class _Connection:
    lock: anyio.Lock = field(default_factory=anyio.Lock)
    roots: tuple[Path, ...] | None = None


class HostRoots:
    """What the hosts of all connections named."""

    def __init__(self) -> None:
        self._connections: OrderedDict[str, _Connection] = OrderedDict()

    async def of(self, connection: str, ask: Ask) -> tuple[Path, ...]:
        """The host's directories; `ask` is called where they are not known yet."""
        entry = self._connections.setdefault(connection, _Connection())
        if len(self._connections) > MOST_CONNECTIONS:
            self._connections.popitem(last=False)
        async with entry.lock:
            if entry.roots is None:
                entry.roots = tuple(_directories(await ask()))
            return entry.roots

    def forget(self, connection: str) -> None:
        """They have changed. An answer that is still on its way goes to the entry that nobody reads any more."""
        self._connections.pop(connection, None)


def _directories(uris: Iterable[str]) -> Iterator[Path]:
    for uri in uris:
        parts = urlsplit(uri)
        if parts.scheme == "file" and parts.netloc in {"", "localhost"}:
            path = unquote(parts.path)
            place = Path(path[1:] if _DRIVE.match(path) else path)
            if place.is_absolute():
                yield place
