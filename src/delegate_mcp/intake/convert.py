"""Documents as text: each is read by a program of its own (`documents`), which may take so long and so much memory."""

import sys
from pathlib import Path

from delegate_mcp.intake import documents
from delegate_mcp.intake.bounded import run
from delegate_mcp.intake.unfit import Unfit

TIME_LIMIT_S = 30.0
ALL_LIMIT_S = 60.0
"""For all documents of a call."""
_PDF = b"%PDF-"
_IMAGES = (b"BM", b"II*\0", b"MM\0*")
_NEW_IMAGES = (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypavif")
_OLD = frozenset({".doc", ".xls", ".ppt"})
WHY = {
    documents.MISSING: Unfit("is a document that needs a reader", "Install it: pip install 'delegate-mcp[documents]'"),
    documents.ENCRYPTED: Unfit("has a password, or is of Office's format of before 2007", "Save it anew without one."),
    documents.TOO_LARGE: Unfit("unfolds to more than can be read", "Send the part that matters."),
    documents.EMPTY: Unfit("holds no text (scanned pages?)", "Send its text."),
}
_BROKEN = Unfit("is broken: it cannot be read as what its name says", "Check that it opens, or send its text.")
_SLOW = Unfit(
    f"takes too long to read ({TIME_LIMIT_S:g} s for one document, {ALL_LIMIT_S:g} s for all of a call)",
    "Send the part that matters, or fewer.",
)
_IMAGE = Unfit("is an image of a kind that services do not take", "Save it as PNG or JPEG.")
_OLD_OFFICE = Unfit("is of Office's format of before 2007", "Save it as .docx, .xlsx or .pptx.")


def is_document(path: Path) -> bool:
    """Whether its name says that it is to be converted."""
    return path.suffix.lower() in documents.KINDS


def odd_image(data: bytes) -> Unfit | None:
    """Why an image that is none of those that models are sent cannot be sent; None where it is no such image."""
    return _IMAGE if data[4:12] in _NEW_IMAGES or (data.startswith(_IMAGES) and b"\0" in data) else None


def old_office(path: Path) -> Unfit | None:
    """Why an old Office file cannot be sent; None where its name does not say that it is one."""
    return _OLD_OFFICE if path.suffix.lower() in _OLD else None


def text_of(path: Path, data: bytes, max_bytes: int, seconds_left: float = ALL_LIMIT_S) -> str | Unfit:
    """A document's text; `path` says its kind."""
    if seconds_left <= 0:
        return _SLOW
    kind = path.suffix.lower()
    if kind == ".pdf" and _PDF not in data[:1024]:
        return _BROKEN
    argv = [sys.executable, "-P", "-m", documents.__name__, kind]
    ran = run(argv, cwd=Path(sys.prefix), data=data, max_bytes=max_bytes, time_limit_s=min(TIME_LIMIT_S, seconds_left))
    if ran.too_long:
        return _SLOW
    if ran.too_much:
        return Unfit(f"holds more than {max_bytes:,} bytes of text", "Raise files.max_file_bytes in the settings.")
    if ran.code:
        return WHY.get(ran.code, _BROKEN)
    return ran.output.decode("utf-8", "replace").strip()
