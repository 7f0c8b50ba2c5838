"""A brief taken apart: the task, and the material that it is about, piece by piece. Pure."""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from delegate_mcp.domain.brief import Brief, Message
from delegate_mcp.domain.cuts import cut, head, tail
from delegate_mcp.domain.usage import estimate_tokens

_HEAD_SHARE = 0.6
"""Of a task that is too long itself, this much of what may be said of it is its beginning; it often is the order."""
_LINES = re.compile(r":(\d+)(?:-\d*)?$")
_FRAME_TOKENS = 30


@dataclass(frozen=True, slots=True)
class Piece:
    """One file, page or earlier turn, or some lines of it."""

    kind: str
    """file, page, turn or report: the name of its frame."""
    name: str
    text: str
    first_line: int = 1
    whole: bool = True

    @property
    def last_line(self) -> int:
        """Of the piece, in the numbers of the file."""
        return self.first_line + self.text.rstrip("\r\n").count("\n")

    @property
    def framed(self) -> str:
        """The text between marks that say what it is, and which lines of it these are."""
        mark = {"page": "url", "file": "path", "report": "on"}.get(self.kind, "name")
        lines = "" if self.whole else f' lines="{self.first_line}-{self.last_line}"'
        end = "" if self.text.endswith("\n") else "\n"
        return f'<{self.kind} {mark}="{html.escape(self.name)}"{lines}>\n{self.text}{end}</{self.kind}>'

    @property
    def told(self) -> str:
        """As a person names it."""
        return self.name if self.whole else f"{_LINES.sub('', self.name)}:{self.first_line}-{self.last_line}"

    @property
    def tokens(self) -> int:
        """With its frame (estimate)."""
        return estimate_tokens(self.text) + estimate_tokens(self.name) + _FRAME_TOKENS


@dataclass(frozen=True, slots=True)
class Material:
    """What a brief is made of."""

    task: str
    """The director's words; where they are too long themselves, their beginning and end."""
    before: tuple[Message, ...]
    """Every part is sent these first: the system's words, and earlier turns where those are short."""
    pieces: tuple[Piece, ...]

    @property
    def said(self) -> str:
        """What is said with each part."""
        return "\n".join([self.task, *(message.text for message in self.before)])


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """So many pieces as are read at once; one of them is no other, whatever both hold."""

    number: int
    """From 1; the halves of a part share it."""
    pieces: tuple[Piece, ...]

    @property
    def tokens(self) -> int:
        """Of all its pieces (estimate)."""
        return sum(piece.tokens for piece in self.pieces)

    @property
    def text(self) -> str:
        """All its pieces as they are sent."""
        return "\n\n".join(piece.framed for piece in self.pieces)

    @property
    def told(self) -> str:
        """What it holds, in a few words."""
        names = [piece.told for piece in self.pieces]
        return ", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")  # noqa: PLR2004 - names told


def material(brief: Brief, task_tokens: int) -> Material:
    """The brief taken apart; of the task no more than so many tokens are said again and again."""
    system = tuple(message for message in brief.messages if message.role == "system")
    turns = [message for message in brief.messages[:-1] if message.role != "system"]
    pieces = list(_files(brief))
    task = brief.prompt
    if estimate_tokens(task) > task_tokens:
        pieces.append(Piece("task", "the whole request", task))
        begins = head(task, int(task_tokens * _HEAD_SHARE)).strip()
        ends = tail(task, task_tokens - estimate_tokens(begins)).strip()
        task = f"{begins}\n[... the rest of the request is part of the material ...]\n{ends}"
    if not any(message.images for message in turns) and _tokens(turns) <= task_tokens:
        return Material(task, (*system, *turns), tuple(pieces))
    said = [
        Piece("turn", f"{'asked' if message.role == 'user' else 'answered'} before, {place // 2 + 1}", message.text)
        for place, message in enumerate(turns)
    ]
    return Material(task, system, (*said, *pieces))


def _tokens(messages: Sequence[Message]) -> int:
    return sum(estimate_tokens(message.text) for message in messages)


def _files(brief: Brief) -> Iterator[Piece]:
    """The files and pages of the newest message, as intake has framed them; what stands between them goes with them."""
    text = brief.messages[-1].text.removesuffix(brief.prompt)
    begins: list[tuple[int, int, str, str]] = []
    at = 0
    for sent in brief.files:
        path = html.escape(sent.path)
        heads = [("file", f'<file path="{path}">\n'), ("page", f'<page url="{path}">\n')]
        found = [(text.find(mark, at), kind, len(mark)) for kind, mark in heads if text.find(mark, at) >= 0]
        if found:
            place, kind, size = min(found)
            begins.append((place, place + size, kind, sent.path))
            at = place + size
    for number, (_, start, kind, name) in enumerate(begins):
        end = begins[number + 1][0] if number + 1 < len(begins) else len(text)
        body = text[start:end].rstrip("\r\n").removesuffix(f"</{kind}>").removesuffix("\n")
        first = _LINES.search(name)
        if body.strip():
            yield Piece(kind, name, body, int(first[1]) if first else 1)


def parts(pieces: Sequence[Piece], max_tokens: int) -> tuple[Part, ...]:
    """The pieces in order, as many together as fit; what does not fit alone is cut at natural borders."""
    made: list[list[Piece]] = [[]]
    room = max_tokens
    for piece in pieces:
        for chunk in [piece] if piece.tokens <= max_tokens else _chunks(piece, max_tokens):
            if chunk.tokens > room and made[-1]:
                made.append([])
                room = max_tokens
            made[-1].append(chunk)
            room -= chunk.tokens
    return tuple(Part(number, tuple(group)) for number, group in enumerate(made, 1) if group)


def halves(part: Part) -> tuple[Part, ...]:
    """The same in two, for a model that takes less than it was said to; empty: it is too short for that."""
    size = part.tokens // 2 + 2 * _FRAME_TOKENS
    smaller = parts(part.pieces, size) if part.tokens > 8 * _FRAME_TOKENS else ()
    return tuple(replace(half, number=part.number) for half in smaller) if len(smaller) > 1 else ()


def _chunks(piece: Piece, max_tokens: int) -> Iterator[Piece]:
    room = max(1, max_tokens - estimate_tokens(piece.name) - _FRAME_TOKENS)
    line = piece.first_line
    for text in cut(piece.text, room):
        yield replace(piece, text=text, first_line=line, whole=False)
        line += text.count("\n")
