"""Line ranges of a file: `a.py:10-80`, one line `a.py:10`, from a line on `a.py:10-`, the last ones `a.py:-20`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from delegate_mcp.domain.errors import InputError

_RANGE = re.compile(r"(?P<path>.+):(?:(?P<first>\d{1,9})(?P<open>-(?P<last>\d{1,9})?)?|-(?P<tail>\d{1,9}))", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of a file, counted from 1."""

    first: int = 1
    last: int | None = None
    """None: to the end."""
    tail: int | None = None
    """So many lines at the end, in place of the other two."""

    def __str__(self) -> str:
        if self.tail is not None:
            return f"-{self.tail}"
        if self.last == self.first:
            return str(self.first)
        return f"{self.first}-{'' if self.last is None else self.last}"

    def within(self, count: int) -> "Lines | None":
        """The same as first and last of a text with so many lines; None where it has none of them."""
        first = max(1, count - self.tail + 1) if self.tail is not None else self.first
        last = count if self.last is None else min(self.last, count)
        return Lines(first, last) if first <= last else None


WHOLE = Lines()


def split(name: str) -> tuple[str, Lines] | None:
    """A path and the lines that a name asks for; None where it asks for none. InputError: lines that cannot be."""
    found = _RANGE.fullmatch(name)
    if found is None:
        return None
    if found["tail"]:
        lines = Lines(tail=int(found["tail"]))
    else:
        first = int(found["first"])
        lines = Lines(first, int(found["last"]) if found["last"] else None if found["open"] else first)
    if lines.tail == 0 or lines.first < 1 or (lines.last is not None and lines.last < lines.first):
        raise InputError(f"{name}: no such lines. Lines count from 1, as in a.py:10-80, a.py:10 or a.py:-20.")
    return found["path"], lines


def merged(ranges: Sequence[Lines]) -> list[Lines]:
    """Ranges (first and last given) without overlaps, in order; those that touch become one."""
    done: list[Lines] = []
    for lines in sorted(ranges, key=lambda lines: lines.first):
        end = done[-1].last if done else None
        if end is not None and lines.first <= end + 1:
            done[-1] = Lines(done[-1].first, max(end, lines.last or end))
        else:
            done.append(lines)
    return done
