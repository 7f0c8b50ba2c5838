"""The `files` parameter: what its entries stand for becomes framed parts and a manifest of what was sent.

An entry is a path, a glob or a directory, with lines where it says so (`lines`), a `git:` entry (`git`), or `url:`
and a URL, which is fetched later, once the privacy gate has passed it. What is named must be usable, else nothing is
sent. Of what a glob or a directory holds, what cannot be sent is left out and said.
All of it reads the disk: callers run it in a worker thread.
"""

import html
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from delegate_mcp.config.settings import FileSettings
from delegate_mcp.domain.brief import FileSent, Image
from delegate_mcp.domain.errors import InputError
from delegate_mcp.domain.usage import estimate_tokens
from delegate_mcp.intake import git, lines
from delegate_mcp.intake.excerpts import Excerpts
from delegate_mcp.intake.find import expand, files_under, is_glob, nearest
from delegate_mcp.intake.ignored import Ignored
from delegate_mcp.intake.image_formats import MEANT
from delegate_mcp.intake.lines import WHOLE, Lines
from delegate_mcp.intake.sandbox import Roots
from delegate_mcp.intake.source import FORBIDDEN, Source
from delegate_mcp.intake.unfit import Unfit

URL = "url:"
_MAX_TOLD = 5
_LINE_ENDS = "\r\n"


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that is sent, under its name; of a page that is still to be fetched, the URL."""

    name: str
    text: str = ""
    url: str = ""
    image: Image | None = None
    """A picture, which goes beside the text."""
    real: Path | None = None
    """Where the file stands that it is of."""

    @property
    def framed(self) -> str:
        """The text between marks that say what it is."""
        if self.image is not None:
            return f'<image path="{html.escape(self.name)}"/>'
        if self.url:
            return f'<page url="{html.escape(self.name)}">\n{self.text}\n</page>'
        return f'<file path="{html.escape(self.name)}">\n{self.text.rstrip(_LINE_ENDS)}\n</file>'

    @property
    def sent(self) -> FileSent:
        """Its row in the manifest."""
        if self.image is not None:
            kind = f"{self.image.media_type} {self.image.width}x{self.image.height}"
            return FileSent(self.name, self.image.director_tokens, 0, kind)
        return FileSent(self.name, estimate_tokens(self.framed), len(self.text))


@dataclass(frozen=True, slots=True)
class FilesRead:
    """All entries of a call, in their order."""

    parts: tuple[Part, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All parts as they are sent."""
        return "\n\n".join(part.framed for part in self.parts)

    @property
    def manifest(self) -> tuple[FileSent, ...]:
        """What was sent."""
        return tuple(part.sent for part in self.parts)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A file that an entry stands for."""

    real: Path
    named: str | None
    """The entry that names it; None where it was found by a glob or in a directory."""
    lines: Lines
    seen: bool
    """Where it is an image: whether it is meant to be seen, as one that is named or found by a glob for images."""


def read_files(names: Sequence[str], *, roots: Roots, limits: FileSettings) -> FilesRead:
    """Read what the entries stand for, in their order, each thing once. InputError says what to mend."""
    return _Reading(roots, limits).read(names)


class _Reading:
    """The reading of one call's entries."""

    def __init__(self, roots: Roots, limits: FileSettings) -> None:
        self._roots = roots
        self._limits = limits
        other_names = roots.other_names()
        self._source = Source(roots, limits, other_names)
        self._ignored = Ignored(roots, other_names)
        self._left_out: list[str] = []
        self._new: dict[Path, str] = {}
        """Files that a `git:` entry does not show, since git does not know them."""
        self._total = 0
        self._images = 0

    def read(self, names: Sequence[str]) -> FilesRead:
        wanted: list[_Wanted | Part] = []
        for name in names:
            wanted += self._resolve(name)
        of_file: dict[Path, list[_Wanted]] = {}
        for row in wanted:
            if isinstance(row, _Wanted):
                of_file.setdefault(row.real, []).append(row)
        read: dict[Path, Excerpts | Image] = {}
        parts: dict[str, Part] = {}
        for row in wanted:
            if isinstance(row, Part):
                parts.setdefault(row.name, row)
                continue
            if row.real not in read:
                read[row.real] = self._file(of_file[row.real])
            held, name = read[row.real], self._roots.shown(row.real)
            if isinstance(held, Image):
                parts.setdefault(name, Part(name, image=held))
            elif (found := held.of(row.lines)) is not None:
                name += f":{found}" if found != WHOLE else ""
                parts.setdefault(name, Part(name, held.text(found), real=row.real))
        untracked = [f"{self._roots.shown(path)} ({entry})" for path, entry in self._new.items() if path not in of_file]
        if names and not parts:
            left_out = _told([*self._left_out, *untracked])
            raise InputError(f"Nothing that {', '.join(names)} matches can be sent: {left_out}. Name other files.")
        files = "file" if len(self._left_out) == 1 else "files"
        notes = (*_note(files, self._left_out), *_note("untracked", untracked), *self._ignored.notes())
        return FilesRead(tuple(parts.values()), notes)

    # --- Which files -------------------------------------------------------------------------------------------------

    def _resolve(self, name: str) -> Iterator[_Wanted | Part]:
        if name.lower().startswith(URL):
            url = name[len(URL) :].strip()
            yield Part(url, url=url)
        elif self._is_there(name):
            yield from self._named(name, name, WHOLE)
        elif name.startswith(git.PREFIX):
            yield self._git(name)
        else:
            path, asked = lines.split(name) or (name, WHOLE)
            if is_glob(path) and not self._is_there(path):
                images = MEANT.search(path.rpartition("/")[2]) is not None
                yield from self._found(expand(path, self._roots, self._ignored), asked, images=images)
            else:
                yield from self._named(path, name, asked)

    def _is_there(self, name: str) -> bool:
        return any(os.path.lexists(place) for place in self._roots.places(name))

    def _named(self, path: str, name: str, asked: Lines) -> Iterator[_Wanted]:
        real = self._roots.resolve_read(path)
        if real.is_dir():
            yield from self._found(files_under(real, name, self._roots, self._ignored), asked)
        elif os.path.exists(real):  # noqa: PTH110 - Path.exists raises for a directory that may not be entered
            yield _Wanted(real, name, asked, seen=True)
        else:
            raise InputError(f"{name} is not there. {self._suggestion(path)}")

    def _found(self, matches: Sequence[Path], asked: Lines, *, images: bool = False) -> Iterator[_Wanted]:
        for match in matches:
            try:
                yield _Wanted(self._roots.resolve_read(str(match)), None, asked, seen=images)
            except InputError:
                self._left_out.append(f"{self._roots.shown(match)} ({FORBIDDEN.why})")

    def _suggestion(self, path: str) -> str:
        if path.lower().startswith(("http://", "https://")):
            return f"Write {URL}{path} to have it fetched."
        near = nearest(path, self._roots)
        return f"Is {near} meant?" if near else f"Paths are relative to {self._roots.told()}."

    # --- What they hold ----------------------------------------------------------------------------------------------

    def _git(self, entry: str) -> Part:
        found = git.read_git(entry, self._roots, self._limits.max_file_bytes)
        self._left_out += found.left_out
        self._new |= dict.fromkeys(found.new, entry)
        self._count(len(found.text), entry)
        return Part(entry, found.text)

    def _file(self, asked: Sequence[_Wanted]) -> Excerpts | Image:
        """What all entries together want of one file. InputError: it was named and cannot be used."""
        real, shown = asked[0].real, self._roots.shown(asked[0].real)
        named = next((row.named for row in asked if row.named is not None), None)
        seen = any(row.seen for row in asked)
        found = self._source.read(real, named, [row.lines for row in asked], seen=seen)
        if isinstance(found, Unfit):
            if named is not None:
                raise InputError(f"{named} {found.why}. {found.advice}")
            self._left_out.append(f"{shown} ({found.why})")
            return Excerpts()
        if isinstance(found, Image):
            self._images += 1
            if self._images > self._limits.max_images:
                raise InputError(
                    f"With {shown} there are more than {self._limits.max_images} images. Send fewer, or raise "
                    "files.max_images in the settings."
                )
            self._count(len(found.data), shown)
            return found
        for row in asked:
            if found.of(row.lines) is None:
                if row.named is not None:
                    raise InputError(f"{row.named}: {found.reach}.")
                self._left_out.append(f"{shown}:{row.lines} ({found.reach})")
        self._count(sum(len(text.encode()) for text in found.texts()), shown)
        return found

    def _count(self, size: int, shown: str) -> None:
        self._total += size
        limit = self._limits.max_total_bytes
        if self._total > limit:
            raise InputError(
                f"With {shown} the files are larger than {limit:,} bytes together. Send fewer, or raise "
                "files.max_total_bytes in the settings."
            )


def _note(what: str, left_out: Sequence[str]) -> tuple[str, ...]:
    return (f"{len(left_out)} {what} left out: {_told(left_out)}",) if left_out else ()


def _told(left_out: Sequence[str]) -> str:
    more = len(left_out) - _MAX_TOLD
    return "; ".join(left_out[:_MAX_TOLD]) + (f" and {more} more" if more > 0 else "")
