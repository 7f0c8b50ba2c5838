"""The models that the embedded engine can load right now."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from delegate_mcp.config.settings import LocalSettings
from delegate_mcp.local import demo_model


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalModel:
    """A model file and how it is hosted and asked."""

    name: str
    file: Path
    context_tokens: int
    gpu_layers: int = -1
    threads: int | None = None
    """None: as the engine chooses."""
    temperature: float | None = None
    """Used where the caller names none; None: the engine's own, or what the file says."""
    sampling: tuple[tuple[str, float], ...] = ()


def local_models(settings: LocalSettings, cache: Path) -> tuple[LocalModel, ...]:
    """The person's own GGUF first, then the demonstration model; only files that are there."""
    return tuple(_found(settings, cache))


def _found(settings: LocalSettings, cache: Path) -> Iterator[LocalModel]:
    own = settings.model.expanduser() if settings.model else None
    if own is not None and own.is_file():
        yield LocalModel(
            name=own.stem,
            file=own.absolute(),
            context_tokens=settings.context_tokens,
            gpu_layers=settings.gpu_layers,
        )
    demo = None if settings.demo_model == "never" else demo_model.demo_model_path(cache)
    if demo is not None and (own is None or own.stem != demo_model.NAME):
        yield LocalModel(
            name=demo_model.NAME,
            file=demo,
            context_tokens=demo_model.CONTEXT_TOKENS,
            gpu_layers=settings.gpu_layers,
            threads=demo_model.THREADS,
            temperature=demo_model.TEMPERATURE,
            sampling=demo_model.SAMPLING,
        )
