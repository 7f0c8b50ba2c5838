"""Fenced code blocks in an answer, as Markdown defines them."""

import re
from dataclasses import dataclass

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[ \t]*([^\n]*?)[ \t]*\r?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block by its places in the text."""

    start: int
    """Of the opening fence's line."""
    body: int
    """Of the first line inside."""
    body_end: int
    """Of the closing fence's line; the end of the text where there is none."""
    end: int
    """Just behind the closing fence."""
    fence: str
    info: str
    """What follows the opening fence: the language."""


def blocks(text: str) -> tuple[Block, ...]:
    """All fenced blocks in order; one that is never closed reaches to the end."""
    found: list[Block] = []
    opening: re.Match[str] | None = None
    for match in _FENCE.finditer(text):
        fence, info = match.groups()
        if opening is None:
            if "`" not in info or fence[0] != "`":
                opening = match
        elif fence[0] == opening[1][0] and len(fence) >= len(opening[1]) and not info:
            found.append(_block(opening, match.start(), match.end(), text))
            opening = None
    if opening is not None:
        found.append(_block(opening, len(text), len(text), text))
    return tuple(found)


def _block(opening: re.Match[str], body_end: int, end: int, text: str) -> Block:
    body = min(opening.end() + 1, len(text))
    return Block(opening.start(), body, max(body, body_end), end, opening[1], opening[2])
