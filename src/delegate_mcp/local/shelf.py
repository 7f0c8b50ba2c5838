"""The folder in which fetched models stand: each with a note of what it is and that it was whole."""

import json
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from delegate_mcp.domain.errors import ModelFetchError
from delegate_mcp.platforms import FileLock, private_dir, write_private

_NOTE = ".checked"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelfFile:
    """One file as it was when it was checked."""

    name: str
    size: int
    mtime: int
    """In whole seconds: archives and image layers keep no finer time."""
    sha256: str

    @classmethod
    def of(cls, path: Path, sha256: str) -> "ShelfFile":
        """That file as it is now."""
        facts = path.stat()
        return cls(name=path.name, size=facts.st_size, mtime=int(facts.st_mtime), sha256=sha256)

    def whole(self, folder: Path) -> bool:
        """Whether it is there as it was checked."""
        try:
            facts = (folder / self.name).stat()
        except OSError:
            return False
        return (facts.st_size, int(facts.st_mtime)) == (self.size, self.mtime)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What is known of one fetched model."""

    model: str
    source: str
    licence: str
    files: tuple[ShelfFile, ...]

    @property
    def size(self) -> int:
        """Of all its files."""
        return sum(file.size for file in self.files)


class Shelf:
    """The models of one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def notes(self) -> tuple[Note, ...]:
        """Every model that is there whole, by name."""
        try:
            found = [note for path in self.folder.glob(f"*{_NOTE}") if (note := _read(path)) is not None]
        except OSError:
            return ()
        there = (note for note in found if note.files and all(file.whole(self.folder) for file in note.files))
        return tuple(sorted(there, key=lambda note: note.model))

    def find(self, model: str) -> Note | None:
        """The model of that name, or None where it is missing, changed since it was checked, or never checked."""
        return next((note for note in self.notes() if note.model == model), None)

    def file(self, note: Note) -> Path:
        """What an engine is given: the first of its files."""
        return self.folder / note.files[0].name

    def write(self, note: Note) -> None:
        """Note that these files were checked, so that later starts need not read them whole."""
        private_dir(self.folder)
        write_private(self._note(note), json.dumps(asdict(note), ensure_ascii=False).encode())

    def remove(self, note: Note) -> None:
        """Take a model off the shelf: the note first, so that half a model never counts as one."""
        self._note(note).unlink(missing_ok=True)
        for file in note.files:
            (self.folder / file.name).unlink(missing_ok=True)

    @contextmanager
    def fetching(self, file: str) -> Generator[None]:
        """Only one process fetches a file at a time. ModelFetchError where another does."""
        lock = FileLock(private_dir(private_dir(self.folder) / ".locks") / file)
        if not lock.take():
            raise ModelFetchError(
                f"{file} is being fetched by another process. Wait for it, or end it, and run this again."
            )
        try:
            yield
        finally:
            lock.free()

    def _note(self, note: Note) -> Path:
        return self.folder / f"{note.files[0].name}{_NOTE}"


def _read(path: Path) -> Note | None:
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
        files: Sequence[dict[str, Any]] = data["files"]
        # Only names: a note must not lead out of its folder.
        made = tuple(ShelfFile(**file) for file in files if Path(file["name"]).name == file["name"])
        return Note(model=str(data["model"]), source=str(data["source"]), licence=str(data["licence"]), files=made)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None  # not ours, or of another version: the file is checked again where it is fetched again
