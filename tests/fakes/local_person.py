"""A person with a model file of their own, a model host of their own, and a stand-in for the native engine."""

import json
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio

from delegate_mcp.config.settings import LocalSettings
from delegate_mcp.local import control
from delegate_mcp.local.engines import BY_NAME, Engine
from delegate_mcp.local.keeper import Keeper
from delegate_mcp.platforms import pid_alive

MODULES = Path(__file__).with_name("local_modules")
MODEL = "own-model"
# Installed whether or not the real module is: the host finds the stand-in first.
ENGINE: Engine = replace(BY_NAME["xllamacpp"], module="json")


def environment(folder: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """With a runtime directory in that folder."""
    return {**os.environ, "DELEGATE_MCP_HOME": str(folder), "PYTHONPATH": str(MODULES), **(more or {})}


def own_model(folder: Path, behaviour: str = "answers", **settings: Any) -> LocalSettings:
    """Settings that name a model file in that folder; see local_modules/xllamacpp for the behaviours."""
    file = folder / f"{MODEL}.gguf"
    file.write_text(f"GGUF {behaviour}", encoding="utf-8")
    return LocalSettings.model_validate({"model": file, "context_tokens": 1_000, "gpu_layers": 0, **settings})


def make_keeper(
    folder: Path, behaviour: str = "answers", environ: Mapping[str, str] | None = None, **settings: Any
) -> Keeper:
    """A keeper of that model; whoever makes it ends its host."""
    return Keeper(own_model(folder, behaviour, **settings), folder, environment(folder, environ), engines=[ENGINE])


@asynccontextmanager
async def keeper(
    folder: Path, behaviour: str = "answers", environ: Mapping[str, str] | None = None, **settings: Any
) -> AsyncGenerator[Keeper]:
    """The same; its host is ended too."""
    kept = make_keeper(folder, behaviour, environ, **settings)
    async with no_host_left(folder):
        try:
            yield kept
        finally:
            await kept.aclose()


@asynccontextmanager
async def no_host_left(folder: Path) -> AsyncGenerator[None]:
    """End that person's host at the end, whatever happened."""
    try:
        yield
    finally:
        with anyio.CancelScope(shield=True):
            await control.stop(environment(folder))


def starts(folder: Path, model: str = MODEL) -> list[dict[str, Any]]:
    """What each start of the stand-in engine left behind: pid, params, argv, environ."""
    journal = folder / f"{model}.started"
    return [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()] if journal.exists() else []


async def until_gone(pid: int, within_s: float = 10.0) -> None:
    """Wait for the end of a process that is not ours to wait for."""
    with anyio.fail_after(within_s):
        while lives(pid):  # noqa: ASYNC110 - the end of another process is no event here
            await anyio.sleep(0.01)


def lives(pid: int) -> bool:
    """Whether it does; what only waits for its parent to bury it does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2][:1]
    except OSError:
        return pid_alive(pid)
    return state not in {"Z", "X"}
