"""A person with a model file of their own and a stand-in engine."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from delegate_mcp.config.settings import LocalSettings
from delegate_mcp.local.engines import Engine
from delegate_mcp.local.keeper import Keeper

PROGRAM = (str(Path(__file__).with_name("local_engine.py")),)
MODEL = "own-model"


def engine(behaviour: str) -> Engine:
    """The stand-in engine of that behaviour; see local_engine."""
    return Engine(name=behaviour, module="json", extra="local", program=PROGRAM)


def own_model(folder: Path) -> LocalSettings:
    """Settings that name a model file in that folder."""
    file = folder / f"{MODEL}.gguf"
    file.write_bytes(b"GGUF")
    return LocalSettings(model=file, context_tokens=1_000, gpu_layers=0)


def keeper(
    folder: Path, behaviour: str = "answers", environ: Mapping[str, str] | None = None, start_timeout_s: float = 60.0
) -> Keeper:
    """A keeper of that model with the stand-in engine."""
    return Keeper(
        own_model(folder),
        folder,
        {**os.environ, **(environ or {})},
        engines=[engine(behaviour)],
        start_timeout_s=start_timeout_s,
    )


def starts(folder: Path) -> list[dict[str, Any]]:
    """What each start of the stand-in engine left behind: pid, order, argv, environ."""
    journal = folder / f"{MODEL}.started"
    return [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()] if journal.exists() else []
