"""Call ids: `c` and twelve random digits, which a model reads in five tokens (as many letters would cost ten)."""

import re
import secrets

_DIGITS = 12
_PATTERN = re.compile(rf"c[0-9]{{{_DIGITS}}}")


def new_call_id() -> str:
    """A fresh id that nobody can guess."""
    return f"c{secrets.randbelow(10**_DIGITS):0{_DIGITS}}"


def is_call_id(text: str) -> bool:
    """Whether a text has the form of a call id; only then may it become part of a path."""
    return _PATTERN.fullmatch(text) is not None
