"""The `files` parameter: paths and globs become one framed text and a manifest of what was sent.

A file that is named must be usable, else nothing is sent. Of a glob's matches, what cannot be sent is left out
and said.
All of it reads the disk: callers run it in a worker thread.
"""

import codecs
import html
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from delegate_mcp.config.settings import FileSettings
from delegate_mcp.domain.brief import FileSent
from delegate_mcp.domain.errors import InputError
from delegate_mcp.domain.usage import estimate_tokens
from delegate_mcp.intake.credential_files import OtherNames
from delegate_mcp.intake.find import expand, is_glob, nearest
from delegate_mcp.intake.sandbox import Roots
from delegate_mcp.opening import NotRegularError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NOT_IN_TEXT = bytes([*range(7), *range(14, 27), *range(28, 32), 127])
"""Control bytes that text in an old 8-bit encoding does not hold."""
_MAX_HIGH_SHARE = 0.3
_MAX_TOLD = 5
_LINE_ENDS = "\r\n"


@dataclass(frozen=True, slots=True)
class FilesRead:
    """All files of a call as they are sent."""

    text: str
    manifest: tuple[FileSent, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why a file cannot be sent, and what to do."""

    why: str
    advice: str


_BINARY = Unfit("is binary, not text", "Name text files only.")
_SPECIAL = Unfit("is no regular file", "Name text files only.")
_FORBIDDEN = Unfit("outside, or holds credentials", "Name other files.")
_DIRECTORY = Unfit("is a directory", "Name its files, or give a glob such as src/**/*.py.")


def read_files(names: Sequence[str], *, roots: Roots, limits: FileSettings) -> FilesRead:
    """Read what the names and globs stand for, in their order, each file once. InputError says what to mend."""
    framed: list[str] = []
    manifest: list[FileSent] = []
    left_out: list[str] = []
    total = 0
    other_names = roots.other_names()
    for real, named in _resolved(names, roots, left_out).items():
        shown = roots.shown(real)
        data = _bytes_of(real, named, limits.max_file_bytes, roots, other_names)
        text = decode(data) if isinstance(data, bytes) else data
        if isinstance(text, Unfit):
            if named is not None:
                raise InputError(f"{named} {text.why}. {text.advice}")
            left_out.append(f"{shown} ({text.why})")
            continue
        total += len(data) if isinstance(data, bytes) else 0
        if total > limits.max_total_bytes:
            raise InputError(
                f"With {shown} the files are larger than {limits.max_total_bytes:,} bytes together. Send fewer, or "
                "raise files.max_total_bytes in the settings."
            )
        framed.append(frame(shown, text))
        manifest.append(FileSent(shown, estimate_tokens(framed[-1]), len(text)))
    if names and not manifest:
        raise InputError(f"Nothing that {', '.join(names)} matches can be sent: {_told(left_out)}. Name text files.")
    return FilesRead("\n\n".join(framed), tuple(manifest), _notes(left_out))


def frame(path: str, text: str) -> str:
    """A file's text between marks that name its path."""
    return f'<file path="{html.escape(path)}">\n{text.rstrip(_LINE_ENDS)}\n</file>'


def decode(data: bytes) -> str | Unfit:
    """A text file's text: by its byte order mark, as UTF-8, else as Windows-1252 where it plainly is text."""
    encoding = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), None)
    if encoding is None and b"\0" in data:
        return _BINARY
    for attempt in (encoding,) if encoding else ("utf-8", "cp1252"):
        if attempt != "cp1252" or _plainly_text(data):
            with suppress(UnicodeDecodeError):
                return data.decode(attempt)
    return _BINARY


def _plainly_text(data: bytes) -> bool:
    high = sum(byte > 127 for byte in data)  # noqa: PLR2004 - the end of ASCII
    return high <= _MAX_HIGH_SHARE * len(data) and len(data.translate(None, _NOT_IN_TEXT)) == len(data)


def _resolved(names: Sequence[str], roots: Roots, left_out: list[str]) -> dict[Path, str | None]:
    """Real path of each file, with the name it was given by; None where only a glob matched it."""
    found: dict[Path, str | None] = {}
    for name in names:
        if is_glob(name) and not any(os.path.lexists(place) for place in roots.places(name)):
            for match in expand(name, roots):
                try:
                    found.setdefault(roots.resolve_read(str(match)))
                except InputError:
                    left_out.append(f"{roots.shown(match)} ({_FORBIDDEN.why})")
            continue
        real = roots.resolve_read(name)
        if not os.path.exists(real):  # noqa: PTH110 - Path.exists raises for a directory that may not be entered
            raise InputError(f"{name} is not there. {_suggestion(name, roots)}")
        found[real] = name
    return found


def _suggestion(name: str, roots: Roots) -> str:
    near = nearest(name, roots)
    return f"Is {near} meant?" if near else f"Paths are relative to {roots.told()}."


def _bytes_of(real: Path, named: str | None, limit: int, roots: Roots, other_names: OtherNames) -> bytes | Unfit:
    """The content of a regular file, judged by what was opened."""
    try:
        with os.fdopen(roots.open_read(named or roots.shown(real), real, other_names), "rb") as file:
            data = file.read(limit + 1) if os.fstat(file.fileno()).st_size <= limit else None
    except InputError:  # another file took its place since it was found
        if named is not None:
            raise
        return _FORBIDDEN
    except IsADirectoryError:
        return _DIRECTORY
    except NotRegularError:
        return _SPECIAL
    except OSError as error:
        return Unfit(f"cannot be read: {error.strerror}", "Check its permissions, or leave it out.")
    if data is None or len(data) > limit:
        return Unfit(
            f"is larger than {limit:,} bytes",
            "Send the part that matters, or raise files.max_file_bytes in the settings.",
        )
    return data


def _notes(left_out: list[str]) -> tuple[str, ...]:
    if not left_out:
        return ()
    return (f"{len(left_out)} {'file' if len(left_out) == 1 else 'files'} left out: {_told(left_out)}",)


def _told(left_out: list[str]) -> str:
    more = len(left_out) - _MAX_TOLD
    return "; ".join(left_out[:_MAX_TOLD]) + (f" and {more} more" if more > 0 else "")
