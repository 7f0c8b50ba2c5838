"""The files that an answer may change as a patch, as they were read, and what its writer is told of the form.

`answering.patch_forms` reads what is written in it.
"""

import os
from collections.abc import Iterable

from delegate_mcp.domain.brief import Original
from delegate_mcp.domain.errors import InputError
from delegate_mcp.intake.files import Part
from delegate_mcp.intake.sandbox import Roots

EDITING = """\
Your answer is applied to the files by a program. Answer with edit blocks alone, one for each change:
path/of/file.py
<<<<<<< SEARCH
lines of the file, copied exactly, so many that they stand in it only once
=======
the lines that take their place
>>>>>>> REPLACE
An empty SEARCH makes a new file. This line removes one:
*** Delete File: path/of/old.py
A unified diff is taken too."""


def read_originals(parts: Iterable[Part], roots: Roots, max_bytes: int) -> tuple[Original, ...]:
    """The files of these parts. InputError: there is none, or one cannot be edited. Reads the disk."""
    reals = dict.fromkeys(part.real for part in parts if part.real is not None)
    if not reals:
        raise InputError("edit: none of `files` is a file that can be changed. Name the files beside git: and url:.")
    other_names = roots.other_names()
    found: list[Original] = []
    for real in reals:
        shown = roots.shown(real)
        try:
            with os.fdopen(roots.open_read(shown, real, other_names), "rb") as file:
                mode, data = os.fstat(file.fileno()).st_mode & 0o7777, file.read(max_bytes + 1)
        except OSError as error:
            raise InputError(f"edit: {shown} cannot be read ({error.strerror}).") from error
        if len(data) > max_bytes:
            raise InputError(f"edit: {shown} is larger than {max_bytes:,} bytes (files.max_file_bytes).")
        found.append(Original(shown, real, data, mode))
    return tuple(found)
