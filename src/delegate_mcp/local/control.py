"""What a person may do with the model host of this machine: see it, keep it up, end it."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio

from delegate_mcp.config.settings import LocalSettings
from delegate_mcp.local.engines import LOOPBACK
from delegate_mcp.local.finding import end_host, freed
from delegate_mcp.local.keeper import Keeper
from delegate_mcp.local.runtime_dir import HostState, RuntimeDir
from delegate_mcp.local.talk import GoneError, Talk
from delegate_mcp.platforms import runtime_dir

_ANSWERS_S = 3.0
_ENDS_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStatus:
    """One loaded model."""

    name: str
    file: str
    engine: str
    pid: int
    port: int
    context_tokens: int
    slots: int
    gpu_layers: int
    bytes_ram: int
    """As counted before it was loaded."""
    bytes_vram: int
    uses: int
    """Requests under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostStatus:
    """The host that runs."""

    pid: int
    port: int
    engine: str
    """Of its models; empty where none is loaded."""
    models: tuple[ModelStatus, ...]
    memory: int
    """Bytes of all its models, RAM and VRAM."""
    users: tuple[int, ...]
    """Processes that use it."""
    idle_since: float | None
    """Unix seconds; None while something is under way."""
    started_at: float
    version: str
    base_url: str
    """Where it speaks the OpenAI API, for other programs of the user."""
    secret: str = field(repr=False)
    """Their API key there."""


async def status(environ: Mapping[str, str], now: float) -> list[HostStatus]:
    """The host of this user, or an empty list. `now` in Unix seconds. ForeignStateError."""
    state = _state(environ)
    if state is None:
        return []
    try:
        said = await _ask(state, "GET", "/status")
    except GoneError:
        return []
    models = tuple(ModelStatus(**row) for row in said["models"])
    idle_for_s = said["idle_for_s"]
    return [
        HostStatus(
            pid=state.pid,
            port=state.port,
            engine=", ".join(sorted({model.engine for model in models})),
            models=models,
            memory=sum(model.bytes_ram + model.bytes_vram for model in models),
            users=tuple(said["users"]),
            idle_since=None if idle_for_s is None else now - idle_for_s,
            started_at=state.started_at,
            version=state.version,
            base_url=_base_url(state),
            secret=state.secret,
        )
    ]


async def stop(environ: Mapping[str, str]) -> bool:
    """End the host with its models, whoever uses it; whether there was one. ForeignStateError."""
    directory = runtime_dir(environ)
    if not directory.is_dir():
        return False
    place = RuntimeDir(directory)
    state = place.read()
    living = place.living
    if living.take():
        place.clear()  # left behind by a host that was killed
        living.free()
        return False
    if state is not None:
        with suppress(GoneError):
            await _ask(state, "POST", "/stop")
        if not await freed(living, _ENDS_S):
            await end_host(place, state)
    return True


async def serve(
    settings: LocalSettings, cache: Path, environ: Mapping[str, str], started: Callable[[str, Path], None]
) -> str:
    """Keep a host up, idle or not, until it ends or the caller is cancelled; how it ended. ProviderError.

    `started` is told the base URL for other programs, and the file (of this user only) that holds their key.
    """
    keeper = Keeper(settings, cache, environ, keeps=True)
    try:
        link = await keeper.host.connect()
        started(_base_url(link.state), RuntimeDir(runtime_dir(environ)).state_file)
        await link.ended()
        return "the model host ended"
    finally:
        await keeper.aclose()


def _state(environ: Mapping[str, str]) -> HostState | None:
    directory = runtime_dir(environ)
    return RuntimeDir(directory).read() if directory.is_dir() else None


async def _ask(state: HostState, method: str, path: str) -> dict[str, Any]:
    with anyio.move_on_after(_ANSWERS_S):
        talk = await Talk.ask(state.port, state.secret, method, path)
        try:
            if talk.accepted:
                return await talk.line()
        finally:
            await talk.aclose()
    raise GoneError


def _base_url(state: HostState) -> str:
    return f"http://{LOOPBACK}:{state.port}/v1"
