"""One file as text or image: opened through the fence, as much as is asked for and allowed, decoded or converted."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from delegate_mcp.config.settings import FileSettings
from delegate_mcp.domain.brief import Image
from delegate_mcp.domain.errors import InputError
from delegate_mcp.intake import convert, images
from delegate_mcp.intake.credential_files import OtherNames
from delegate_mcp.intake.encoding import decode
from delegate_mcp.intake.excerpts import Excerpts, Piece, excerpts
from delegate_mcp.intake.image_formats import HEAD, kind_of
from delegate_mcp.intake.lines import WHOLE, Lines
from delegate_mcp.intake.sandbox import Roots
from delegate_mcp.intake.unfit import Unfit
from delegate_mcp.opening import NotRegularError

FORBIDDEN = Unfit("outside, or holds credentials", "Name other files.")
_BINARY = Unfit("is binary, not text", "Name text files only.")
_SPECIAL = Unfit("is no regular file", "Name text files only.")
_DIRECTORY = Unfit("is a directory", "Name it by itself, or its files.")


@dataclass(slots=True)
class Source:
    """Where the files of one call come from."""

    roots: Roots
    limits: FileSettings
    other_names: OtherNames
    seconds_left: float = convert.ALL_LIMIT_S
    """For all its documents."""

    def read(
        self, real: Path, named: str | None, asked: Sequence[Lines], *, seen: bool = False
    ) -> Excerpts | Image | Unfit:
        """The lines that are asked of a file, or the image, where images are meant to be seen.

        InputError: the fence refuses one that was named.
        """
        try:
            with os.fdopen(self.roots.open_read(named or self.roots.shown(real), real, self.other_names), "rb") as file:
                if convert.is_document(real):
                    return self._document(real, file, asked)
                kind = kind_of(file.read(HEAD))
                file.seek(0)
                return self._text(real, file, asked) if kind is None else self._image(kind, file, asked, seen=seen)
        except InputError:  # another file took its place since it was found
            if named is not None:
                raise
            return FORBIDDEN
        except IsADirectoryError:
            return _DIRECTORY
        except NotRegularError:
            return _SPECIAL
        except OSError as error:
            return Unfit(f"cannot be read: {error.strerror}", "Check its permissions, or leave it out.")

    def _text(self, real: Path, file: BinaryIO, asked: Sequence[Lines]) -> Excerpts | Unfit:
        limit = self.limits.max_file_bytes
        found = _piece(file, limit, asked)
        if found is None:
            return Unfit(
                f"is larger than {limit:,} bytes",
                f"Send the lines that matter ({real.name}:10-80), or raise files.max_file_bytes in the settings.",
            )
        data, piece = found
        if unfit := convert.odd_image(data) or convert.old_office(real):
            return unfit
        text = decode(data)
        return _BINARY if text is None else excerpts(text, asked, piece=piece)

    def _image(self, kind: str, file: BinaryIO, asked: Sequence[Lines], *, seen: bool) -> Image | Unfit:
        if not seen:
            return images.NOT_MEANT
        if any(lines != WHOLE for lines in asked):
            return images.NO_LINES
        limit = self.limits.max_image_bytes
        data = file.read(limit + 1)
        if len(data) > limit:
            return Unfit(
                f"is larger than {limit:,} bytes", "Save it smaller, or raise files.max_image_bytes in the settings."
            )
        began = time.monotonic()
        image = images.image_of(kind, data, self.seconds_left)
        self.seconds_left -= time.monotonic() - began
        return image

    def _document(self, real: Path, file: BinaryIO, asked: Sequence[Lines]) -> Excerpts | Unfit:
        limit = self.limits.max_document_bytes
        data = file.read(limit + 1) if os.fstat(file.fileno()).st_size <= limit else None
        if data is None or len(data) > limit:
            return Unfit(
                f"is larger than {limit:,} bytes",
                "Send the text that matters, or raise files.max_document_bytes in the settings.",
            )
        began = time.monotonic()
        text = convert.text_of(real, data, self.limits.max_file_bytes, self.seconds_left)
        self.seconds_left -= time.monotonic() - began
        return text if isinstance(text, Unfit) else excerpts(text, asked)


def _piece(file: BinaryIO, limit: int, asked: Sequence[Lines]) -> tuple[bytes, Piece] | None:
    """A file, or that end of one beyond the limit of which all lines are asked; never more than the limit."""
    size = os.fstat(file.fileno()).st_size
    data = file.read(limit + 1) if size <= limit else None
    if data is not None and len(data) <= limit:
        return data, "all"
    if all(row.tail is not None for row in asked):
        file.seek(-limit, os.SEEK_END)
        return file.read(limit).partition(b"\n")[2], "end"
    if all(row.last is not None for row in asked):
        file.seek(0)
        return file.read(limit).rpartition(b"\n")[0], "head"
    return None
