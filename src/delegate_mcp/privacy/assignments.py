"""Values that are given to a name such as `password` or `api_key`: in code, settings, XML, headers and commands."""

import re
from typing import NamedTuple

from delegate_mcp.privacy.names import kind_of
from delegate_mcp.privacy.placeholders import CLEARLY_READABLE, entropy, is_plain_id, reads, stands_for_one

_NAME_SIGNS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.$[]-"
_NAME_SIZE = 60
_REACH = 500
"""How far behind its name a value may end."""

_VALUE = re.compile(
    rb"""
    (?P<tail>[\w.-]{0,60})
    (?P<close>\\?["'`]?\]?\)?)
    \s{0,40}
    (?: (?:\?\s{0,2})?:\s{0,2}[\w.\[\]|?\s]{1,30}?\s{0,2}(?==[^=]) )?     # a type: password: str = "..."
    (?P<operator> ,?\s{0,40}["']?value["']?\s{0,2}[=:](?=\s) | value=(?=["']) | => | <- | -> | :{1,3}= | [=!]={1,2}
        | \|\|=? | \?\?= | \?= | = | : | , | \( | > | (?=\s?["'`]) | \{\s[^{}]{0,200}?\bdefault\s{0,8}= | \sis\s
        | (?=\s) )
    \s{0,40}
    (?: (?P<prefix>[rbfuBRFU@$]{0,2}|(?:new\s\w{1,20}|Some|\[\]byte|SecretStr|String::from)\()\\?(?P<quote>["'`])
          (?P<quoted>(?:(?!(?P=quote))[^\n\\]|\\.){1,400})\\?(?P=quote)
      | (?P<bare>[^\s"'`,;<]{4,400}) )
    """,
    re.VERBOSE,
)
_REVERSED = re.compile(rb"""["']((?:[^"'\n\\]|\\.){6,200})["']\s{0,3}[=!]={1,2}\s*\Z""")

_CODE = re.compile(
    rb"[(){}\[\]<>]|^[A-Za-z_$][\w$]*(?:(?:\.|::|->)[A-Za-z_$][\w$]*)+$|^[A-Za-z_]*$|^/(?:[\w.-]+/)+|^\$|^[.~]{0,2}/"
    rb"|^[A-Z][a-zA-Z]+\d?$|^--?\w|^!\w+$|^[A-Za-z_.-]*=$|^_?[A-Z][A-Z\d]*(?:_[A-Z\d]+)+$|^[a-z]+\|[a-z]+$"
)
"""What stands without quotes and is an expression, a type, a path or an option."""
_FILE = re.compile(
    rb"(?i)^(?:[\w-]+:)?[\w./\\~-]+\.(?:pem|key|crt|cer|json|ya?ml|toml|txt|html?|js|ts|py|go|java|php|png|svg|md|ini"
    rb"|conf|cfg|p12|jks)$|^https?://|^[\w.-]+@[\w-]+\.[a-z.]+$|^/(?:[a-z][\w.@-]*/)+[a-z][\w.@-]*$"
)
_BETWEEN = re.compile(rb"^\s*[+.,)\]]\s?\w|[\w)\]]\s?[+,.(]\s*$|^\s*&\s|\s&\s*$|^\s*/?[<>]|^\s+\w+=$")
"""What stands between two texts that an expression puts together."""
_WORDY = re.compile(rb"^[A-Za-z]*\d{0,3}(?:[-_./:\s+#@][A-Za-z]*\d{0,3})*$")
_IDENTIFIER = re.compile(rb"^[A-Za-z_]\w*$")
_SENTENCE = re.compile(rb"\S\s+\S+\s+\S")
_SPOKEN = re.compile(rb"[:\s]")
_PASSPHRASE = re.compile(rb"^[a-z]{2,12}(?: [a-z]{2,12}){3,9}$")
_STRONG = re.compile(rb"^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)(?=.*[!@#$%^&*?~])[\w!@#$%^&*?~+=.-]+$")
_TOLD = re.compile(
    rb"\b(?:a|an|the|this|that|your|you|we|our|is|are|was|be|must|should|can|cannot|may|will|not|no|please|enter|type|used?"
    rb"|using|for|from|when|which|if|to|in|on|by|of|\w*(?:pass|secret|token|key|credential|auth|user|login)\w*)\b"
)
"""Words of a sentence that tells something: a passphrase has none of them."""
_PIECES = re.compile(rb"[A-Z]?[a-z]+|[A-Z]+")

_LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_DIGITS = frozenset(b"0123456789")
_HARMLESS = frozenset(b" _-./:,'")
"""Signs that stand in names and sentences as well."""
_SYMBOLS = frozenset(b"!@#$%^&*{}[]<>()~?|")

_LONG = 16
_LEAST_SECRET, _LEAST_SYMBOLS, _LEAST_BARE = 8, 12, 12
_QUOTED_PASSWORD, _BARE_PASSWORD = 4, 6
_RANDOM, _SHORT_RANDOM, _CERTAIN, _MIXED = 3.0, 2.8, 3.7, 3.5
"""Bits of a sign: of a long value, of a short one, of one whose name says little, of one that is full of symbols."""
_WORD_SIZE = 3.2
"""Letters in a row, on average, from which on a value is made of words."""


class Assigned(NamedTuple):
    """A secret that stands in the text from `start` to `end`."""

    kind: str
    start: int
    end: int


def name_end(data: bytes, end: int) -> int:
    """Where a name ends of which a word ends there."""
    after = data[end : end + _NAME_SIZE]
    return end + len(after) - len(after.lstrip(_NAME_SIGNS))


def assigned(data: bytes, start: int, end: int) -> Assigned | None:
    """What is given to the name whose word stands at `start` to `end`, where it is a secret."""
    before = data[max(0, start - _NAME_SIZE) : start]
    head = before[len(before.rstrip(_NAME_SIGNS)) :]
    match = _VALUE.match(data, end, min(len(data), end + _REACH))
    kind = kind_of(head + data[start:end] + (match["tail"] if match else b""))
    if kind is None:
        return None
    return (_given(data, head + data[start:end], kind, match) if match else None) or _compared(data, start, kind)


def _given(data: bytes, name: bytes, kind: str, match: "re.Match[bytes]") -> Assigned | None:
    operator = match["operator"]
    quoted = match["quoted"] is not None
    group = "quoted" if quoted else "bare"
    option = not operator and name.startswith(b"-") and not match["close"]  # --password VALUE
    value = match[group] if quoted else match[group].rstrip(b").]}\\,:")
    if operator in {b",", b""}:  # hardly an assignment: on one line only, and the value must show what it is
        plain = _is_plain_to_see(value) and kind != "key"
        if b"\n" in data[match.start() : match.start(group)] or not (plain or option or quoted):
            return None
        if operator and (not quoted or _IDENTIFIER.match(value)) and not plain:
            return None
    elif operator == b"(" and (not quoted or b"." in match["tail"]):
        return None
    if not _is_secret(value, kind, quoted=quoted, plain=match["prefix"] in {None, b"", b"@"}):
        return None
    return Assigned(kind, match.start(group), match.start(group) + len(value))


def _compared(data: bytes, start: int, kind: str) -> Assigned | None:
    """A value before the name: `"…" == password`."""
    before = data[max(0, start - _REACH) : start].rstrip(_NAME_SIGNS)
    if kind == "key" or not before.rstrip().endswith(b"="):
        return None
    match = _REVERSED.search(before)
    if match is None or not _is_secret(match[1], kind, quoted=True, plain=True):
        return None
    shift = max(0, start - _REACH)
    return Assigned(kind, shift + match.start(1), shift + match.end(1))


def _is_secret(value: bytes, kind: str, *, quoted: bool, plain: bool) -> bool:
    if stands_for_one(value) or _FILE.match(value) or (_BETWEEN if quoted else _CODE).search(value):
        return False
    if kind == "password":
        return _is_password(value, quoted=quoted)
    if kind == "key":  # the name says little: the value must speak for itself
        speaks = len(value) >= _LONG and not is_plain_id(value) and not _SPOKEN.search(value)
        return speaks and _is_random(value) and entropy(value) >= _CERTAIN
    if len(value) < _LEAST_SECRET or b" " in value.strip():
        return quoted and _is_passphrase(value)
    least = _RANDOM if len(value) >= _LONG else _SHORT_RANDOM
    return (quoted and plain and _is_symbols(value)) or (_is_random(value) and entropy(value) >= least)


def _is_password(value: bytes, *, quoted: bool) -> bool:
    if len(value) < (_QUOTED_PASSWORD if quoted else _BARE_PASSWORD) or _SENTENCE.search(value):
        return quoted and _is_passphrase(value)
    letters = any(sign in _LETTERS for sign in value)
    digits = any(sign in _DIGITS for sign in value)
    symbols = any(sign not in _LETTERS and sign not in _DIGITS and sign not in _HARMLESS for sign in value)
    if _WORDY.match(value) and not digits:
        return False
    return letters and (digits or (symbols and (quoted or len(value) < _LEAST_BARE)))


def _is_passphrase(value: bytes) -> bool:
    """Small words and nothing else, none of which speaks to a reader or of the secret."""
    return _PASSPHRASE.match(value) is not None and _TOLD.search(value) is None


def _is_plain_to_see(value: bytes) -> bool:
    """A secret whoever it is given to: where only a space or a comma stands between it and a name."""
    if len(value) >= _LONG:
        odd = not is_plain_id(value) and not reads(value, CLEARLY_READABLE)
        return odd and _is_random(value) and entropy(value) >= _CERTAIN
    return len(value) >= _LEAST_SECRET and _STRONG.match(value) is not None


def _is_random(value: bytes) -> bool:
    """Letters and digits that no word, name or version is made of."""
    digits = sum(sign in _DIGITS for sign in value)
    if not digits:
        return len(value) >= _LONG and value.isalpha() and not reads(value)
    if _WORDY.match(value):
        return False
    pieces: list[bytes] = _PIECES.findall(value)
    words = bool(pieces) and sum(map(len, pieces)) >= _WORD_SIZE * len(pieces) and digits * 4 <= len(value)
    return not words and 1 <= digits < len(value)


def _is_symbols(value: bytes) -> bool:
    """So many symbols among its letters that it is no name, and so few that it is no expression."""
    symbols = sum(sign in _SYMBOLS for sign in value)
    some = len(value) >= _LEAST_SYMBOLS and len(value) <= symbols * 5 <= 3 * len(value)
    return some and entropy(value) >= _MIXED and b"\\" not in value
