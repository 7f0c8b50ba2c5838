"""Text of any usual encoding: by its byte order mark, as UTF-8, else by what its bytes look like."""

import codecs
import re
from contextlib import suppress

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OLD = ["cp932", "euc_jp", "gb18030", "big5", "cp949", "cp1251"]
"""What is told apart by its bytes. Windows-1252 is what is left: its bytes look like any other 8-bit encoding's."""
_NOT_IN_TEXT = bytes([*range(7), *range(14, 27), *range(28, 32), 127])
"""Control bytes that text in an old 8-bit encoding does not hold."""
_MAX_HIGH_SHARE = 0.3
_LOOKED_AT = 65_536
_SURE = re.compile("[\u0430-\u044f\u0451]{3}|[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]{2}")
"""Letters in a row that a wrong guess does not make: Cyrillic, kana, Han, Hangul."""
_LEAST_ZEROS = 0.4


def decode(data: bytes) -> str | None:
    """A text file's text; None where it is not plainly text."""
    encoding = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), None) or _without_mark(data)
    if encoding is None and b"\0" in data:
        return None
    with suppress(UnicodeDecodeError):
        return data.decode(encoding or "utf-8")
    if encoding is not None or len(data.translate(None, _NOT_IN_TEXT)) != len(data):
        return None
    return _old(data)


def _without_mark(data: bytes) -> str | None:
    """UTF-16 without its mark: of Western text every second byte is zero, and no other."""
    half = len(data[:_LOOKED_AT]) // 2
    if len(data) % 2 or not half:
        return None
    even, odd = data[:_LOOKED_AT:2].count(0) / half, data[1:_LOOKED_AT:2].count(0) / half
    if not even and odd > _LEAST_ZEROS:
        return "utf-16-le"
    return "utf-16-be" if not odd and even > _LEAST_ZEROS else None


def _old(data: bytes) -> str | None:
    from charset_normalizer import from_bytes

    guess = from_bytes(data[:_LOOKED_AT], cp_isolation=[*_OLD, "cp1252"]).best()
    if guess is not None and guess.encoding in _OLD:
        with suppress(UnicodeDecodeError):
            text = data.decode(guess.encoding)
            if _SURE.search(text):
                return text
    if sum(byte > 127 for byte in data) <= _MAX_HIGH_SHARE * len(data):  # noqa: PLR2004 - the end of ASCII
        with suppress(UnicodeDecodeError):
            return data.decode("cp1252")
    return None
