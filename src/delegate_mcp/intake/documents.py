"""A program of its own: a document on stdin becomes text on stdout. Started by `convert`, with limits around it.

To add a kind: a function from bytes to text, and rows in KINDS for the names it is known by. Its libraries belong to
the extra `documents` and are imported when one is read.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from io import BytesIO
from typing import Any

from delegate_mcp.platforms import limit_own_memory

MISSING, ENCRYPTED, TOO_LARGE, EMPTY, BROKEN = 11, 12, 13, 14, 15
"""Exit statuses."""
_MEMORY_BYTES = 1_500_000_000
_MAX_UNFOLDED = 200_000_000
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"
"""Begins Office files of before 2007, and newer ones that have a password."""


class _EncryptedError(Exception):
    """It has a password."""


class _TooLargeError(Exception):
    """It would unfold to more than is read."""


def _pdf(data: bytes) -> str:
    from pypdf import PdfReader

    reader = PdfReader(BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        raise _EncryptedError
    return "\n\n".join(page.extract_text() for page in reader.pages)


def _word(data: bytes) -> str:
    from markdownify import markdownify

    mammoth: Any = import_module("mammoth")  # it has no types
    html = mammoth.convert_to_html(_office(data), convert_image=_no_image)
    return str(markdownify(html.value, heading_style="ATX", escape_underscores=False, escape_asterisks=False))


def _no_image(_image: object) -> list[object]:
    return []


def _excel(data: bytes) -> str:
    from openpyxl import load_workbook

    book: Any = load_workbook(_office(data), read_only=True, data_only=True, keep_links=False)
    return "\n\n".join(f"## {sheet.title}\n" + "\n".join(_rows(sheet.values)) for sheet in book.worksheets)


def _rows(values: Iterable[Iterable[object]]) -> Iterator[str]:
    for row in values:
        line = "\t".join("" if cell is None else str(cell).replace("\n", " ") for cell in row).rstrip("\t")
        if line:
            yield line


def _powerpoint(data: bytes) -> str:
    from pptx import Presentation

    deck: Any = Presentation(_office(data))
    return "\n\n".join(
        f"## Slide {number}\n" + "\n".join(line for line in _slide(slide) if line.strip())
        for number, slide in enumerate(deck.slides, 1)
    )


def _slide(slide: Any) -> Iterator[str]:
    yield from _shapes(slide.shapes)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        notes = slide.notes_slide.notes_text_frame.text
        yield f"Notes: {notes}" if notes.strip() else ""


def _shapes(shapes: Iterable[Any]) -> Iterator[str]:
    for shape in shapes:
        if hasattr(shape, "shapes"):  # a group
            yield from _shapes(shape.shapes)
        if getattr(shape, "has_text_frame", False):
            yield shape.text_frame.text
        if getattr(shape, "has_table", False):
            yield from ("\t".join(cell.text for cell in row.cells) for row in shape.table.rows)


def _office(data: bytes) -> BytesIO:
    import zipfile

    if data.startswith(_OLD_OFFICE):
        raise _EncryptedError
    with zipfile.ZipFile(BytesIO(data)) as parts:
        if sum(part.file_size for part in parts.infolist()) > _MAX_UNFOLDED:
            raise _TooLargeError
    return BytesIO(data)


KINDS: dict[str, Callable[[bytes], str]] = {
    ".pdf": _pdf,
    ".docx": _word,
    ".xlsx": _excel,
    ".xlsm": _excel,
    ".pptx": _powerpoint,
}


def main() -> int:
    """Convert stdin, a document of the kind that the first argument names."""
    limit_own_memory(_MEMORY_BYTES)
    try:
        text = KINDS[sys.argv[1]](sys.stdin.buffer.read())
    except ImportError:
        return MISSING
    except _EncryptedError:
        return ENCRYPTED
    except (_TooLargeError, MemoryError):
        return TOO_LARGE
    except Exception:  # noqa: BLE001 - whatever a library makes of a stranger's file
        return BROKEN
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    return 0 if text.strip() else EMPTY


if __name__ == "__main__":
    sys.exit(main())
