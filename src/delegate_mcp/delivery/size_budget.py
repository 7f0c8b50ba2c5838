"""Cuts a long answer to what the director may read at once, and gives the rest page by page."""

import re
from dataclasses import dataclass

from delegate_mcp.delivery.fences import Block, blocks
from delegate_mcp.domain.cuts import fitting, is_whole, whole_place
from delegate_mcp.domain.usage import estimate_tokens

_BORDERS = tuple(map(re.compile, (r"\n[ \t]*\n+", r"\n", r"[.!?]\s+|[\u3002\uff01\uff1f]", r"\s+")))
"""Where a page may end, the best first."""
_FULL_ENOUGH = 0.6
"""A border counts if this share of the page's room lies before it."""
_FENCE_TOKENS = 16
"""Room for closing and opening a code block at the page's ends."""
_MAX_INFO = 16
_SHORT_FENCE = 8


@dataclass(frozen=True, slots=True)
class Page:
    """A part of an answer. The pages' raw parts `answer[offset:next_offset]` join to the whole answer."""

    text: str
    """What is shown: the part, with a code block that it cuts closed at its end and opened at its start."""
    offset: int
    next_offset: int | None
    """Where the next page begins, in characters; None: this is the end."""
    total_chars: int

    @property
    def rest_chars(self) -> int:
        """How much follows."""
        return 0 if self.next_offset is None else self.total_chars - self.next_offset


def page(answer: str, offset: int, max_tokens: int) -> Page:
    """The part of the answer from `offset` on that fits; an offset beyond the end gives an empty last page."""
    offset = min(max(offset, 0), len(answer))
    fenced = blocks(answer)
    end = _end(answer, offset, max_tokens, fenced)
    text = answer[offset:end]
    if (cut := _around(fenced, offset)) is not None:
        text = f"{cut.fence}{cut.info[:_MAX_INFO]}\n{text}"
    if (cut := _around(fenced, end)) is not None:
        text = f"{text}{'' if text.endswith(chr(10)) else chr(10)}{cut.fence}"
    return Page(text, offset, None if end == len(answer) else end, len(answer))


def _end(answer: str, offset: int, max_tokens: int, fenced: tuple[Block, ...]) -> int:
    if _around(fenced, offset) is None and estimate_tokens(answer[offset:]) <= max_tokens:
        return len(answer)
    last = offset + fitting(answer, offset, max(max_tokens - (_FENCE_TOKENS if fenced else 0), 1))
    if last == len(answer):
        return last
    least = offset + int((last - offset) * _FULL_ENOUGH)
    end = _border(answer, offset, least, last)
    cut = _around(fenced, end)
    if cut is None:
        return end
    if end <= cut.body or cut.start >= least:  # rather before a code block than within it
        return cut.start if cut.start > offset else end
    return cut.end if end == cut.body_end and cut.end - end <= _SHORT_FENCE else end


def _border(answer: str, offset: int, least: int, last: int) -> int:
    for border in _BORDERS:
        ends = [match.end() for match in border.finditer(answer, least, last) if is_whole(answer, match.end())]
        if ends:
            return ends[-1]
    return whole_place(answer, offset, last)


def _around(fenced: tuple[Block, ...], place: int) -> Block | None:
    """The code block that a page border at this place cuts."""
    return next((block for block in fenced if block.start < place <= block.body_end and place < block.end), None)
