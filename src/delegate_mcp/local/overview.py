"""The models that are here and those that `local pull` knows, and which of them this machine has room for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from delegate_mcp.catalog.local_models import pullable_models
from delegate_mcp.config.settings import LocalSettings
from delegate_mcp.local.footprint import fitting
from delegate_mcp.local.hardware import Hardware
from delegate_mcp.local.models import LocalModel, local_models
from delegate_mcp.local.shelf import Shelf

_GB = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewRow:
    """One model."""

    name: str
    file: Path | None
    """None: not fetched."""
    size: int
    """Bytes on the disk, here or to come."""
    licence: str
    good_for: tuple[str, ...]
    context_tokens: int
    """At which it is hosted, or for which it was trained where it is not here."""
    fits: bool
    source: str


def overview(settings: LocalSettings, cache: Path, hardware: Hardware) -> tuple[OverviewRow, ...]:
    """Those that are here first."""
    here = local_models(settings, cache)
    names = {model.name for model in here}
    room = set(fitting(hardware.emptied()))
    to_come = tuple(
        OverviewRow(
            name=row.name,
            file=None,
            size=row.size,
            licence=row.licence,
            good_for=row.good_for,
            context_tokens=row.context_tokens,
            fits=row.name in room or not row.good_for,
            source=row.source,
        )
        for row in pullable_models().values()
        if row.name not in names
    )
    return (*_here(here, Shelf(cache), hardware), *to_come)


def proposal(rows: Sequence[OverviewRow]) -> OverviewRow | None:
    """The one model worth fetching next: of those that fit, the one for most of the work that no model here is for."""
    done = {task for row in rows if row.file is not None for task in row.good_for}
    new = [(len(set(row.good_for) - done), row) for row in rows if row.file is None and row.fits]
    most, best = max(new, key=lambda pair: pair[0], default=(0, None))
    return best if most else None


def told(hardware: Hardware) -> str:
    """The memory of the machine in words."""
    gpus = [f"{gpu.name} with {gpu.free / _GB:.1f} of {gpu.total / _GB:.1f} GB free" for gpu in hardware.gpus]
    ram = f"{hardware.ram_free / _GB:.1f} of {hardware.ram_total / _GB:.1f} GB RAM free"
    return ", ".join([ram, *(gpus or ["no GPU found"])])


def _here(models: Iterable[LocalModel], shelf: Shelf, hardware: Hardware) -> Iterable[OverviewRow]:
    notes = {note.model: note for note in shelf.notes()}
    room = hardware.emptied()
    memory = room.ram_free + sum(gpu.free for gpu in room.gpus if not gpu.unified)
    for model in models:
        note, known = notes.get(model.name), pullable_models().get(model.name)
        size = note.size if note is not None else model.file.stat().st_size
        yield OverviewRow(
            name=model.name,
            file=model.file,
            size=size,
            licence=note.licence if note is not None else "",
            good_for=known.good_for if known is not None else (),
            context_tokens=model.context_tokens,
            fits=size <= memory,
            source=note.source if note is not None else str(model.file),
        )
