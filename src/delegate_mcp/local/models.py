"""The models that the embedded engine can load right now."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from delegate_mcp.catalog.local_models import pullable_models
from delegate_mcp.config.settings import LocalSettings
from delegate_mcp.local import demo_model
from delegate_mcp.local.shelf import Shelf
from delegate_mcp.local.sources import model_name

# Parts of a model in several files but the first, and what is no model of its own: it lends another one its eyes.
_NO_MODEL = re.compile(r"-(?!00001)\d{5}-of-\d{5}\.gguf$|mmproj", re.IGNORECASE)
_MOST_FILES = 1_000


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
    """The person's own GGUF first, then those that were pulled and those of the folders; only files that are there.

    Of two with the same name the first counts. The demonstration model is the last: nothing prefers it.
    """
    found: dict[str, LocalModel] = {}
    for name, file in _files(settings, cache):
        found.setdefault(name, _model(name, file, settings))
    demo = found.pop(demo_model.NAME, None)
    return (*found.values(), *([demo] if demo is not None else []))


def _files(settings: LocalSettings, cache: Path) -> Iterator[tuple[str, Path]]:
    own = settings.model.expanduser() if settings.model else None
    if own is not None and own.is_file():
        yield own.stem, own.absolute()
    shelf = Shelf(cache)
    for note in shelf.notes():
        if note.model != demo_model.NAME or settings.demo_model != "never":
            yield note.model, shelf.file(note)
    yield from _of_folders(settings.folders)


def _of_folders(folders: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    for folder in folders:
        try:
            there = sorted(folder.expanduser().rglob("*.gguf"))[:_MOST_FILES]
        except OSError:
            continue  # a disk that is not mounted brings no models
        for file in there:
            if file.is_file() and not _NO_MODEL.search(file.name):
                yield model_name(file.name), file.absolute()


def _model(name: str, file: Path, settings: LocalSettings) -> LocalModel:
    known = pullable_models().get(name)
    context = demo_model.CONTEXT_TOKENS if name == demo_model.NAME else settings.context_tokens
    if known is None:
        return LocalModel(name=name, file=file, context_tokens=context, gpu_layers=settings.gpu_layers)
    return LocalModel(
        name=name,
        file=file,
        context_tokens=min(context, known.context_tokens),
        gpu_layers=settings.gpu_layers,
        threads=known.threads,
        temperature=known.temperature,
        sampling=known.sampling,
    )
