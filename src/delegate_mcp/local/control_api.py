"""What the host can be asked. Our servers hold connections open, so that the host knows who is here and what is in use.

| request | answer |
| --- | --- |
| `POST /register {pid, idle_s, keeps, models}` | a line with pid and version; held open as long as that user is here |
| `POST /load {engine, model, name, …}` | a line with base_url and secret when it is loaded; held open while in use |
| `GET /status`, `POST /stop` | what is held; the end |
| `GET /v1/models`, `POST /v1/chat/completions`, `…/completions` | the OpenAI API, for other programs of the user |

A request that holds `/load` goes straight to the engine: no token passes through this process.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import fields, replace
from typing import Any

import anyio

from delegate_mcp.local.engine_child import LoadError
from delegate_mcp.local.engines import BY_NAME, LOOPBACK, Engine, Order
from delegate_mcp.local.runtime_dir import HostState
from delegate_mcp.local.supervisor import LoadedModel, Supervisor, User
from delegate_mcp.local.wire import Exchange, RefusedError

_CHUNK = 65_536
_STATUSES = {"refused": 507, "timeout": 504, "failed": 502}


class ControlApi:
    """Answers the requests of the table above."""

    def __init__(self, supervisor: Supervisor, state: HostState, stop: Callable[[], None]) -> None:
        self._supervisor = supervisor
        self._state = state
        self._stop = stop
        self._offers: dict[str, tuple[Engine, Order]] = {}
        """The models that users of this host can have, by name."""
        self._routes: Mapping[tuple[str, str], Callable[[Exchange], Awaitable[None]]] = {
            ("POST", "/register"): self._register,
            ("POST", "/load"): self._load,
            ("GET", "/status"): self._status,
            ("POST", "/stop"): self._end,
            ("GET", "/v1/models"): self._list,
            ("POST", "/v1/chat/completions"): self._relay,
            ("POST", "/v1/completions"): self._relay,
        }

    async def handle(self, exchange: Exchange) -> None:
        """Answer one request. RefusedError."""
        route = self._routes.get((exchange.method, exchange.path))
        if route is None:
            raise RefusedError(404, "there is nothing here")
        await route(exchange)

    async def _register(self, exchange: Exchange) -> None:
        given = exchange.json()
        for offer in given.get("models", ()):
            engine, order = self._ordered(offer)
            self._offers[order.name] = (engine, order)
        user = User(pid=int(given["pid"]), idle_s=float(given["idle_s"]), keeps=bool(given.get("keeps")))
        async with self._supervisor.used_by(user):
            await exchange.begin()
            await exchange.tell({"pid": self._state.pid, "version": self._state.version})
            await exchange.closed_by_peer()

    async def _load(self, exchange: Exchange) -> None:
        engine, order = self._ordered(exchange.json())

        async def serve(scope: anyio.CancelScope) -> None:
            async with self._supervisor.using(engine, order) as used:
                await exchange.begin()
                await exchange.tell(
                    {"base_url": used.model.child.base_url, "secret": self._state.secret, "note": used.note}
                )
                await used.model.ended.wait()
                await exchange.tell({"ended": used.model.child.ending()})
                await exchange.end()
            scope.cancel()

        await _while_wanted(exchange, serve)

    async def _status(self, exchange: Exchange) -> None:
        held = self._supervisor
        await exchange.answer(
            {
                "users": [user.pid for user in held.users],
                "idle_for_s": held.idle_for_s,
                "models": [_shown(model) for model in held.models],
            }
        )

    async def _end(self, exchange: Exchange) -> None:
        await exchange.answer({"stopping": True})
        self._stop()

    async def _list(self, exchange: Exchange) -> None:
        rows = [{"id": name, "object": "model", "owned_by": "local"} for name in sorted(self._offers)]
        await exchange.answer({"object": "list", "data": rows})

    async def _relay(self, exchange: Exchange) -> None:
        name = exchange.json().get("model")
        offer = self._offers.get(str(name))
        if offer is None:
            raise RefusedError(404, f"no model {name!r} is here; GET /v1/models lists what is", "model_not_found")
        engine, order = offer

        async def serve(scope: anyio.CancelScope) -> None:
            async with self._supervisor.using(engine, order) as used:
                exchange.began = True
                await self._pass_on(exchange, used.model.child.port)
            scope.cancel()

        await _while_wanted(exchange, serve)

    async def _pass_on(self, exchange: Exchange, port: int) -> None:
        """The request to the engine, and its answer back as it stands."""
        head = (
            f"{exchange.method} {exchange.path} HTTP/1.1\r\nHost: {LOOPBACK}:{port}\r\n"
            f"Authorization: Bearer {self._state.secret}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(exchange.body)}\r\nConnection: close\r\n\r\n"
        )
        async with await anyio.connect_tcp(LOOPBACK, port) as engine:
            await engine.send(head.encode() + exchange.body)
            try:
                while True:
                    await exchange.stream.send(await engine.receive(_CHUNK))
            except anyio.EndOfStream:
                return

    def _ordered(self, given: Mapping[str, Any]) -> tuple[Engine, Order]:
        try:
            engine = BY_NAME[given["engine"]]
            order = Order(**{part.name: given[part.name] for part in fields(Order) if part.name != "secret"})
        except (KeyError, TypeError):
            raise RefusedError(400, "no such engine, or the order lacks something") from None
        return engine, replace(order, secret=self._state.secret)


async def _while_wanted(exchange: Exchange, serve: Callable[[anyio.CancelScope], Awaitable[None]]) -> None:
    """Serve until it is done or whoever asked has gone. RefusedError."""
    refused: RefusedError | None = None
    async with anyio.create_task_group() as tasks:

        async def watch() -> None:
            await exchange.closed_by_peer()
            tasks.cancel_scope.cancel()

        tasks.start_soon(watch)
        try:
            await serve(tasks.cancel_scope)
        except LoadError as error:
            refused = RefusedError(_STATUSES[error.kind], str(error), error.kind)
            tasks.cancel_scope.cancel()
    if refused is not None:
        raise refused


def _shown(model: LoadedModel) -> dict[str, object]:
    order, fit = model.order, model.fit
    return {
        "name": order.name,
        "file": order.model,
        "engine": model.engine.name,
        "pid": model.child.process.pid,
        "port": model.child.port,
        "context_tokens": order.context_tokens,
        "slots": order.slots,
        "gpu_layers": order.gpu_layers if fit is None else fit.gpu_layers,
        "bytes_ram": 0 if fit is None else fit.bytes_ram,
        "bytes_vram": 0 if fit is None else fit.bytes_vram,
        "uses": model.uses,
    }
