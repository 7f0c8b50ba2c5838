"""What the host of a machine holds: its users, the models that are loaded, and who makes room for whom."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import anyio

from delegate_mcp.local.engine_child import EngineChild, LoadError
from delegate_mcp.local.engines import Engine, Order
from delegate_mcp.local.footprint import Fit
from delegate_mcp.local.room import Held, Room

LOAD_TIMEOUT_S = 300.0
"""A large model on a slow disk takes minutes to load."""
LINGER_S = 2.5
"""So long after its last user the host waits for another: a command that follows a command finds its model loaded."""


@dataclass(slots=True, kw_only=True, eq=False)
class User:
    """A server process, or a person's `local serve`."""

    pid: int
    idle_s: float
    """After so long without a request it does without the host."""
    keeps: bool = False
    """It keeps the host, idle or not."""


@dataclass(slots=True, kw_only=True, eq=False)
class LoadedModel:
    """A model in an engine of its own."""

    engine: Engine
    order: Order
    fit: Fit | None
    child: EngineChild
    used_at: float
    uses: int = 0
    """Requests under way (or waiting in the engine)."""
    ended: anyio.Event = field(default_factory=anyio.Event)


@dataclass(slots=True, eq=False)
class _Load:
    """A load under way, and who waits for it."""

    done: anyio.Event = field(default_factory=anyio.Event)
    error: LoadError | None = None
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class InUse:
    """A model while a request uses it."""

    model: LoadedModel
    note: str
    """What happened to the engine that had it before, where that one crashed."""


class Supervisor:
    """An async context manager: leaving it ends every engine."""

    def __init__(
        self,
        room: Room,
        environ: Mapping[str, str],
        clock: Callable[[], float],
        *,
        linger_s: float = LINGER_S,
        load_timeout_s: float = LOAD_TIMEOUT_S,
    ) -> None:
        """`clock` gives steady seconds."""
        self._room = room
        self._environ = environ
        self._clock = clock
        self._linger_s = linger_s
        self._load_timeout_s = load_timeout_s
        self._tasks = anyio.create_task_group()
        self._turn = anyio.Lock()  # one load at a time, in the order they were asked for
        self._loads: dict[str, _Load] = {}
        self._models: dict[str, LoadedModel] = {}
        self._crashes: dict[str, str] = {}
        self._room_wanted: _Load | None = None
        self._released = anyio.Event()
        self._users: list[User] = []
        self._used_at = self._alone_since = clock()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tasks.cancel_scope.cancel()
        with anyio.CancelScope(shield=True):
            async with anyio.create_task_group() as ending:
                for model in self._models.values():
                    ending.start_soon(model.child.end)
        await self._tasks.__aexit__(kind, error, trace)

    # --- Who uses it, and how long it lives ------------------------------------------------------------------------

    @property
    def users(self) -> Sequence[User]:
        """Who is connected."""
        return tuple(self._users)

    @property
    def models(self) -> Sequence[LoadedModel]:
        """What is loaded."""
        return tuple(self._models.values())

    @property
    def idle_for_s(self) -> float | None:
        """How long nothing was asked; None: something is under way."""
        # A load that nobody waits for any more goes on for the next, but keeps nothing up.
        busy = any(load.waiting for load in self._loads.values()) or any(model.uses for model in self._models.values())
        return None if busy else self._clock() - self._used_at

    @asynccontextmanager
    async def used_by(self, user: User) -> AsyncGenerator[None]:
        """The user is here; connecting counts as use."""
        self._users.append(user)
        self._used_at = self._clock()
        try:
            yield
        finally:
            self._users.remove(user)
            self._alone_since = self._clock()

    def over(self) -> str | None:
        """Why the host should end now, or None."""
        idle_for_s = self.idle_for_s
        if idle_for_s is None:
            return None
        if not self._users:
            return "its last user is gone" if self._clock() - self._alone_since >= self._linger_s else None
        if any(user.keeps for user in self._users):
            return None
        return "idle" if idle_for_s >= max(user.idle_s for user in self._users) else None

    # --- Models ------------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def using(self, engine: Engine, order: Order) -> AsyncGenerator[InUse]:
        """A model that is loaded and stays so while it is used. LoadError.

        Who is cancelled while it loads leaves the load to whoever else waits, or to the next.
        """
        order = replace(order, slots=min(order.slots, engine.slots or order.slots))
        model = await self._loaded(engine, order)
        note = self._crashes.pop(order.model, "")
        try:
            yield InUse(model, note)
        finally:
            model.uses -= 1
            model.used_at = self._used_at = self._clock()
            self._wake()

    def _wake(self) -> None:
        """Whoever waits for room looks again."""
        self._released.set()
        self._released = anyio.Event()

    async def _loaded(self, engine: Engine, order: Order) -> LoadedModel:
        while True:
            if self._room_wanted is not None:  # who waits for room comes first, else steady use would keep it out
                await self._room_wanted.done.wait()
                continue
            model = self._models.get(order.model)
            if model is not None and model.child.process.returncode is not None:
                await model.ended.wait()
                continue
            if model is not None and model.order.context_tokens >= order.context_tokens:
                model.uses += 1
                return model
            load = self._loads.get(order.model)
            if load is None:
                load = self._loads[order.model] = _Load()
                self._tasks.start_soon(self._load, load, engine, order)
            load.waiting += 1
            try:
                await load.done.wait()
            finally:
                load.waiting -= 1
                self._wake()
            if load.error is not None:
                raise load.error

    async def _load(self, load: _Load, engine: Engine, order: Order) -> None:
        try:
            async with self._turn:
                fit = await self._make_room(load, engine, order)
                if load.waiting:
                    await self._start(engine, order, fit)
        except LoadError as error:
            load.error = error
        finally:
            del self._loads[order.model]
            self._used_at = self._clock()
            load.done.set()

    async def _start(self, engine: Engine, order: Order, fit: Fit | None) -> None:
        planned = order if fit is None else replace(order, gpu_layers=fit.gpu_layers)
        child = await EngineChild.start(engine, planned, self._environ)
        try:
            await child.await_port(Path(order.model), self._load_timeout_s)
        except BaseException:
            await child.end()
            raise
        model = LoadedModel(engine=engine, order=order, fit=fit, child=child, used_at=self._clock())
        self._models[order.model] = model
        self._tasks.start_soon(self._watch, model)

    async def _watch(self, model: LoadedModel) -> None:
        """Notice the end of an engine, whoever ended it."""
        await model.child.process.wait()
        if self._models.get(model.order.model) is model:
            del self._models[model.order.model]
            self._crashes[model.order.model] = model.child.ending()
            await model.child.end()
        model.ended.set()

    async def _unload(self, model: LoadedModel) -> None:
        del self._models[model.order.model]
        await model.child.end()

    # --- Room --------------------------------------------------------------------------------------------------------

    async def _make_room(self, load: _Load, engine: Engine, order: Order) -> Fit | None:
        """How it is loaded, once there is room: the least recently used idle models go. LoadError where none helps."""
        try:
            while load.waiting:
                released = self._released
                old = self._models.get(order.model)  # the same file, loaded with too short a context
                if old is None or not old.uses:
                    if old is not None:
                        await self._unload(old)
                    settled, fit = await self._room_for(engine, order)
                    if settled:
                        return fit
                self._room_wanted = load
                await released.wait()
        finally:
            self._room_wanted = None
        return None

    async def _room_for(self, engine: Engine, order: Order) -> tuple[bool, Fit | None]:
        """Whether there is room now (idle models may have gone for it), and how; not: a busy one must end first."""
        while True:
            idle = sorted((model for model in self._models.values() if not model.uses), key=lambda one: one.used_at)
            now = await self._plan(engine, order, going=())
            if now is None:
                return True, None
            if not self._models and now.refusal is None:
                return True, now
            after = await self._plan(engine, order, going=idle) if idle else now
            better = after is not None and after.refusal is None and after.gpu_layers > now.gpu_layers
            if now.refusal is None and not better:
                return True, now
            if idle and after is not None and after.refusal is None:
                await self._unload(idle[0])
                continue
            alone = await self._plan(engine, order, going=self.models)
            if alone is None or alone.refusal is not None:
                raise LoadError("refused", (alone or now).refusal or "")
            return False, None

    async def _plan(self, engine: Engine, order: Order, going: Sequence[LoadedModel]) -> Fit | None:
        staying = [model.fit for model in self._models.values() if model not in going]
        return await self._room.plan(
            engine, order, staying=Held.of(staying), going=Held.of([model.fit for model in going])
        )
