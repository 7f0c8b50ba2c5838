"""A patch as models write it, read into one form: edit blocks, unified diffs, and the form that gpt models were taught.

Numbers of lines and counts in it are hints at most: models miscount. What cannot be read is a PatchError in words for
the model that wrote it. To take another form: a reader here, and rows in the tests.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

SEARCH, DIVIDER, REPLACE = "<<<<<<< SEARCH", "=======", ">>>>>>> REPLACE"
_SEARCH = re.compile(r"<{5,9} ?SEARCH(?: +(?P<path>\S.*))?\s*")
_DIVIDER = re.compile(r"={5,9}\s*")
_REPLACE = re.compile(r">{5,9} ?REPLACE\s*")
_FENCE = re.compile(r"\s{0,3}(?:`{3,}|~{3,})")
_HUNK = re.compile(r"@@(?: -(?P<line>\d+)(?:,\d+)? \+\d+(?:,\d+)? @@.*|.*)")
_STEP = re.compile(r"\*\*\* (?P<what>Update|Add|Delete) File: (?P<path>.+)")
_REFUSED = (
    (re.compile(r"GIT binary patch|Binary files .* differ"), "binary files cannot be patched"),
    (re.compile(r"rename (?:from|to) |\*\*\* Move to: "), "files cannot be renamed: delete the one, make the other"),
    (re.compile(r"(?:new file|new) mode 1[26]"), "links and submodules cannot be made"),
)
_NO_FILE = "/dev/null"
_LIKE_A_PATH = re.compile(r"(?=.*(?:/|\.\w))[^\s:*?\"<>|`]+")
_AROUND_A_PATH = "`*#:\"' \t"
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)")
_SAID = re.compile(r"(?:File|Path|Filename):\s*", re.IGNORECASE)


class PatchError(Exception):
    """The patch cannot be used; the text says to its writer why not."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines, without their ends, and those that take their place."""

    old: tuple[str, ...]
    new: tuple[str, ...]
    line: int | None = None
    """Where the old ones begin, from 1, as the writer believes."""


@dataclass(frozen=True, slots=True)
class FileEdit:
    """What is to become of one file. A file may have several, which follow each other."""

    path: str
    kind: Literal["change", "delete"]
    hunks: tuple[Hunk, ...] = ()
    """One without old lines makes a new file."""


def read_patch(text: str, known: Collection[str]) -> tuple[FileEdit, ...]:
    """All edits in their order. `known`: the paths that the writer was shown."""
    edits = _Reader(text, known).read()
    if not edits:
        raise PatchError(f"there is no edit block in the answer: write {SEARCH} … {REPLACE} under the file's path")
    return tuple(edits)


class _Reader:
    """Reads one answer, line by line."""

    def __init__(self, text: str, known: Collection[str]) -> None:
        self._lines = [line.removesuffix("\r") for line in text.split("\n")]
        self._known = known
        self._at = 0
        self._path = next(iter(known)) if len(known) == 1 else None
        """Of the next block that names none."""
        self._fenced = False

    def read(self) -> list[FileEdit]:
        edits: list[FileEdit] = []
        while self._at < len(self._lines):
            line = self._lines[self._at]
            for pattern, why in _REFUSED:
                if pattern.match(line):
                    raise PatchError(why)
            if (found := _SEARCH.fullmatch(line)) is not None:
                edits.append(self._block(found["path"]))
            elif self._is_head():
                edits.append(self._diff())
            elif (step := _STEP.fullmatch(line)) is not None:
                edits.append(self._step(step))
            else:
                self._pass_by(line)
        return edits

    def _pass_by(self, line: str) -> None:
        """What stands between edits: fences, words, and the path of the next block."""
        if _FENCE.match(line):
            self._fenced = not self._fenced
        if path := self._as_path(line):
            self._path = path
        self._at += 1

    def _as_path(self, line: str) -> str | None:
        told = _SAID.sub("", line.strip().lstrip("`~#*- ").rstrip(_AROUND_A_PATH), count=1).strip(_AROUND_A_PATH)
        return told if told in self._known or _LIKE_A_PATH.fullmatch(told) else None

    # --- Edit blocks -------------------------------------------------------------------------------------------------

    def _block(self, named: str | None) -> FileEdit:
        path = (named or "").strip(_AROUND_A_PATH) or self._path
        if not path:
            raise PatchError(f"a block has no path on the line before {SEARCH}")
        self._path = path
        self._at += 1
        begin = self._at
        while self._at < len(self._lines) and not _REPLACE.fullmatch(self._lines[self._at]):
            if _SEARCH.fullmatch(self._lines[self._at]):
                break
            self._at += 1
        body = self._lines[begin : self._at]
        if self._at == len(self._lines) or not _REPLACE.fullmatch(self._lines[self._at]):
            raise PatchError(f"a block of {path} has no {REPLACE} line")
        self._at += 1
        dividers = [place for place, line in enumerate(body) if _DIVIDER.fullmatch(line)]
        if not dividers:
            raise PatchError(f"a block of {path} has no {DIVIDER} line")
        if len(dividers) > 1:
            raise PatchError(f"a block of {path} has several {DIVIDER} lines: write this change as a unified diff")
        old, new = body[: dividers[0]], body[dividers[0] + 1 :]
        return FileEdit(path, "change", (Hunk(() if not any(old) else tuple(old), tuple(new)),))

    # --- Diffs -------------------------------------------------------------------------------------------------------

    def _is_head(self, at: int | None = None) -> bool:
        """Whether a file's part of a unified diff begins there."""
        at = self._at if at is None else at
        return self._lines[at].startswith("--- ") and self._line(at + 1).startswith("+++ ")

    def _line(self, at: int) -> str:
        return self._lines[at] if at < len(self._lines) else ""

    def _diff(self) -> FileEdit:
        old, new = self._name(self._lines[self._at]), self._name(self._lines[self._at + 1])
        self._at += 2
        if new == _NO_FILE:
            self._hunks(old)
            return FileEdit(old, "delete")
        hunks = self._hunks(new)
        if not hunks:
            raise PatchError(f"the diff of {new} has no @@ line with changes below it")
        return FileEdit(new, "change", hunks)

    def _name(self, line: str) -> str:
        name = line[4:].partition("\t")[0].strip()
        if name.startswith('"') and name.endswith('"') and len(name) > 1:
            name = _unquoted(name[1:-1])
        return name[2:] if name[:2] in {"a/", "b/"} and name not in self._known else name

    def _step(self, step: re.Match[str]) -> FileEdit:
        path = step["path"].strip(_AROUND_A_PATH)
        self._at += 1
        if step["what"] == "Delete":
            return FileEdit(path, "delete")
        if self._line(self._at).startswith("*** Move to: "):
            raise PatchError(_REFUSED[1][1])
        hunks = self._hunks(path, begun=True)
        if not hunks:
            raise PatchError(f"nothing stands below the line that names {path}")
        return FileEdit(path, "change", hunks)

    def _hunks(self, path: str, *, begun: bool = False) -> tuple[Hunk, ...]:
        """The hunks that follow; `begun`: the first needs no @@ line."""
        hunks: list[Hunk] = []
        while self._at < len(self._lines):
            head = _HUNK.fullmatch(self._lines[self._at])
            if head is None and not begun:
                break
            self._at += head is not None
            begun = False
            found = self._hunk(path, int(head["line"]) if head and head["line"] else None)
            if found.old or found.new:
                hunks.append(found)
        return tuple(hunks)

    def _hunk(self, path: str, line: int | None) -> Hunk:
        body: list[str] = []
        while self._at < len(self._lines) and not self._ends():
            text = self._lines[self._at]
            if text and text[0] not in " +-\\":
                if self._fenced or not body or body[-1]:
                    raise PatchError(f"a line of the diff of {path} begins with neither a blank, nor +, nor -")
                break
            body.append(text)
            self._at += 1
        while body and not body[-1]:  # the blank line behind a diff is none of it
            body.pop()
        old = tuple(text[1:] for text in body if text[:1] in {"", " ", "-"})
        new = tuple(text[1:] for text in body if text[:1] in {"", " ", "+"})
        return Hunk(old, new, line)

    def _ends(self) -> bool:
        line = self._lines[self._at]
        marks = ("@@", "diff --git ", "*** ", "index ")
        return line.startswith(marks) or bool(_FENCE.match(line) and line[0] in "`~") or self._is_head()


def _unquoted(name: str) -> str:
    """A name as git quotes it."""
    return _ESCAPE.sub(_sign, name.encode()).decode("utf-8", "replace")


def _sign(escape: re.Match[bytes]) -> bytes:
    told = escape[1]
    return bytes([int(told, 8) & 0xFF]) if told.isdigit() else told
