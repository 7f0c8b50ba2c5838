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
from typing import cast

from delegate_mcp.privacy.placeholders import CLEARLY_READABLE, entropy, is_variable, reads, stands_for_one

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
        text, start = match.string, match.start(group)
        goes_on = _GOES_ON.match(text, match.end(group)) and not match[0][-1:].isspace()
        if goes_on or text[start - 1 : start] == b"+":  # a piece of something longer
            return None
        if entropy(value) < self.entropy or is_variable(value) or (self.holds is not None and not self.holds(match)):
            return None
        return match.span(group)


_GOES_ON = re.compile(rb"[\w-]")
"""What may not follow: a form of another length is another form. Open lengths stand in the expressions."""


def _is_jwt(match: "re.Match[bytes]") -> bool:
    """Its head is JSON that names an algorithm; its claims are JSON, unless they are encrypted."""
    head, claims, *_ = match[0].split(b".")
    opened = _opened(head)
    return "alg" in opened and ("enc" in opened or bool(_opened(claims)))


def _opened(part: bytes) -> dict[str, object]:
    """The JSON object of a part of a token, empty where it is none."""
    try:
        value = json.loads(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return {}
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _is_discord(match: "re.Match[bytes]") -> bool:
    """Its first part is the bot's number: 18 digits or more give 24 letters, the few older numbers are decoded."""
    head = match[0].split(b".")[0]
    return len(head) > _OLD_DISCORD or base64.urlsafe_b64decode(head + b"=").isdigit()


_OLD_DISCORD = 23


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
    return _has_digits(value) and changes >= len(value) // 5 and not reads(value, CLEARLY_READABLE)


def _has_digits(value: bytes) -> bool:
    return len(value.translate(None, b"0123456789")) < len(value) - 1


_CASE_CHANGE = re.compile(rb"[a-z](?=[A-Z0-9])|[0-9](?=[A-Za-z])")
_DEFAULTS = re.compile(
    rb"(?i)^(?:pass(?:word|wd)?|pwd|secret|user(?:name)?|admin|root|postgres|guest|test|example|token)$"
)
_NO_HOST = re.compile(rb"(?i)^(?:localhost|127\.|0\.0\.0\.0|\[::1|host\b|.*\bexample\b|[\w-]+(?::\d+)?(?:/|$))")


_RESERVED = re.compile(rb"(?i)\bexample\.(?:com|org|net)\b|\.(?:example|invalid|test)\b")
"""Hosts that are kept for documents and tests."""
_MASKED = re.compile(rb"^\W+$")
_GUESSED = 8
"""Signs below which a password at such a host is part of the example."""


def _opens_a_door(match: "re.Match[bytes]") -> bool:
    """A password of a URL, unless it is a default at a place that is nobody's."""
    password, host = match[1], match[2]
    default = _DEFAULTS.match(password) is not None
    if _RESERVED.search(host) and len(password) < _GUESSED:
        return False
    return not (stands_for_one(password) or default or _MASKED.match(password)) or (
        default and _NO_HOST.match(host) is None
    )


def _gitlab(name: str, prefix: bytes, least: int, most: int = 0) -> Format:
    """A token of GitLab: what follows its prefix has as many signs as its kind has, or a range of them."""
    size = b"{%d,%d}" % (least, most or least)
    return Format("gitlab-" + name, (prefix.lower(),), rb"(?<![A-Za-z0-9])" + prefix + rb"[\w-]" + size, 3.0)


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
    Format("jwt", (b"eyj",), rb"(?<![\w-])eyJ[\w-]{6,}\.[\w-]{2,}(?:\.[\w-]*){0,3}", holds=_is_jwt),
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
        holds=lambda m: not m[0].isupper() and not reads(m[0][3:], CLEARLY_READABLE),
    ),
    Format("mailchimp-api-key", (b"-us",), rb"(?<![\w-])[0-9a-f]{32}-us\d{1,2}\b", 3.0),
    Format(
        "npm-registry-token",
        (b"_authtoken", b":_password", b":_auth"),
        rb"//\S{3,200}?/:_(?:authToken|password|auth)\s?=\s?['\"]?([^\s'\"$]{8,})",
    ),
    Format("telegram-bot-token", (b":aa",), rb"(?:(?<![\w:])|(?<=/bot))\d{8,10}:AA[\w-]{33}(?![\w-])", 3.0),
    Format(
        "stripe-access-token",
        tuple(b"%ck_%s" % (kind, mode) for kind in b"sr" for mode in (b"live", b"test", b"prod")),
        rb"(?<![\w-])[sr]k_(?:live|test|prod)_[A-Za-z0-9]{24,255}",
        3.0,
    ),
    Format(
        "secret-key",
        (b"sk-", b"sk_", b"rk_"),
        rb"(?<![\w-])[sr]k[-_](?!live_|test_|prod_)(?!(?:proj|svcacct|admin)-(?![\w-]*T3BlbkFJ))"
        rb"(?=[\w-]*\d[\w-]*\d)[\w-]{20,}",
        3.5,
        lambda m: not reads(m[0][3:], CLEARLY_READABLE),
    ),
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
    Format(
        "netrc-password",
        (b"login",),
        rb"\b(?:machine\s+\S{1,80}|default)\s+login\s+\S{1,80}\s+password\s+([^\s{$<]\S{3,})",
        holds=lambda m: not (stands_for_one(m[1]) or _DEFAULTS.match(m[1])),
    ),
    Format(
        "connection-string-password",
        (b"password=", b"password =", b"pwd=", b"pwd ="),
        rb"(?i)\b(?:server|data source|host|uid|user(?: ?id|name)?)\s?=\s?[^;=\n]{1,80};"
        rb"(?:[\w ]{1,30}=[^;=\n]{0,80};){0,6}\s?(?:password|pwd)\s?=\s?([^\s;\"'#${}<>%]{4,80})",
        holds=lambda m: not (stands_for_one(m[1]) or _DEFAULTS.match(m[1])),
    ),
    Format(
        "command-line-password",
        (b"curl", b"sshpass", b"wget"),
        rb"(?:\bcurl\b[^\n|;]{0,200}?\s(?:-u|--user)[ =]?\s*['\"]?[^\s:'\"]{1,60}:|\bsshpass\s+-p\s*['\"]?"
        rb"|\bwget\b[^\n|;]{0,200}?--password=['\"]?)([^\s'\"$<{\[*]{4,})",
    ),
    Format(
        "prefixed-token",
        (),
        rb"(?<![\w/+.:%=-])(?!sha\d|md5|p(?:k|ub)[_-]|[sr]k[_-]|gl[a-z]{2,6}-|gh[opsur]_|npm_|pypi-|xox[a-z]-)"
        rb"[A-Za-z][a-z0-9]{1,9}[._-](?:[a-z0-9]{1,12}[_.-]){0,2}([A-Za-z0-9]{24,})(?![\w/+=-])",
        4.0,
        _is_mixed,
    ),
    Format("kerberos-hash", (b"$krb5",), rb"\$krb5(?:asrep|tgs|pa)\$[\w$*@./-]{32,}", 3.0),
    Format("discord-bot-token", (), rb"(?<![\w-])[MNO][\w-]{22,25}\.[\w-]{6}\.[\w-]{27,40}", 3.5, _is_discord),
    Format("pypi-upload-token", (b"pypi-age",), rb"pypi-AgE[\w-]{50,1000}", 3.0),
    Format(
        "slack-token",
        tuple(b"xox%c-" % kind for kind in b"abeoprs"),
        rb"(?<![\w-])xox[abeoprs]-(?:\d-)?(?:\d{4,}-){1,4}[A-Za-z0-9]{10,}",
        2.5,
    ),
    Format("square-oauth-secret", (b"sq0csp-",), rb"(?<![\w-])sq0csp-[\w-]{43}", 3.0),
    Format("mapbox-secret-token", (b"sk.eyj", b"tk.eyj"), rb"(?<![\w-])[st]k\.eyJ[\w-]{20,}\.[\w-]{20,}", 3.5),
    Format(
        "teams-webhook-url",
        (b"incomingwebhook/", b"webhook.office.com/"),
        rb"https://[\w.-]{1,60}\.office(?:365)?\.com/webhook\w{0,2}/[\w@-]{36,80}/IncomingWebhook/([0-9a-f]{32})/[\w-]{36}",
    ),
    Format(
        "private-key-base64",
        (b"ls0tls1crudjti",),
        rb"LS0tLS1CRUdJTi[A-Za-z0-9+/]{0,40}(?:UFJJVkFURSBLRVkt|QUklWQVRFIEtFWS|BSSVZBVEUgS0VZL)[A-Za-z0-9+/=]{40,}",
        reach=17_000,
    ),
    Format("sendgrid-api-token", (b"sg.",), rb"(?<![\w.-])SG\.[\w-]{22}\.[\w-]{43}(?![\w.-])", 3.0),
    Format("nuget-api-key", (b"oy2",), rb"(?<![A-Za-z0-9])oy2[a-z0-9]{43}(?![A-Za-z0-9])", 3.5),
    Format(
        "new-relic-key",
        (b"nrak-", b"nral", b"nriq-", b"nrra-"),
        rb"(?<![\w-])(?:NR(?:AK|IQ|RA)-[\w-]{27,42}|[\da-fx]{36}NRAL|[a-z]{2}\d\dxx[\da-f]{30,34}NRAL)(?![\w-])",
        3.0,
    ),
    Format("aws-appsync-key", (b"da2-",), rb"(?<![\w-])da2-[a-z0-9]{26}(?![\w-])", 3.0),
    _gitlab("pat", b"glpat-", 20, 50),
    _gitlab("deploy-token", b"gldt-", 20, 50),
    _gitlab("feed-token", b"glft-", 20, 50),
    _gitlab("feature-flag-client-token", b"glffct-", 20, 50),
    _gitlab("scim-token", b"glsoat-", 20, 50),
    _gitlab("runner-authentication-token", b"glrt-", 20, 50),
    _gitlab("rrt", b"GR1348941", 20, 50),
    _gitlab("cicd-job-token", b"glcbt-", 20, 50),
    _gitlab("incoming-mail-token", b"glimt-", 25),
    _gitlab("ptt", b"glptt-", 40),
    _gitlab("kubernetes-agent-token", b"glagent-", 50, 1024),
    _gitlab("oauth-app-secret", b"gloas-", 64),
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
