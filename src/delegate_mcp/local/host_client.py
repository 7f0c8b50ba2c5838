"""A server's way to the models of this machine's host: connected at first use, connected anew where the host ended."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from delegate_mcp.domain.errors import ErrorKind, ProviderError
from delegate_mcp.local.finding import Link, find_or_start
from delegate_mcp.local.runtime_dir import ForeignStateError
from delegate_mcp.local.talk import GoneError, Talk

# A connection breaks a moment before its process is seen to have ended.
_ENDING_S = 0.5
_ENDED = "the model host ended"
_UNAUTHORIZED = 401
_KINDS = {507: ErrorKind.TOO_LARGE, 504: ErrorKind.TIMEOUT}

Offers = Callable[[], Sequence[Mapping[str, object]]]
"""The models that this user can have, as orders; the host lists them for other programs."""


@dataclass(frozen=True, slots=True)
class HostAddress:
    """Where one model answers."""

    base_url: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Use:
    """A model that is loaded for one request."""

    address: HostAddress
    note: str
    """How the engine ended that had the model before, where it crashed."""
    _talk: Talk

    async def ending(self) -> str | None:
        """What ended, and how; None while it lives."""
        with anyio.move_on_after(_ENDING_S):
            try:
                return f"the local engine {(await self._talk.line())['ended']}"
            except GoneError:
                return _ENDED
        return None


class HostClient:
    """One for each server process; `aclose` tells the host that this user has gone."""

    def __init__(
        self,
        directory: Path,
        environ: Mapping[str, str],
        offers: Offers,
        *,
        pid: int,
        idle_s: float,
        keeps: bool = False,
    ) -> None:
        """`environ` is what a host is started with, so it holds nobody's keys."""
        self._directory = directory
        self._environ = environ
        self._offers = offers
        self._user = {"pid": pid, "idle_s": idle_s, "keeps": keeps}
        self._link: Link | None = None
        self._linking = anyio.Lock()
        self._loading: set[anyio.CancelScope] = set()
        self._closed = False

    async def connect(self) -> Link:
        """Be a user of the host; it is found or started. ProviderError."""
        async with self._linking:
            if self._closed:
                raise ProviderError.network("the server is shutting down")
            if self._link is None:
                user = {**self._user, "models": [*self._offers()]}
                try:
                    self._link = await find_or_start(self._directory, self._environ, user)
                except ForeignStateError as error:
                    raise ProviderError.network(str(error)) from error
                except OSError as error:
                    raise ProviderError.network(f"the model host cannot be started: {error}") from error
            return self._link

    @asynccontextmanager
    async def using(self, order: Mapping[str, object]) -> AsyncGenerator[Use]:
        """That model, loaded; the host keeps it as long as this is open. ProviderError."""
        talk = await self._unless_closed(order)
        try:
            try:
                said = await talk.line()
            except GoneError:
                raise ProviderError.network(f"{_ENDED} before the model was used") from None
            yield Use(HostAddress(str(said["base_url"]), str(said["secret"])), str(said["note"]), talk)
        finally:
            await talk.aclose()

    async def aclose(self) -> None:
        """Leave; the host ends when nobody is left."""
        self._closed = True
        for scope in self._loading:
            scope.cancel()
        await self._forget(self._link)

    async def _load(self, order: Mapping[str, object]) -> Talk:
        for last in (False, True):
            link = await self.connect()
            try:
                talk = await link.ask("POST", "/load", order)
            except GoneError:  # it ended, idle or otherwise, since we last asked
                await self._forget(link)
                if last:
                    raise ProviderError.network(f"{_ENDED} while the model was loaded") from None
                continue
            if talk.accepted:
                return talk
            error = await _failure(talk)
            if talk.status != _UNAUTHORIZED or last:
                raise error
            await self._forget(link)  # another program has its port now
        raise AssertionError  # the last turn has returned or raised

    async def _unless_closed(self, order: Mapping[str, object]) -> Talk:
        """The answer, which comes when the model is loaded, unless we are closed before. ProviderError."""
        with anyio.CancelScope() as scope:
            self._loading.add(scope)
            try:
                return await self._load(order)
            finally:
                self._loading.remove(scope)
        raise ProviderError.network("the server is shutting down")

    async def _forget(self, link: Link | None) -> None:
        if link is not None and self._link is link:
            self._link = None
            await link.aclose()


async def _failure(talk: Talk) -> ProviderError:
    try:
        message = str((await talk.line())["error"]["message"])
    except (GoneError, KeyError, TypeError):
        message = f"the model host answered with {talk.status}"
    finally:
        await talk.aclose()
    return ProviderError(_KINDS.get(talk.status, ErrorKind.NETWORK), message)
