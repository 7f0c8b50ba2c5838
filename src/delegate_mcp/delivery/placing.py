"""Files put in place, all of a call's or none: written beside their targets first, then renamed into place.

What stands there is read before and must be what the caller says, so that nobody's own change is written over. All of
it touches the disk: callers run it in a worker thread.
"""

import errno
import os
import secrets
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from delegate_mcp import opening

Resolve = Callable[[str], Path]
"""Where a path to write really is, or InputError (`Roots.resolve_write`)."""
_NAME_CHARS = 100
_CHANGED = "changed since it was read"


class ChangedError(Exception):
    """A file is not what or where it was; nothing was written."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"{path} {what}")
        self.path = path
        self.what = what
        """What became of it, as the end of a sentence that begins with its name."""


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one file."""

    path: Path
    """Its real path."""
    before: bytes | None
    """What must stand there; None: nothing."""
    after: bytes | None
    """What will; None: nothing."""
    mode: int | None = None
    """Its permissions, for where it must be made anew."""

    @property
    def back(self) -> "Change":
        """The change that undoes it."""
        return Change(self.path, self.after, self.before, self.mode)


def place(changes: Sequence[Change], resolve: Resolve) -> tuple[Path, ...]:
    """Make all changes or none; the directories that were made for them, the deepest first.

    ChangedError, FileExistsError, other OSError, InputError: nothing was changed.
    """
    made = _missing(changes)
    try:
        _place(changes, resolve)
    except BaseException:
        remove_empty(made)
        raise
    return made


def _place(changes: Sequence[Change], resolve: Resolve) -> None:
    done: list[_Step] = []
    with ExitStack() as held:
        steps: list[_Step] = []
        try:
            for change in changes:
                parent = held.enter_context(opening.directory(change.path.parent, make=change.after is not None))
                steps.append(_Step(parent, change, resolve))
                steps[-1].prepare()
            for step in steps:
                step.commit()
                done.append(step)
        except BaseException:
            for step in reversed(done):
                step.undo()
            raise
        finally:
            for step in steps:
                step.clean()


def put_back(changes: Sequence[Change], resolve: Resolve) -> tuple[Path, ...]:
    """Undo changes, each by itself; those that stay as they are, since somebody has changed the file again."""
    kept: list[Path] = []
    for change in changes:
        try:
            place([change.back], resolve)
        except Exception:  # noqa: BLE001 - whatever hinders one, the others are put back
            kept.append(change.path)
    return tuple(kept)


def remove_empty(directories: Sequence[Path]) -> None:
    """Take away those that hold nothing."""
    for directory in directories:
        with suppress(OSError):
            directory.rmdir()


def content(real: Path, most: int) -> bytes | None:
    """What stands there, None where nothing does; OSError, also of what is larger or no file."""
    try:
        with opening.directory(real.parent) as parent:
            return _read(parent, real.name, most)
    except FileNotFoundError:
        return None


def _missing(changes: Sequence[Change]) -> tuple[Path, ...]:
    wanted = {parent for change in changes if change.after is not None for parent in change.path.parents}
    return tuple(sorted((path for path in wanted if not os.path.lexists(path)), key=lambda path: -len(path.parts)))


def _read(parent: opening.Directory, name: str, most: int) -> bytes:
    with os.fdopen(parent.open(name), "rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"it is larger than {most:,} bytes", name)
    return data


class _Step:
    """One change on its way."""

    def __init__(self, parent: opening.Directory, change: Change, resolve: Resolve) -> None:
        self._parent = parent
        self._change = change
        self._resolve = resolve
        self._name = change.path.name
        draft = f".{self._name[:_NAME_CHARS]}.{secrets.token_hex(4)}"
        self._draft, self._old = f"{draft}.part", f"{draft}.old"

    def prepare(self) -> None:
        """All that can fail: look at what is there, and write the new file beside it."""
        self._check_place()
        mode = self._change.mode
        if self._change.before is not None:
            self._check_unchanged(self._change.before)
            mode = self._parent.mode(self._name)
        if self._change.after is not None:
            self._write(self._draft, self._change.after, mode)
        self._check_place()

    def commit(self) -> None:
        """Rename or link: one step for whoever looks at the file."""
        if self._change.before is None:
            self._link_or_write()
            return
        if self._change.after is None:
            self._parent.rename(self._name, self._old)
            return
        with suppress(OSError):  # a file system without links: it is written anew where it must be put back
            self._parent.link(self._name, self._old)
        self._parent.rename(self._draft, self._name)

    def undo(self) -> None:
        """Back to what was there before the commit."""
        if self._change.before is None:
            self._parent.remove(self._name)
            return
        try:
            self._parent.rename(self._old, self._name)
        except FileNotFoundError:
            self._parent.remove(self._name)
            self._write(self._name, self._change.before, None)

    def clean(self) -> None:
        """Leave nothing beside the file."""
        self._parent.remove(self._draft)
        self._parent.remove(self._old)

    def _link_or_write(self) -> None:
        """Linking fails where a file is, in one step."""
        if self._change.after is None:
            return
        try:
            self._parent.link(self._draft, self._name)
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            self._write(self._name, self._change.after, None)

    def _check_place(self) -> None:
        """The directory that is held is still one that may be written: it may have been moved, or a link made of it."""
        real = (self._parent.place() or self._change.path.parent) / self._name
        if self._resolve(str(real)) != real:
            raise ChangedError(self._change.path, "changed its place while it was written")

    def _check_unchanged(self, before: bytes) -> None:
        try:
            found = _read(self._parent, self._name, len(before))
        except OSError as error:
            if isinstance(error, PermissionError):
                raise
            raise ChangedError(self._change.path, _CHANGED) from error
        if found != before:
            raise ChangedError(self._change.path, _CHANGED)

    def _write(self, name: str, data: bytes, mode: int | None) -> None:
        with os.fdopen(self._parent.create(name, mode), "wb") as file:
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                self._parent.remove(name)
                raise
