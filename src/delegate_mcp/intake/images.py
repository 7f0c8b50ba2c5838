"""Images for models that see: known by their content, without what is beside the picture, within what services take.

One that is too large, moves, or is of a kind that not every service takes is drawn anew by a program of its own
(`redraw`). Where its library is not installed, a large one goes as it is as long as services take it.
"""

import sys
from pathlib import Path

from delegate_mcp.domain.brief import MAX_EDGE, Image
from delegate_mcp.intake import documents, redraw
from delegate_mcp.intake.bounded import run
from delegate_mcp.intake.image_formats import Picture, picture
from delegate_mcp.intake.unfit import Unfit

MAX_SENT_BYTES = 3_000_000
"""4 MB in base64: the least that a service takes (Groq)."""
TIME_LIMIT_S = 20.0
NOT_MEANT = Unfit("is an image: to have it seen name it, or *.png and the like", "Name it.")
NO_LINES = Unfit("is an image, which has no lines", "Name it alone.")
_BROKEN = Unfit("is a broken image", "Check that it opens, and save it anew.")
_BOMB = Unfit("unfolds to more pixels than can be read", "Send the part that matters.")
_SLOW = Unfit("takes too long to be drawn anew", "Send fewer, or smaller ones.")
_MISSING = Unfit(
    "is an image that must be drawn anew to be sent (it is large, or a GIF)",
    "Install what does that: pip install 'delegate-mcp[images]', or save it as a smaller PNG or JPEG.",
)
WHY = {documents.MISSING: _MISSING, documents.TOO_LARGE: _BOMB}


def image_of(kind: str, data: bytes, seconds_left: float = TIME_LIMIT_S) -> Image | Unfit:
    """The image as it is sent; `kind` as `image_formats.kind_of` says. What is drawn anew is in that time."""
    try:
        found = picture(kind, data)
    except ValueError:
        return _BROKEN
    if found.width * found.height > redraw.MOST_PIXELS:
        return _BOMB
    fits = found.still and len(found.data) <= MAX_SENT_BYTES
    if fits and max(found.width, found.height) <= MAX_EDGE:
        return _sent(found)
    redrawn = _redrawn(data, min(TIME_LIMIT_S, seconds_left))
    return _sent(found) if redrawn is _MISSING and fits else redrawn


def _redrawn(data: bytes, time_limit_s: float) -> Image | Unfit:
    if time_limit_s <= 0:
        return _SLOW
    argv = [sys.executable, "-P", "-m", redraw.__name__, str(MAX_EDGE), str(MAX_SENT_BYTES)]
    ran = run(argv, cwd=Path(sys.prefix), data=data, max_bytes=MAX_SENT_BYTES, time_limit_s=time_limit_s)
    if ran.too_long:
        return _SLOW
    if ran.code:
        return WHY.get(ran.code, _BROKEN)
    made = ran.output
    return _sent(picture("png" if made.startswith(b"\x89") else "jpeg", made))


def _sent(found: Picture) -> Image:
    return Image(found.media_type, found.data, found.width, found.height)
