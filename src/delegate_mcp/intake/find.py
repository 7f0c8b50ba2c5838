"""Finding files: expanding globs under the roots, and the nearest existing name for one that is missing."""

import glob
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path, PurePath

from delegate_mcp.domain.errors import InputError
from delegate_mcp.intake.ignored import Ignored
from delegate_mcp.intake.sandbox import Roots
from delegate_mcp.opening import Entry

_MAGIC = re.compile(r"[*?\[{]")
_BRACES = re.compile(r"\{([^{}]*,[^{}]*)\}")
_MAX_ALTERNATIVES = 64
_MAX_MATCHES = 2_000
_MAX_SEEN = 200_000
"""Directory entries looked at for one glob."""
_MAX_SEEN_FOR_A_NAME = 20_000
_SKIPPED = frozenset({"node_modules", "__pycache__"})
"""Not entered by `**`, as hidden directories are not; a pattern that names them reaches into them."""


def is_glob(path: str) -> bool:
    """Whether a path holds wildcards."""
    return _MAGIC.search(path) is not None


def expand(pattern: str, roots: Roots, ignored: Ignored) -> tuple[Path, ...]:
    """The files that match, sorted, from the first root that has any. InputError: outside, too wide, or none."""
    found: dict[Path, None] = {}
    for alternative in _alternatives(pattern):
        found.update(dict.fromkeys(_first_matches(alternative, pattern, roots, ignored)))
        _check_number(len(found), pattern)
    if not found:
        raise InputError(f"{pattern} matches no file under {roots.told()}{_but(ignored)}")
    return tuple(found)


def files_under(directory: Path, told: str, roots: Roots, ignored: Ignored) -> tuple[Path, ...]:
    """All files of a directory and of those in it, sorted. InputError: too many, or none."""
    found = _Search(told, roots, _MAX_SEEN, ignored).all(directory, ("**",))
    if not found:
        raise InputError(f"{told} is a directory without a file that could be sent{_but(ignored)}")
    return tuple(found)


def _but(ignored: Ignored) -> str:
    notes = ignored.notes()
    return f" ({notes[0]}). A name given in full is read." if notes else ". Check the pattern, or name the files."


def _check_number(count: int, told: str) -> None:
    if count > _MAX_MATCHES:
        raise InputError(f"{told} matches more than {_MAX_MATCHES:,} files, and no more can be sent. Narrow it.")


def nearest(path: str, roots: Roots) -> str | None:
    """The existing file that was most likely meant: a like name beside it, else the same name elsewhere."""
    place = next(roots.places(path))
    names = [entry.name for entry in roots.list_directory(place.parent)]
    close = [name for name in get_close_matches(place.name, names, 3) if not roots.is_secret(Path(name))]
    if close:
        return roots.shown(place.with_name(close[0]))
    search = _Search(path, roots, _MAX_SEEN_FOR_A_NAME, None)
    try:
        found = next(search.matches(roots.roots[0], ("**", glob.escape(place.name))), None)
    except InputError:  # a large tree: no suggestion is better than a slow one
        return None
    return roots.shown(found) if found and not roots.is_secret(found) else None


def _alternatives(pattern: str) -> tuple[str, ...]:
    """`{a,b}` as one pattern each."""
    done: list[str] = []
    todo = [pattern]
    while todo:
        text = todo.pop(0)
        if braces := _BRACES.search(text):
            todo += [text[: braces.start()] + part + text[braces.end() :] for part in braces[1].split(",")]
        else:
            done.append(text)
        if len(todo) + len(done) > _MAX_ALTERNATIVES:
            raise InputError(f"{pattern} has more than {_MAX_ALTERNATIVES} alternatives. Give several short patterns.")
    return tuple(done)


def _first_matches(pattern: str, told: str, roots: Roots, ignored: Ignored) -> list[Path]:
    """Sorted matches of a pattern without braces under the first root that has any."""
    parts = PurePath(pattern).parts
    wild = next((number for number, part in enumerate(parts) if is_glob(part)), len(parts) - 1)
    start, rest = str(PurePath(*parts[:wild])), parts[wild:]
    if start != ".":
        roots.resolve_read(start)
    for place in roots.places(start):
        found = _Search(told, roots, _MAX_SEEN, ignored).all(place, rest)
        if found:
            return found
    return []


@dataclass(slots=True)
class _Search:
    """One walk through directories, which ends when it has seen too much."""

    told: str
    roots: Roots
    left: int
    ignored: Ignored | None
    """None: nothing is passed by."""

    def all(self, directory: Path, parts: tuple[str, ...]) -> list[Path]:
        """The matches, sorted. InputError: too many, and none is looked for beyond that."""
        found: dict[Path, None] = {}
        named = self.ignored is None or self.ignored.covers_way_to(directory)
        for match in self.matches(directory, parts, named=named):
            found.setdefault(match)
            _check_number(len(found), self.told)
        return sorted(found)

    def matches(self, directory: Path, parts: tuple[str, ...], *, named: bool = False) -> Iterator[Path]:
        """Files under the directory that match; no link to a directory is followed unless it is named in full.

        `named`: the directory is ignored and was named in full, so that what is in it counts.
        """
        part, rest = parts[0], parts[1:]
        deep = part == "**"
        if deep:
            while rest[:1] == ("**",):
                rest = rest[1:]
            yield from self.matches(directory, rest or ("*",), named=named)
        for entry in self.roots.list_directory(directory):
            self._count()
            found = directory / entry.name
            if not deep:
                yield from self._step(found, entry, parts, named=named)
            elif _is_entered(entry) and not self._passes_by(found, entry, named=named):
                yield from self.matches(found, (part, *rest), named=named)

    def _step(self, path: Path, entry: Entry, parts: tuple[str, ...], *, named: bool) -> Iterator[Path]:
        """What a name in a directory leads to, where it fits the first part."""
        part, rest = parts[0], parts[1:]
        wild = is_glob(part)
        leads_on = entry.is_directory or (entry.leads_to_directory and not wild) if rest else entry.leads_to_file
        if not leads_on or not _fits(entry.name, part) or (wild and self._passes_by(path, entry, named=named)):
            return
        if rest:
            yield from self.matches(path, rest, named=named or (not wild and self._ignores(path, entry)))
        else:
            yield path

    def _ignores(self, path: Path, entry: Entry) -> bool:
        return self.ignored is not None and self.ignored.covers(path, is_directory=entry.is_directory)

    def _passes_by(self, path: Path, entry: Entry, *, named: bool) -> bool:
        if named or not self._ignores(path, entry):
            return False
        if self.ignored is not None:
            self.ignored.leave_out(path)
        return True

    def _count(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise InputError(f"{self.told} reaches over too many files. Begin it with a narrower directory.")


def _is_entered(entry: Entry) -> bool:
    """Whether `**` goes into it."""
    return entry.is_directory and not entry.name.startswith(".") and entry.name not in _SKIPPED


def _fits(name: str, part: str) -> bool:
    """A hidden name only fits a part that begins with a dot itself."""
    return fnmatchcase(name, part) and (not name.startswith(".") or part.startswith("."))
