"""JSON as models write it where they miss the letter of it: read by its notation alone, nothing is added or guessed.

Taken: comments, commas too many or missing between lines, single and curly quotes, keys without quotes, Python's True,
False and None, line breaks and odd escapes within texts. Not taken: what is not closed, a key that stands twice, a
value that is missing, dots in a comment in the place of values. So what this reads is what was written, and a text that
was cut stays an error.
"""

import re
from typing import Any, NoReturn

_BLANK = re.compile(r"(?:\s|//[^\n]*|#[^\n]*|/\*.*?\*/)*", re.DOTALL)
_NUMBER = re.compile(r"[-+]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?(?![\w.])")
_WORD = re.compile(r"[A-Za-z_$][\w$-]*")
_WORDS = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}
_QUOTES = {'"': '"', "'": "'", "\u201c": "\u201d", "\u2018": "\u2019"}
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"} | {sign: sign for sign in "\"'\\/\u201d\u2019"}
_LEFT_OUT = ("...", "\u2026")
_HEX = re.compile(r"[0-9a-fA-F]{4}")


def read_loosely(text: str, start: int = 0) -> tuple[Any, int]:
    """The value that begins there, and where it ends. ValueError: it is none; RecursionError: it is too deep."""
    return _Reader(text).value(start)


def _skip(text: str, at: int) -> int:
    """The first place from there on that is neither blank nor within a comment."""
    found = _BLANK.match(text, at)
    if found is None:
        return at
    if any(sign in found[0] for sign in _LEFT_OUT):
        raise ValueError("a comment that stands for what was left out")
    return found.end()


class _Reader:
    """Reads one text; every method takes the place where it begins and gives the place behind it."""

    def __init__(self, text: str) -> None:
        self._text = text

    def value(self, at: int) -> tuple[Any, int]:
        at = _skip(self._text, at)
        sign = self._text[at : at + 1]
        if sign == "{":
            return self._object(at + 1)
        if sign == "[":
            return self._array(at + 1)
        if sign in _QUOTES and sign:
            return self._string(at + 1, _QUOTES[sign])
        if number := _NUMBER.match(self._text, at):
            return _number(number[0]), number.end()
        if (word := _WORD.match(self._text, at)) and word[0] in _WORDS:
            return _WORDS[word[0]], word.end()
        return self._fail("no value", at)

    def _object(self, at: int) -> tuple[dict[str, Any], int]:
        found: dict[str, Any] = {}
        at = _skip(self._text, at)
        while not self._text.startswith("}", at):
            key, at = self._key(at)
            at = _skip(self._text, at)
            if not self._text.startswith(":", at):
                self._fail("no colon", at)
            if key in found:
                self._fail("a key twice", at)
            found[key], at = self.value(at + 1)
            at = self._next(at, "}")
        return found, at + 1

    def _array(self, at: int) -> tuple[list[Any], int]:
        found: list[Any] = []
        at = _skip(self._text, at)
        while not self._text.startswith("]", at):
            value, at = self.value(at)
            found.append(value)
            at = self._next(at, "]")
        return found, at + 1

    def _next(self, at: int, closing: str) -> int:
        """Past the comma behind a value; where the next value stands on a line of its own, it may be missing."""
        behind = _skip(self._text, at)
        if self._text.startswith(",", behind):
            return _skip(self._text, behind + 1)
        if self._text.startswith(closing, behind) or "\n" in self._text[at:behind]:
            return behind
        return self._fail("no comma", behind)

    def _key(self, at: int) -> tuple[str, int]:
        sign = self._text[at : at + 1]
        if sign in _QUOTES and sign:
            return self._string(at + 1, _QUOTES[sign])
        if word := _WORD.match(self._text, at):
            return word[0], word.end()
        return self._fail("no key", at)

    def _string(self, at: int, closing: str) -> tuple[str, int]:
        made: list[str] = []
        while True:
            end = _first(self._text, at, closing)
            made.append(self._text[at:end])
            if self._text[end] == closing:
                return _joined("".join(made)), end + 1
            sign, at = self._escape(end + 1)
            made.append(sign)

    def _escape(self, at: int) -> tuple[str, int]:
        r"""What stands behind a backslash; one before any other sign is meant as itself (`\d`, `C:\data`)."""
        sign = self._text[at : at + 1]
        if sign == "u" and (digits := _HEX.match(self._text, at + 1)):
            return chr(int(digits[0], 16)), at + 5
        if sign in _ESCAPES:
            return _ESCAPES[sign], at + 1
        return f"\\{sign}", at + 1

    def _fail(self, what: str, at: int) -> NoReturn:
        raise ValueError(f"{what} at {at}")


def _first(text: str, at: int, closing: str) -> int:
    """The nearest backslash or closing quote."""
    places = [place for place in (text.find("\\", at), text.find(closing, at)) if place >= 0]
    if not places:
        raise ValueError("a text that is not closed")
    return min(places)


def _joined(text: str) -> str:
    """Halves of a split character, as escapes write them, as one."""
    if not any("\ud800" <= sign <= "\udfff" for sign in text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError("a number beyond all numbers")
    return value
