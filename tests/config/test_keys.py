"""The mark of a key: what the ledger may know of it."""

import string
from hashlib import blake2s, sha256

from hypothesis import given
from hypothesis import strategies as st

from delegate_mcp.config.keys import key_mark


def test_a_mark_tells_keys_apart_and_stays_the_same() -> None:
    assert key_mark("gsk_one") == key_mark("gsk_one")
    assert key_mark("gsk_one") != key_mark("gsk_two")


def test_white_space_around_a_key_makes_no_other_key() -> None:
    assert key_mark(" gsk_one\n") == key_mark("gsk_one")


@given(st.text(alphabet=st.characters(), max_size=200))
def test_a_mark_is_eight_hexadecimal_digits_whatever_the_key(key: str) -> None:
    mark = key_mark(key)
    assert len(mark) == 8
    assert set(mark) <= set(string.hexdigits.lower())


def test_no_bare_hash_of_the_key_is_its_mark() -> None:
    bare = {blake2s(b"gsk_one", digest_size=4).hexdigest(), sha256(b"gsk_one").hexdigest()[:8]}
    assert key_mark("gsk_one") not in bare
