"""Reads the header of a GGUF file (versions 2 and 3) without trusting it: its keys, and the sizes of its tensors.

A reader of our own: the package `gguf` brings numpy and maps the whole file. Every count and length is checked against
what is left of the file before anything is read, and long arrays (the vocabulary) are passed over, not kept.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from delegate_mcp.domain.errors import ModelFileError

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
# Formats of the scalar types by their number; 8 is a string, 9 an array.
_SCALARS = {
    0: "<B",
    1: "<b",
    2: "<H",
    3: "<h",
    4: "<I",
    5: "<i",
    6: "<f",
    7: "<?",
    10: "<Q",
    11: "<q",
    12: "<d",
}
_STRING, _ARRAY = 8, 9
_MOST_KEYS = 65_536
_MOST_TENSORS = 262_144
_MOST_DIMENSIONS = 8
_MOST_NAME_BYTES = 1_024
# The largest headers (a vocabulary of 260,000 words with merges and scores) are about 20 MB.
_MOST_HEADER_BYTES = 256 << 20
_KEPT_TEXT_BYTES = 1 << 20
_KEPT_NUMBERS = 4_096
_ALIGNMENT = 32
_MOST_ALIGNMENT = 1 << 20
_BUFFER = 1 << 20

Scalar = int | float | bool | str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A value that is there and was not kept: its length."""

    length: int


Value = Scalar | tuple[int | float | bool, ...] | Skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What one file says of itself."""

    version: int
    metadata: Mapping[str, Value]
    tensors: Mapping[str, int]
    """Bytes of each, with the padding behind it: told by where the next begins, so that a new type needs no row."""
    file_bytes: int


def read_header(path: Path) -> Header:
    """The header of that file. ModelFileError where it is none, or cannot be right."""
    try:
        with path.open("rb", buffering=_BUFFER) as file:
            size = file.seek(0, 2)
            file.seek(0)
            return _Reader(file, path.name, size).header()
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror or error}.") from error


class _Reader:
    """One file while it is read."""

    def __init__(self, file: IO[bytes], name: str, size: int) -> None:
        self._file = file
        self._name = name
        self._size = size
        self._at = 0

    def header(self) -> Header:
        if self._take(4, "its first four bytes") != _MAGIC:
            raise self._wrong("it does not begin with GGUF; it is no model file, or an error page in its place")
        version = self._number("<I", "its version")
        if version not in _VERSIONS:
            big = int.from_bytes(version.to_bytes(4, "little"), "big") in _VERSIONS
            raise self._wrong("it is big-endian" if big else f"it has version {version}; 2 and 3 can be read")
        tensors = self._count(_MOST_TENSORS, "tensors")
        keys = self._count(_MOST_KEYS, "keys")
        metadata = dict(self._pair() for _ in range(keys))
        starts = self._starts(tensors)
        return Header(version=version, metadata=metadata, tensors=self._sizes(starts, metadata), file_bytes=self._size)

    def _pair(self) -> tuple[str, Value]:
        key = self._text(_MOST_NAME_BYTES, "a key")
        return key, self._value(self._number("<I", "a type"), key)

    def _value(self, kind: int, key: str) -> Value:
        if kind == _STRING:
            length = self._number("<Q", key)
            if length > _KEPT_TEXT_BYTES:
                self._skip(length, key)
                return Skipped(length)
            return self._take(length, key).decode("utf-8", "replace")
        if kind == _ARRAY:
            return self._array(key)
        return self._scalar(kind, key)

    def _scalar(self, kind: int, key: str) -> int | float | bool:
        form = _SCALARS.get(kind)
        if form is None:
            raise self._wrong(f"{key!r} has type {kind}, which there is not")
        value: int | float | bool = struct.unpack(form, self._take(struct.calcsize(form), key))[0]
        return value

    def _array(self, key: str) -> Value:
        kind, length = self._number("<I", key), self._number("<Q", key)
        if kind == _STRING:
            self._has(8 * length, key)
            for _ in range(length):
                self._skip(self._number("<Q", key), key)
            return Skipped(length)
        form = _SCALARS.get(kind)
        if form is None:
            raise self._wrong(f"{key!r} is an array of type {kind}, which there is not")
        size = struct.calcsize(form)
        if length > _KEPT_NUMBERS:
            self._skip(size * length, key)
            return Skipped(length)
        return struct.unpack(f"<{length}{form[1]}", self._take(size * length, key))

    def _starts(self, count: int) -> dict[str, int]:
        starts: dict[str, int] = {}
        for _ in range(count):
            name = self._text(_MOST_NAME_BYTES, "a tensor's name")
            dimensions = self._number("<I", name)
            if dimensions > _MOST_DIMENSIONS:
                raise self._wrong(f"the tensor {name!r} has {dimensions} dimensions")
            self._skip(8 * dimensions + 4, name)  # its shape and type: its size is told by where the next begins
            if name in starts:
                raise self._wrong(f"the tensor {name!r} stands there twice")
            starts[name] = self._number("<Q", name)
        return starts

    def _sizes(self, starts: Mapping[str, int], metadata: Mapping[str, Value]) -> dict[str, int]:
        alignment = metadata.get("general.alignment", _ALIGNMENT)
        if not isinstance(alignment, int) or not 0 < alignment <= _MOST_ALIGNMENT:
            raise self._wrong(f"its alignment is {alignment}")
        data = -(-self._at // alignment) * alignment
        room = self._size - data
        by_start = sorted(starts, key=starts.__getitem__)
        ends = [*(starts[name] for name in by_start[1:]), room]
        if by_start and starts[by_start[-1]] >= room:
            missing = starts[by_start[-1]] - max(room, 0)
            raise self._wrong(f"its last tensor begins {missing:,} bytes behind its end: it is cut, fetch it again")
        return {name: end - starts[name] for name, end in zip(by_start, ends, strict=False)}

    def _count(self, most: int, what: str) -> int:
        count = self._number("<Q", f"the number of {what}")
        if count > most:
            raise self._wrong(f"it claims {count:,} {what}; more than {most:,} are not believed")
        return count

    def _text(self, most: int, what: str) -> str:
        length = self._number("<Q", what)
        if length > most:
            raise self._wrong(f"{what} is {length:,} bytes long")
        return self._take(length, what).decode("utf-8", "replace")

    def _number(self, form: str, what: str) -> int:
        value: int = struct.unpack(form, self._take(struct.calcsize(form), what))[0]
        return value

    def _take(self, length: int, what: str) -> bytes:
        self._has(length, what)
        data = self._file.read(length)
        if len(data) < length:
            raise self._wrong(f"it changed while {what} was read")
        self._at += length
        return data

    def _skip(self, length: int, what: str) -> None:
        self._has(length, what)
        self._file.seek(length, 1)
        self._at += length

    def _has(self, length: int, what: str) -> None:
        if length > self._size - self._at:
            raise self._wrong(f"it ends within {what}: it is cut, fetch it again")
        if self._at + length > _MOST_HEADER_BYTES:
            raise self._wrong(f"its header is longer than {_MOST_HEADER_BYTES >> 20} MiB")

    def _wrong(self, why: str) -> ModelFileError:
        return ModelFileError(f"{self._name} cannot be used: {why}.")
