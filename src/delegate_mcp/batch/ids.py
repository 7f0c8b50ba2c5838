"""Ids of batches, `b` and twelve random digits, and of the calls that their items make."""

import hashlib
import re
import secrets

_DIGITS = 12
_PATTERN = re.compile(rf"b[0-9]{{{_DIGITS}}}")


def new_batch_id() -> str:
    """A fresh id that nobody can guess."""
    return f"b{secrets.randbelow(10**_DIGITS):0{_DIGITS}}"


def is_batch_id(text: str) -> bool:
    """Whether a text has the form of a batch's id; only then may it become part of a path."""
    return _PATTERN.fullmatch(text) is not None


def item_call_id(batch_id: str, index: int, number: int) -> str:
    """The id of the call that asks for an item the `number`th time.

    It follows from the batch: a server that goes on with a dead one's batch finds what that one was answered, and
    two that believe they own a batch cannot make the same call twice.
    """
    digest = hashlib.sha256(f"{batch_id}:{index}:{number}".encode()).digest()
    return f"c{int.from_bytes(digest[:8], 'big') % 10**_DIGITS:0{_DIGITS}}"
