"""Images as bytes: what kind, how large, and without what does not belong to the picture. Pure.

Cameras and programs put places, names, earlier versions and thumbnails beside a picture; only what is needed to draw it
is kept. To add a kind: a function in KINDS that takes the bytes and raises ValueError where they are not of its form.
"""

import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

HEAD = 64
"""Bytes that tell an image's kind."""

_PNG_DRAWN = frozenset(b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB sBIT bKGD cICP".split())
_WEBP_DRAWN = frozenset({b"VP8X", b"ALPH", b"VP8 ", b"VP8L"})
_ALPHA, _ANIMATED = 0x10, 0x02
_MARK, _EOI, _SOS, _EXIF, _ADOBE = 0xFF, 0xD9, 0xDA, 0xE1, 0xEE
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BESIDE = frozenset(range(0xE0, 0xF0)) | {0xFE}
"""Application data, and comments."""
_SCAN_END = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_ORIENTATION = 0x0112
_TURNED = range(2, 9)


@dataclass(frozen=True, slots=True)
class Picture:
    """An image of a known kind, without what is beside the picture."""

    media_type: str
    width: int
    height: int
    data: bytes
    still: bool = True
    """False: it moves, or is of a kind that services do not take; its first frame must be drawn anew."""


def kind_of(head: bytes) -> str | None:
    """The kind of the image that begins so, a name of KINDS; None: it begins as no image does."""
    if b"\0" not in head[:HEAD]:
        return None  # a text that begins by chance as an image does
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    return "webp" if head[:4] == b"RIFF" and head[8:12] == b"WEBP" else None


def picture(kind: str, data: bytes) -> Picture:
    """The image of that kind. ValueError: it is broken, or cut."""
    try:
        found = KINDS[kind](data)
    except (IndexError, struct.error) as error:
        raise ValueError(kind) from error
    if not found.width or not found.height:
        raise ValueError(kind)
    return found


def _png(data: bytes) -> Picture:
    width, height = struct.unpack(">II", data[16:24])
    kept, at = [data[:8]], 8
    while True:
        size, name = struct.unpack(">I4s", data[at : at + 8])
        end = at + 12 + size
        if end > len(data) or (not kept[1:] and name != b"IHDR"):
            raise ValueError(name)
        if name in _PNG_DRAWN:
            kept.append(data[at:end])
        if name == b"IEND":  # what follows is no part of the picture, though it may be of an earlier one
            return Picture("image/png", width, height, b"".join(kept))
        at = end


def _jpeg(data: bytes) -> Picture:
    kept = [data[:2]]
    width = height = orientation = 0
    for marker, segment in _segments(data):
        if marker in _FRAMES:
            height, width = struct.unpack(">HH", segment[5:9])
        if marker == _EXIF and segment[4:10] == b"Exif\0\0":
            orientation = _orientation(segment[10:])
        if marker not in _BESIDE or (marker == _ADOBE and segment[4:9] == b"Adobe"):  # which tells what colours mean
            kept.append(segment)
    if orientation in _TURNED:  # a photo without it lies on its side
        ifd = struct.pack(">HHHLHHL", 1, _ORIENTATION, 3, 1, orientation, 0, 0)
        exif = b"Exif\0\0MM\0*\0\0\0\x08" + ifd
        kept.insert(1, struct.pack(">BBH", _MARK, _EXIF, len(exif) + 2) + exif)
    return Picture("image/jpeg", width, height, b"".join(kept))


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Markers with their segments, up to the end of the picture; a scan has its data with it."""
    at = 2
    while True:
        if data[at] != _MARK:
            raise ValueError(at)
        marker = data[at + 1]
        if marker == _MARK:  # bytes of it may stand before a marker
            at += 1
            continue
        if marker == _EOI:
            yield marker, data[at : at + 2]
            return
        end = at + 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
        if marker == _SOS:
            found = _SCAN_END.search(data, end)
            if found is None:
                raise ValueError(at)
            end = found.start()
        yield marker, data[at:end]
        at = end


def _orientation(tiff: bytes) -> int:
    """What the Exif data says; 0 where it says nothing that can be read."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2], "")
    try:
        start = struct.unpack(f"{order}L", tiff[4:8])[0]
        for number in range(struct.unpack(f"{order}H", tiff[start : start + 2])[0]):
            at = start + 2 + 12 * number
            tag, value = struct.unpack(f"{order}H6xH", tiff[at : at + 10])
            if order and tag == _ORIENTATION:
                return value
    except struct.error:
        pass
    return 0


def _webp(data: bytes) -> Picture:
    kept, width, height, still = list[bytes](), 0, 0, True
    at, whole = 12, 8 + struct.unpack("<L", data[4:8])[0]
    while at + 8 <= whole:
        name, size = struct.unpack("<4sL", data[at : at + 8])
        end = at + 8 + size + size % 2
        if at + 8 + size > len(data):
            raise ValueError(name)
        chunk = data[at:end]
        if name == b"VP8X":
            still = not chunk[8] & _ANIMATED
            chunk = chunk[:8] + bytes([chunk[8] & _ALPHA]) + chunk[9:]
        if name in _WEBP_DRAWN:
            kept.append(chunk)
            width, height = _webp_size(name, chunk[8:]) or (width, height)
        at = end
    body = b"WEBP" + b"".join(kept)
    return Picture("image/webp", width, height, b"RIFF" + struct.pack("<L", len(body)) + body, still)


def _webp_size(name: bytes, body: bytes) -> tuple[int, int] | None:
    match name:
        case b"VP8X":
            return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
        case b"VP8L":
            bits = int.from_bytes(body[1:5], "little")
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        case b"VP8 ":
            wide, high = struct.unpack("<HH", body[6:10])
            return wide & 0x3FFF, high & 0x3FFF
        case _:
            return None


def _gif(data: bytes) -> Picture:
    width, height = struct.unpack("<HH", data[6:10])
    return Picture("image/gif", width, height, data, still=False)


KINDS: dict[str, Callable[[bytes], Picture]] = {"png": _png, "jpeg": _jpeg, "webp": _webp, "gif": _gif}
MEANT = re.compile(r"png|jpe?g|webp|gif", re.IGNORECASE)
"""By these words a glob's last part says that images are meant."""
