"""Credentials that are known by their form.

Two tables: `formats.json`, the formats of betterleaks (MIT, NOTICE names it; `bench/secret_formats.py` writes it), and
OWN below. To add a format: a row in OWN with words that its text always holds (lower case, three signs at least, since
every place near one is looked at; none, where it holds 22 letters and digits in a row), the expression over bytes whose
first group is the value, and the least entropy. A known form is told even where its body looks like a mask: that cannot
be told from a weak key, and a false alarm costs a local answer.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from delegate_mcp.privacy.placeholders import entropy, is_variable, stands_for_one

BEFORE, AFTER = 200, 800
"""How far from its word a format may begin and end."""


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of credential."""

    kind: str
    words: tuple[bytes, ...]
    pattern: bytes
    entropy: float = 0.0
    holds: Callable[["re.Match[bytes]"], bool] | None = None
    """A last check that no expression can make."""
    reach: int = AFTER
    """How far behind its word it may end."""

    def found(self, match: "re.Match[bytes]") -> tuple[int, int] | None:
        """Where the secret stands in the match, where it is one."""
        group = 1 if match.re.groups and match[1] is not None else 0
        value = match[group]
        if _GOES_ON.match(match.string, match.end(group)) and not match[0][-1:].isspace():
            return None
        if entropy(value) < self.entropy or is_variable(value) or (self.holds is not None and not self.holds(match)):
            return None
        return match.span(group)


_GOES_ON = re.compile(rb"[\w-]")


def _is_jwt(match: "re.Match[bytes]") -> bool:
    """The head of the token is JSON that names an algorithm."""
    head = match[0].split(b".")[0]
    try:
        return "alg" in json.loads(base64.urlsafe_b64decode(head + b"=" * (-len(head) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return False


def _is_basic(match: "re.Match[bytes]") -> bool:
    """The header decodes to a name and a password."""
    try:
        name, colon, password = base64.b64decode(match[1] + b"=" * (-len(match[1]) % 4)).partition(b":")
    except (ValueError, binascii.Error):
        return False
    return bool(name and colon and password) and not stands_for_one(password) and password.isascii()


def _is_mixed(match: "re.Match[bytes]") -> bool:
    """Capitals, small letters and digits in no order: no word, no number and no checksum."""
    value = match[1]
    changes = len(_CASE_CHANGE.findall(value))
    return _has_digits(value) and changes >= len(value) // 5


def _has_digits(value: bytes) -> bool:
    return len(value.translate(None, b"0123456789")) < len(value) - 1


_CASE_CHANGE = re.compile(rb"[a-z](?=[A-Z0-9])|[0-9](?=[A-Za-z])")
_DEFAULTS = re.compile(
    rb"(?i)^(?:pass(?:word|wd)?|pwd|secret|user(?:name)?|admin|root|postgres|guest|test|example|token)$"
)
_NO_HOST = re.compile(rb"(?i)^(?:localhost|127\.|0\.0\.0\.0|\[::1|host\b|.*\bexample\b|[\w-]+(?::\d+)?(?:/|$))")


def _opens_a_door(match: "re.Match[bytes]") -> bool:
    """A password of a URL, unless it is a default at a place that is nobody's."""
    password, host = match[1], match[2]
    return not (stands_for_one(password) or _DEFAULTS.match(password)) or (
        _DEFAULTS.match(password) is not None and _NO_HOST.match(host) is None
    )


class _UrlPassword(Format):
    """A URL's password: what it may be depends on the host."""

    __slots__ = ()

    def found(self, match: "re.Match[bytes]") -> tuple[int, int] | None:
        return match.span(1) if _opens_a_door(match) else None


OWN: tuple[Format, ...] = (
    Format(
        "private-key",
        (b"private key",),
        rb"-----BEGIN [A-Z0-9 _-]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:(?!-----)[\s\S]){0,300}?[A-Za-z0-9+/]{24}"
        rb"(?:(?:(?!-----)[\s\S]){0,16000}-----END [^\n-]{1,60}-----|[\w+/=\s\\]*)",
        reach=17_000,
    ),
    Format(
        "putty-private-key",
        (b"putty-user-key-file",),
        rb"PuTTY-User-Key-File-\d: (?:.*\r?\n){1,40}?Private-Lines: \d+\r?\n([\w+/=\r\n]{24,})",
    ),
    Format("jwt", (b"eyj",), rb"(?<![\w-])eyJ[\w-]{6,}\.[\w-]{2,}\.[\w-]{16,}", holds=_is_jwt),
    _UrlPassword(
        "url-password",
        (b"://",),
        rb"(?i)\b[a-z][a-z0-9+.-]{1,24}://[^\s:/?#@'\"<>`]{0,100}:([^\s/@'\"<>`]{3,128})@([\w.\[\]-][^\s'\"<>`]{0,60})",
    ),
    Format(
        "basic-auth",
        (b"basic ",),
        rb"(?i)authorization['\"]?\s{0,3}[:=,]\s{0,3}['\"]?basic ([a-z0-9+/]{8,}={0,2})",
        holds=_is_basic,
    ),
    Format(
        "bearer-token",
        (b"bearer ",),
        rb"(?i)\bbearer\s+([a-z0-9][\w.~+/-]{19,}={0,2})",
        3.3,
        lambda m: _has_digits(m[1]),
    ),
    Format(
        "artifactory",
        (b"akc", *(b"ap%x" % digit for digit in range(16))),
        rb"(?<![\w/+-])(?:AKC[A-Za-z0-9]{10,}|AP[\dA-F][A-Za-z0-9]{8,})(?![\w/+-])",
        holds=lambda m: not m[0].isupper(),
    ),
    Format("mailchimp-api-key", (b"-us",), rb"(?<![\w-])[0-9a-f]{32}-us\d{1,2}\b", 3.0),
    Format(
        "npm-registry-token",
        (b"_authtoken", b":_password", b":_auth"),
        rb"//\S{3,200}?/?:_(?:authToken|password|auth)\s?=\s?['\"]?([^\s'\"$]{8,})",
    ),
    Format("azure-account-key", (b"accountkey",), rb"(?i)AccountKey\s?=\s?([a-z0-9+/]{40,}={0,2})", 3.5),
    Format("telegram-bot-token", (b":aa",), rb"(?<![\w:])\d{8,10}:AA[\w-]{33}(?![\w-])", 3.0),
    Format("secret-key", (b"sk-", b"sk_", b"rk_"), rb"(?<![\w-])[sr]k[-_](?=[\w-]*\d[\w-]*\d)[\w-]{20,}", 3.5),
    Format(
        "aws-access-key-id",
        (b"akia", b"asia", b"abia", b"acca", b"a3t"),
        rb"(?<![A-Za-z0-9+/])(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9+/])",
    ),
    Format("twilio", (), rb"(?<![\w/+-])(?:AC|SK)[a-z0-9]{32}(?![\w/+-])"),
    Format(
        "password-hash",
        (b"$1$", b"$2a$", b"$2b$", b"$2y$", b"$5$", b"$6$", b"$y$", b"$apr1$", b"$argon2"),
        rb"\$(?:1|2[aby]|5|6|y|apr1|argon2\w{1,2})\$[\w./$=,+-]{20,}",
        3.0,
    ),
    Format("netrc-password", (b"login",), rb"\blogin\s+\S{1,80}\s+password\s+(\S{4,})"),
    Format(
        "command-line-password",
        (b"curl", b"sshpass", b"wget"),
        rb"(?:\bcurl\b[^\n|;]{0,200}?\s(?:-u|--user)[ =]?\s*['\"]?[^\s:'\"]{1,60}:|\bsshpass\s+-p\s*['\"]?"
        rb"|\bwget\b[^\n|;]{0,200}?--password=['\"]?)([^\s'\"$<{\[*]{4,})",
    ),
    Format(
        "prefixed-token",
        (),
        rb"(?<![\w/+.:%=-])(?!sha\d|md5|p(?:k|ub)[_-])"
        rb"[A-Za-z][a-z0-9]{1,9}[._-](?:[a-z0-9]{1,12}[_.-]){0,2}([A-Za-z0-9]{24,})(?![\w/+=-])",
        4.0,
        _is_mixed,
    ),
    Format("kerberos-hash", (b"$krb5",), rb"\$krb5(?:asrep|tgs|pa)\$[\w$*@./-]{32,}", 3.0),
    Format("discord-bot-token", (), rb"(?<![\w-])[MNO][\w-]{22,25}\.[\w-]{6}\.[\w-]{27,40}(?![\w-])", 3.5),
)


@cache
def all_formats() -> tuple[Format, ...]:
    """Both tables."""
    rows = json.loads(files("delegate_mcp.privacy").joinpath("formats.json").read_text(encoding="utf-8"))
    theirs = (
        Format(
            row["kind"],
            tuple(word.lower().encode() for word in row["words"]),
            row["pattern"].encode(),
            row.get("entropy", 0.0),
        )
        for row in rows
    )
    return (*OWN, *theirs)
