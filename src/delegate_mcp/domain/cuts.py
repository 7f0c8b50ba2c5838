"""Where a text may be cut: how much of it is within so many tokens, and where nothing is torn apart."""

import re
import unicodedata
from collections.abc import Iterator, Sequence

from delegate_mcp.domain.usage import estimate_tokens

_LONGEST_SIGN = 32
_JOINERS = frozenset({"\u200d", "\ufe0e", "\ufe0f"})
_FULL_ENOUGH = 0.5
_BYTES_A_TOKEN = 4
"""At most, as `estimate_tokens` counts."""

_BLANK = r"\r?\n[ \t]*(?:\r?\n)+"
_BEGINS = (
    r"#{1,6} |@\w|(?:(?:export|default|pub(?:\([a-z]+\))?|public|private|protected|static|abstract|final|async) )*"
    r"(?:def|class|function|func|fn|impl|struct|interface|enum|trait|module|namespace|type|const|CREATE|INSERT)\b"
)
_BORDERS = tuple(
    map(
        re.compile,
        (
            rf"{_BLANK}(?={_BEGINS})",  # before a function or a section
            rf"{_BLANK}(?=[^\s)\]}}])",  # before a paragraph
            _BLANK,
            r"\n",
            r"[.!?;]\s+|[\u3002\uff01\uff1f]",
            r"\s+|,",
        ),
    )
)
"""Where a long text is cut, the best first."""


def cut(text: str, max_tokens: int) -> Iterator[str]:
    """Pieces of at most that many tokens, which join to the text; each ends at the best border of its second half."""
    offset = 0
    while offset < len(text):
        end = _end(text, offset, max_tokens)
        yield text[offset:end]
        offset = end


def head(text: str, max_tokens: int) -> str:
    """The beginning of a text, to a natural border."""
    return next(cut(text, max_tokens), "")


def tail(text: str, max_tokens: int) -> str:
    """The end of a text, from the beginning of a line where there is one."""
    size = fitting(text[::-1], 0, max_tokens)
    last = text[len(text) - size :]
    _, line, rest = last.partition("\n")
    return last if size == len(text) or not line or len(rest) * 2 < size else rest


def _end(text: str, offset: int, max_tokens: int) -> int:
    if len(text) - offset <= max_tokens * _BYTES_A_TOKEN and estimate_tokens(text[offset:]) <= max_tokens:
        return len(text)
    last = offset + fitting(text, offset, max_tokens)
    while True:
        end = _border(text, offset, last)
        tokens = estimate_tokens(text[offset:end])
        if end - offset <= 1 or tokens <= max_tokens:
            return end
        # What was left out was looser than the rest, which now counts as dense.
        last = max(offset + 1, min(end - 1, offset + (end - offset) * max_tokens // tokens))


def _border(text: str, offset: int, last: int) -> int:
    least = offset + int((last - offset) * _FULL_ENOUGH)
    for border in _BORDERS:
        ends = [match.end() for match in border.finditer(text, least, last) if is_whole(text, match.end())]
        if ends:
            return ends[-1]
    return next((place for place in range(last, max(offset, last - _LONGEST_SIGN), -1) if is_whole(text, place)), last)


def fitting(text: str, offset: int, max_tokens: int) -> int:
    """How many characters from the offset on are within the tokens; at least one."""
    size = min(max_tokens * _BYTES_A_TOKEN, len(text) - offset)
    while size > 1:
        tokens = estimate_tokens(text[offset : offset + size])
        if tokens <= max_tokens:
            return size
        size = max(1, min(size - 1, size * max_tokens // tokens))
    return 1


def whole_place(text: str, offset: int, last: int) -> int:
    """The place nearest to `last` where nothing is torn apart, rather before it than behind."""
    backwards = range(last, offset, -1)
    onwards = range(last + 1, min(last + _LONGEST_SIGN, len(text)))  # a joined emoji may be larger than a tiny page
    places: Sequence[int] = (*backwards, *onwards)
    return next((place for place in places if is_whole(text, place)), last)


def is_whole(text: str, place: int) -> bool:
    """No character is torn apart here: surrogate pairs, line ends, letters and their marks, joined emoji."""
    before, after = text[place - 1], text[place : place + 1]
    if not after:
        return True
    torn_pair = "\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff"
    return not (
        torn_pair
        or (before == "\r" and after == "\n")
        or unicodedata.combining(after)
        or after in _JOINERS
        or before == "\u200d"
    )
