"""Whether a value is a secret or stands for one: entropy, and the ways in which people write "your key here"."""

import math
import re
from collections import Counter

_VARIABLE = re.compile(
    rb"""
      [$\#]\{+[\w.:\s-]+\}+ | \$\([^)]*\) | \{\{[-#]?\s*[\w.$|\s"'()]+\s*-?\}\} | <%.*%> | %\([\w.]+\)s
    | <[A-Za-z][\w\s./:-]*>
    | ^\[[^\]]*\]$ | ^\{[\w.: -]*\}$ | ^%[\w-]+%$ | ^['"]?\$[A-Za-z_]\w*['"]?$ | ^@\w+@$
    | EXAMPLE | \*{5}
    | (?i:placeholder|redacted|\byour[_-]|<your|changeme|abcdefghijklmnopqrstuvwxyz)
    """,
    re.VERBOSE,
)
_MASK = re.compile(
    rb"""
      ([^\W_])\1{4} | ([.*_-])\2{3}                # xxxxx, 00000, ****
    | (?i:example|sample|change[_-]?(?:me|it|this)|replace|masked|dummy|fake|mock|notreal|todo|foo_?bar|lorem|insert
         |enter[_-]
         |your(?:[_-]|api|key|token|secret|pass)|(?:^|[_\W])my[_-]|some[_-]|abcdefgh|0123456789|1234567890
         |not[_-]?(?:a|your|the|real)|invalid|undefined|something|whatever|deadbeef|hidden|secret[_-]?(?:here|value)
         |(?:pass(?:word|wd)?|key|token)[_-]?here)
    | ^(?i:null|none|nil|true|false|yes|no|on|off|default|empty|unset|required|optional|string|str|test|testing|password
         |[\w-]*(?:sha-?\d{1,3}|md5|bcrypt|scrypt|argon2\w*|pbkdf2)|passwd|pass|pwd|secret|token|user(?:name)?|admin|root|postgres|guest|bar|baz|foo|xxx+)$
    """,
    re.VERBOSE,
)
_HASH = re.compile(rb"(?i)(?:sha(?:1|224|256|384|512)|md5)[-:=]")
_SMALL = frozenset(b"abcdefghijklmnopqrstuvwxyz")
_PAIRS = frozenset(
    b"er in re on te le at en ti es co or st nt de se ar ed et al li ng ro ic ra me ct ex ri io tr di ta ec ma fi an"
    b" pe ge ce un ns ne ch it el as to pr em pa nd is nc la ea ve lo ca ac si ig ou ll rs he il am nf ut na od ol ty"
    b" xe da ss sc ni po id th im ts ur rr rt sp tt pl mp mo ad fo ap om va no ef oc ha ag ke bl yp cl ab tu so mi ep"
    b" op ie ot ck pt us rc su ee cr ba sh tc rm nv ai ul vi ev ho gr oo ls ia up iv um rd os ml lu xt ow ld ir lt"
    b" ue".split()
)
"""Pairs of letters that make three quarters of those in English words and in names of code."""
READABLE, CLEARLY_READABLE = 0.4, 0.55
"""The share of them from which on letters are words. Less than 0.4 have 90 % of 16 random letters and 0.4 % of the long
names in code; less than 0.55 have 99 % and 4 %."""
_UUID = re.compile(rb"(?i)^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$")
_HEX = re.compile(rb"(?i)^[0-9a-f]+$")


def entropy(value: bytes) -> float:
    """Bits of a sign, by how often each sign of the value stands in it."""
    size = len(value)
    return -sum(n / size * math.log2(n / size) for n in Counter(value).values()) if size else 0.0


def is_variable(value: bytes) -> bool:
    """A variable, or words that say that it is an example."""
    return _VARIABLE.search(value) is not None


def stands_for_one(value: bytes) -> bool:
    """A variable, an example, a mask or a default in the place of a secret."""
    return is_variable(value) or _MASK.search(value) is not None or _HASH.match(value) is not None


def reads(value: bytes, share: float = READABLE) -> bool:
    """Whether the letters of the value are words, and no random ones."""
    small = bytes(sign for sign in value.lower() if sign in _SMALL)
    known = sum(small[at : at + 2] in _PAIRS for at in range(len(small) - 1))
    return len(small) > 1 and known >= share * (len(small) - 1)


def is_plain_id(value: bytes) -> bool:
    """A UUID or hexadecimal digits alone: as often a checksum or a row's id as a secret."""
    return _UUID.match(value) is not None or _HEX.match(value) is not None
