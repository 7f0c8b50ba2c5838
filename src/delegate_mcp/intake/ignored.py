"""What .gitignore files and .git/info/exclude keep out of globs and directories; a name given in full is read anyway.

They count from the repository's top down, as git reads them, also where the top lies above a root. What stands there is
taken for patterns alone, and told to nobody.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from delegate_mcp import opening
from delegate_mcp.domain.errors import InputError
from delegate_mcp.intake.credential_files import OtherNames
from delegate_mcp.intake.sandbox import Roots

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

_FILES = (".git/info/exclude", ".gitignore")
"""In one directory; the later one wins."""
_MAX_BYTES = 256_000
_MAX_TOLD = 5


class Ignored:
    """The patterns of each directory, read when it is first walked through; one for each call."""

    def __init__(self, roots: Roots, other_names: OtherNames) -> None:
        self._roots = roots
        self._other_names = other_names
        self._above = {place for root in roots.roots for place in _above(root) if not roots.allows(place)}
        self._specs: dict[Path, GitIgnoreSpec | None] = {}
        self._chains: dict[Path, Sequence[tuple[int, GitIgnoreSpec]]] = {}
        self._left_out: dict[Path, None] = {}

    def covers(self, path: Path, *, is_directory: bool) -> bool:
        """Whether a walk passes it by: the last pattern that fits in the nearest directory that has one decides."""
        name = path.as_posix() + ("/" if is_directory else "")
        for begin, spec in self._chain(path.parent):
            decided = spec.check_file(name[begin:], ()).include
            if decided is not None:
                return decided
        return False

    def covers_way_to(self, directory: Path) -> bool:
        """Whether it or one above it is ignored; who names it all the same means what is in it."""
        return any(self.covers(place, is_directory=True) for place in (directory, *directory.parents))

    def leave_out(self, path: Path) -> None:
        """To be told."""
        self._left_out.setdefault(path)

    def notes(self) -> tuple[str, ...]:
        """What was passed by, with its number at the head."""
        if not self._left_out:
            return ()
        told = "; ".join(self._roots.shown(path) for path in list(self._left_out)[:_MAX_TOLD])
        more = len(self._left_out) - _MAX_TOLD
        return (f"{len(self._left_out)} git-ignored left out: {told}{f' and {more} more' if more > 0 else ''}",)

    def _chain(self, directory: Path) -> "Sequence[tuple[int, GitIgnoreSpec]]":
        """The patterns for what stands in a directory, the nearest first, with where the names they judge begin."""
        if directory not in self._chains:
            self._chains[directory] = tuple(
                (len(above.as_posix().rstrip("/")) + 1, spec)
                for above in (directory, *directory.parents)
                if (spec := self._spec(above)) is not None
            )
        return self._chains[directory]

    def _spec(self, directory: Path) -> "GitIgnoreSpec | None":
        if directory not in self._specs:
            known = self._roots.allows(directory) or directory in self._above
            self._specs[directory] = self._read(directory) if known else None
        return self._specs[directory]

    def _read(self, directory: Path) -> "GitIgnoreSpec | None":
        lines = [line for name in _FILES for line in self._lines(directory, directory / name)]
        if not lines:
            return None
        from pathspec import GitIgnoreSpec

        kept: list[str] = []
        for line in lines:
            with suppress(ValueError):  # git passes over a pattern that is none
                GitIgnoreSpec.from_lines([line])
                kept.append(line)
        return GitIgnoreSpec.from_lines(kept)

    def _lines(self, directory: Path, path: Path) -> list[str]:
        try:
            if not path.exists():
                return []
            with os.fdopen(self._open(directory, path), "rb") as file:
                return file.read(_MAX_BYTES).decode("utf-8", "replace").splitlines()
        except (OSError, InputError):
            return []

    def _open(self, directory: Path, path: Path) -> int:
        if directory in self._above:
            return opening.open_file(path)
        return self._roots.open_read(path.name, self._roots.resolve_read(str(path)), self._other_names)


def _above(root: Path) -> tuple[Path, ...]:
    """The directories above a root up to the top of its repository; none where it is the top, or in no repository.

    A repository of somebody else, who could leave one at any place above, is none, as it is for git.
    """
    for number, place in enumerate((root, *root.parents)):
        with suppress(OSError):
            if (place / ".git").lstat().st_uid == root.stat().st_uid:
                return tuple(root.parents)[:number]
    return ()
