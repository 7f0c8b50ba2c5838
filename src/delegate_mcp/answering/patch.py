"""From a model's patch to exact changes of the files that it was sent, and to the diff of them; touches no disk.

Only files that were sent may be changed or removed; new ones may be made, hidden ones not. Lines that a patch leaves
alone stay as they were to the byte: their line ends, blanks at their ends, a missing last line end, a byte order mark.
"""

import codecs
import difflib
import html
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from delegate_mcp.answering.patch_forms import FileEdit, Hunk, PatchError
from delegate_mcp.delivery.placing import Change
from delegate_mcp.delivery.untrusted import for_file
from delegate_mcp.domain.brief import Original
from delegate_mcp.domain.errors import InputError

_SHOWN_CHARS = 120
_LINES = re.compile(r":\d+(?:-\d*)?$")
"""Which lines of a file were sent, as its name says."""
_NO_END = "\\ No newline at end of file"


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file's change with its part of the diff."""

    shown: str
    """The path as models and the director read it."""
    change: Change
    diff: str
    added: int
    removed: int


class _Working:
    """A file as the patch has made it so far."""

    def __init__(self, shown: str, real: Path, original: Original | None) -> None:
        self.shown = shown
        self.real = real
        self.original = original
        self.lines: list[str] | None = None if original is None else _lines(original)
        """With their ends; None: there is no file."""
        self.end = (
            "\r\n" if sum(line.endswith("\r\n") for line in self.lines or ()) * 2 > len(self.lines or ()) else "\n"
        )

    def apply(self, edit: FileEdit) -> None:
        if edit.kind == "delete":
            if self.lines is None:
                raise PatchError(f"{self.shown} is not there, so it cannot be deleted")
            self.lines = None
            return
        floor = shift = 0
        for hunk in edit.hunks:
            floor, shift = self._hunk(hunk, floor, shift)

    def _hunk(self, hunk: Hunk, floor: int, shift: int) -> tuple[int, int]:
        """Put the new lines in place of the old; where they end now, and by how much what follows has moved."""
        if not hunk.old:
            if self.lines:
                raise PatchError(f"{self.shown} is there and not empty: say which of its lines the new ones replace")
            self.lines = [f"{line}{self.end}" for line in hunk.new]
            return len(self.lines), 0
        lines = self.lines
        if lines is None:
            raise PatchError(f"{self.shown} is not there: an empty SEARCH makes it")
        at = self._find(lines, hunk, floor, shift)
        ended = lines[-1].endswith("\n")
        lines[at : at + len(hunk.old)] = self._merged(lines[at : at + len(hunk.old)], hunk)
        self._mend_ends(lines, ended=ended)
        return at + len(hunk.new), shift + len(hunk.new) - len(hunk.old)

    def _find(self, lines: Sequence[str], hunk: Hunk, floor: int, shift: int) -> int:
        for key in (_bare, _key):
            found = _places([key(line) for line in lines], [key(line) for line in hunk.old])
            after = [place for place in found if place >= floor] or found
            if hunk.line is not None and after:
                believed = hunk.line - 1 + shift
                return min(after, key=lambda place: abs(place - believed))
            if len(after) == 1:
                return after[0]
            if after:
                raise PatchError(
                    f"these lines stand {len(after)} times in {self.shown}, so give more of those around them: "
                    f"{_told(hunk.old)}"
                )
        raise PatchError(f"these lines are not in {self.shown}: {_told(hunk.old)}")

    def _merged(self, own: Sequence[str], hunk: Hunk) -> Iterator[str]:
        """The new lines; of those that stay the file's own."""
        compared = difflib.SequenceMatcher(None, hunk.old, hunk.new, autojunk=False)
        for what, old, old_end, new, new_end in compared.get_opcodes():
            if what == "equal":
                yield from own[old:old_end]
            else:
                yield from (f"{line}{self.end}" for line in hunk.new[new:new_end])

    def _mend_ends(self, lines: list[str], *, ended: bool) -> None:
        """Each line ends but the last one, which ends where the file's last line did."""
        for place, line in enumerate(lines):
            if not line.endswith("\n"):
                lines[place] = f"{line}{self.end}"
        if lines and not ended:
            lines[-1] = lines[-1].removesuffix("\n").removesuffix("\r")

    def result(self) -> FileChange | None:
        """What has become of it; None: nothing."""
        before = None if self.original is None else self.original.data
        after = None if self.lines is None else "".join(self.lines).encode("utf-8", "replace")
        if after is not None and before is not None and before.startswith(codecs.BOM_UTF8):
            after = codecs.BOM_UTF8 + after
        if after == before:
            return None
        mode = None if self.original is None else self.original.mode
        old = [] if self.original is None else _lines(self.original, with_mark=True)
        new = [] if after is None else _split(after.decode())
        name = patch_name(self.shown)
        left, right = _quoted(f"a/{name}"), _quoted(f"b/{name}")
        head = [f"diff --git {left} {right}\n"]
        head += ["new file mode 100644\n"] if before is None else []
        head += ["deleted file mode 100644\n"] if after is None else []
        old_name = "/dev/null" if before is None else _closed(left)
        new_name = "/dev/null" if after is None else _closed(right)
        body = list(difflib.unified_diff(old, new, old_name, new_name))
        hunks = body[2:]
        return FileChange(
            self.shown,
            Change(self.real, before, after, mode),
            "".join(_ended(line) for line in (*head, *body)),
            sum(line.startswith("+") for line in hunks),
            sum(line.startswith("-") for line in hunks),
        )


Resolve = Callable[[str], tuple[Path, str, bool]]
"""Of a path that was not sent: where it really is, how it is shown, and whether something is there.

InputError, PatchError: it may not be written.
"""


def changes_of(edits: Sequence[FileEdit], originals: Sequence[Original], resolve: Resolve) -> tuple[FileChange, ...]:
    """What the edits make of the files. PatchError: they cannot be made."""
    working: dict[Path, _Working] = {}
    for edit in edits:
        original = _sent(edit.path, originals)
        if original is None:
            real, name = _new(edit.path, resolve, working)
        else:
            real, name = original.real, original.shown
        if real not in working:
            working[real] = _Working(name, real, original)
        working[real].apply(edit)
    found = [change for row in working.values() if (change := row.result()) is not None]
    if not found:
        raise PatchError("the patch changes nothing")
    return tuple(found)


def patch_name(shown: str) -> str:
    """A path as it stands in a patch: below the directory that it is applied in."""
    return shown.lstrip("/").replace(":", "")


def _sent(path: str, originals: Sequence[Original]) -> Original | None:
    plain = PurePosixPath(path.replace("\\", "/")).as_posix()
    names = (path, plain, _LINES.sub("", plain), html.unescape(plain))  # files are framed as in HTML
    return next((row for row in originals if row.shown in names or row.real.as_posix() in names), None)


def _new(path: str, resolve: Resolve, working: Mapping[Path, _Working]) -> tuple[Path, str]:
    try:
        real, shown, there = resolve(path)
    except InputError as error:  # its words name directories, which are none of a model's business
        raise PatchError(f"{path} may not be written: name a file that was sent, or a new one beside it") from error
    if there and real not in working:
        raise PatchError(f"{shown} is there and was not sent: only files that were sent can be changed")
    return real, shown


# --- Lines -----------------------------------------------------------------------------------------------------------


def _lines(original: Original, *, with_mark: bool = False) -> list[str]:
    data = original.data if with_mark else original.data.removeprefix(codecs.BOM_UTF8)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise PatchError(f"{original.shown} is not text in UTF-8 and cannot be patched")
    return _split(text)


def _split(text: str) -> list[str]:
    """By line feeds alone, each with its own: other signs that end lines somewhere are content here."""
    lines = text.split("\n")
    last = lines.pop()
    return [f"{line}\n" for line in lines] + ([last] if last else [])


def _bare(line: str) -> str:
    return line.removesuffix("\n").removesuffix("\r")


def _key(line: str) -> str:
    """A line as models see and repeat it: without what cannot be seen, and without blanks at its end."""
    return for_file(_bare(line)).rstrip()


def _places(lines: Sequence[str], wanted: Sequence[str]) -> list[int]:
    first = wanted[0]
    return [
        place
        for place in range(len(lines) - len(wanted) + 1)
        if lines[place] == first and list(lines[place : place + len(wanted)]) == list(wanted)
    ]


def _told(lines: Sequence[str]) -> str:
    first = next((line.strip() for line in lines if line.strip()), "(blank lines)")
    return first[:_SHOWN_CHARS]


def _ended(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n{_NO_END}\n"


def _quoted(name: str) -> str:
    """A path as git writes it where it holds quotes or backslashes."""
    if not any(sign in name for sign in '"\\'):
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _closed(name: str) -> str:
    """A name that may hold blanks ends at a tab."""
    return f"{name}\t" if " " in name and not name.startswith('"') else name
