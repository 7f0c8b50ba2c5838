"""The app, opened at first use: answering `initialize` needs none of it, so none of it is loaded before.

An error while opening (a typo in the settings) is told to whoever asked and tried again at the next call, so a mended
file needs no restart.
"""

import logging
import os
import secrets
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Self

import anyio
from anyio.abc import TaskGroup

from delegate_mcp.domain.errors import DelegateError
from delegate_mcp.host_roots import HostRoots
from delegate_mcp.listing import Listing
from delegate_mcp.platforms import home_dir

if TYPE_CHECKING:
    from delegate_mcp.app import App

logger = logging.getLogger(__name__)

CONNECTION: ContextVar[str] = ContextVar("connection", default=f"{os.getpid()}-{secrets.token_hex(4)}")
"""Which client connection asks: this process's on stdio, the HTTP client's where it has one."""

_SETTLED_S, _LOOK_S = 3.0, 30.0
"""A server that nobody has called yet looks for unfinished batches after so long, and then so often."""

OpenApp = Callable[[TaskGroup, Callable[[], Awaitable[None]]], Awaitable["App"]]
"""Makes the app, given the task group it lives in and what to call when the budget has changed."""


class AppHolder:
    """Owns the app and the task group its calls run in; an async context manager around the whole run."""

    def __init__(self, open_app: OpenApp) -> None:
        self._open_app = open_app
        self._app: App | None = None
        self._lock = anyio.Lock()
        self._tasks = anyio.create_task_group()
        self._following = False
        self._watchers: list[Callable[[], Awaitable[None]]] = []
        self._opened = anyio.Event()
        self.host_roots = HostRoots()
        self.listing = Listing()

    def follow(self) -> None:
        """From now on tell the watchers also of what other processes and machines write to the ledger."""
        if not self._following:
            self._following = True
            self._tasks.start_soon(self._follow)

    async def _follow(self) -> None:
        try:
            while True:
                app = await self.app()
                await app.ledger.changed()
                await self._changed()
        except DelegateError as error:
            self._following = False
            logger.warning("Changes of other processes are not followed: %s", error)

    def tend_batches(self) -> None:
        """From now on go on with batches that a server before this one, or one that was killed, left unfinished."""
        self._tasks.start_soon(self._tend_batches)

    async def _tend_batches(self) -> None:
        pause_s = _SETTLED_S
        while True:
            with anyio.move_on_after(pause_s):
                await self._opened.wait()
            pause_s = _LOOK_S
            if self._opened.is_set() or any(home_dir(os.environ).glob("batches/*/items.jsonl")):
                try:
                    app = await self.app()
                except DelegateError:  # told to whoever calls a tool
                    continue
                return await app.batches.watch()

    def tend_models(self) -> None:
        """From the first call on that may leave this machine keep the lists of models young."""
        self._tasks.start_soon(self._tend_models)

    async def _tend_models(self) -> None:
        await self._opened.wait()
        await (await self.app()).tend_models()

    def watch(self, watcher: Callable[[], Awaitable[None]]) -> None:
        """Call `watcher` whenever `budget://current` has changed."""
        self._watchers.append(watcher)

    async def app(self) -> "App":
        """The app; opened by the first who asks. Raises ConfigError or LedgerError."""
        if self._app is None:
            async with self._lock:
                if self._app is None:
                    self._app = await self._open_app(self._tasks, self._changed)
                    self._opened.set()
        return self._app

    async def _changed(self) -> None:
        for watcher in self._watchers:
            await watcher()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def aclose(self) -> None:
        """End the calls under way (each settles its ledger rows) and close what they used."""
        app, self._app = self._app, None
        if app is not None:
            with anyio.CancelScope(shield=True):
                await app.aclose()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
        self._tasks.cancel_scope.cancel()
        # The group is not told of the body's error, which it would wrap: the caller gets it as it is.
        await self._tasks.__aexit__(None, None, None)
