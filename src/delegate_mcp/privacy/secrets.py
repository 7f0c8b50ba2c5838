"""Credentials in a text: their kind and place, never their value.

One pass over the text finds the words near which credentials stand; only there the expressions of `formats` and the
rules of `assignments` are tried. So a long text costs little, and none of it leaves the process.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from ahocorasick_rs import BytesAhoCorasick, Implementation

from delegate_mcp.privacy.assignments import assigned, name_end
from delegate_mcp.privacy.finding import Finding
from delegate_mcp.privacy.formats import BEFORE, Format, all_formats
from delegate_mcp.privacy.names import WORDS


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of all formats and rules, as one automaton."""

    automaton: BytesAhoCorasick
    formats: tuple[tuple[Format, ...], ...]
    """By the word's number: the formats that are tried near it."""
    names: frozenset[int]
    """The words that are names of values."""


def scan(text: str) -> list[Finding]:
    """Every credential in the text, in order, none inside another."""
    data = text.encode("utf-8", "surrogatepass")
    spans = _without_overlaps(sorted(_spans(data), key=lambda row: (row[0], -row[1])))
    return list(_located(data, spans))


@cache
def _words() -> _Words:
    by_word: dict[bytes, list[Format]] = defaultdict(list)
    for row in all_formats():
        for word in row.words:
            by_word[word].append(row)
    words = list(dict.fromkeys((*by_word, *WORDS)))
    return _Words(
        BytesAhoCorasick(words, implementation=Implementation.DFA),
        tuple(tuple(by_word.get(word, ())) for word in words),
        frozenset(number for number, word in enumerate(words) if word in WORDS),
    )


@cache
def _compiled(pattern: bytes) -> "re.Pattern[bytes]":
    return re.compile(pattern)


def _spans(data: bytes) -> Iterator[tuple[int, int, str]]:
    words = _words()
    runs: list[tuple[int, int]] = []
    for low, high in _long_runs(data):
        _widen(runs, low, high)
    near: dict[Format, list[tuple[int, int]]] = {row: runs for row in all_formats() if not row.words}
    named = 0
    for number, start, end in words.automaton.find_matches_as_indexes(data.lower(), overlapping=True):
        for row in words.formats[number]:
            _widen(near.setdefault(row, []), max(0, start - BEFORE), _line_end(data, end + row.reach))
        if number in words.names and start >= named:  # one look at a name is enough, however many words it holds
            named = name_end(data, end)
            if value := assigned(data, start, end):
                yield value.start, value.end, value.kind
    for row, places in near.items():
        for low, high in places:
            for match in _compiled(row.pattern).finditer(data, low, high):
                if span := row.found(match):
                    yield *span, row.kind


_RUN = 22
"""Signs in a row, letters and digits, that every format without a word holds."""
_AS_RUN = bytes(97 if bytes([sign]).isalnum() or sign in b"_-" else 32 for sign in range(256))


def _long_runs(data: bytes) -> Iterator[tuple[int, int]]:
    """The places of long words, found without an expression: `find` is a hundred times as fast as one."""
    marked = data.translate(_AS_RUN)
    end = 0
    while (start := marked.find(b"a" * _RUN, end)) >= 0:
        end = marked.find(b" ", start)
        end = len(data) if end < 0 else end
        yield max(0, start - BEFORE), min(len(data), end + BEFORE)


def _widen(places: list[tuple[int, int]], low: int, high: int) -> None:
    """Add a place to those of a format; places that touch become one, so that each is looked at once."""
    if places and low <= places[-1][1]:
        places[-1] = (places[-1][0], max(high, places[-1][1]))
    else:
        places.append((low, high))


def _line_end(data: bytes, at: int) -> int:
    """The end of the line that holds `at`, or not far behind it: an expression may end with its line."""
    found = data.find(b"\n", at, at + BEFORE)
    return min(len(data), at + BEFORE) if found < 0 else found


_VAGUE = frozenset({"key", "secret", "password", "bearer-token", "prefixed-token", "secret-key", "slack-token"})
"""Kinds that say less than a format's own name."""


def _without_overlaps(spans: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Each place once, as wide as all that was found there, by its plainest name."""
    kept: list[tuple[int, int, str]] = []
    for start, end, kind in spans:
        if kept and start < kept[-1][1]:
            begin, until, known = kept[-1]
            kept[-1] = (begin, max(end, until), kind if known in _VAGUE and kind not in _VAGUE else known)
        else:
            kept.append((start, end, kind))
    return kept


def _located(data: bytes, spans: list[tuple[int, int, str]]) -> Iterator[Finding]:
    line, here, signs = 1, 0, 0
    for start, end, kind in spans:
        line += data.count(b"\n", here, start)
        signs += len(data[here:start].decode("utf-8", "surrogatepass"))
        size = len(data[start:end].decode("utf-8", "surrogatepass"))
        yield Finding(kind, line, signs, signs + size)
        here, signs, line = end, signs + size, line + data.count(b"\n", start, end)
