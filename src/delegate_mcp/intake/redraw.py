"""A program of its own: an image on stdin becomes one that services take on stdout. Started by `images`, with limits.

Pillow belongs to the extra `images` and is imported here only. What comes out is the first frame, upright, no longer
than the edge and no larger than the bytes that the arguments name.
"""

import sys
from io import BytesIO
from typing import TYPE_CHECKING

from delegate_mcp.intake.documents import BROKEN, MISSING, TOO_LARGE
from delegate_mcp.platforms import limit_own_memory

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_PIXELS = 100_000_000
"""A picture of more is not unfolded."""
_MEMORY_BYTES = 1_500_000_000
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
_QUALITIES = (90, 75, 60)


def drawn(data: bytes, edge: int, max_bytes: int) -> bytes:
    """PNG where that is small enough, else JPEG, else a smaller picture."""
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = MOST_PIXELS // 2  # twice that is an error
    with Image.open(BytesIO(data), formats=_FORMATS) as opened:
        photo = opened.format == "JPEG"
        see_through = opened.has_transparency_data
        picture = ImageOps.exif_transpose(opened).convert("RGBA" if see_through else "RGB")
    while True:
        picture.thumbnail((edge, edge), Image.Resampling.LANCZOS)
        made = None if photo else _saved(picture, "PNG", optimize=True)
        if made is not None and len(made) <= max_bytes:
            return made
        plain = _on_white(picture) if see_through else picture
        for quality in _QUALITIES:
            made = _saved(plain, "JPEG", quality=quality)
            if len(made) <= max_bytes:
                return made
        edge = max(picture.size) // 2


def _on_white(picture: "Image") -> "Image":
    from PIL import Image

    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")


def _saved(picture: "Image", form: str, **options: int) -> bytes:
    made = BytesIO()
    picture.save(made, form, **options)
    return made.getvalue()


def main() -> int:
    """Draw stdin anew."""
    limit_own_memory(_MEMORY_BYTES)
    edge, max_bytes = map(int, sys.argv[1:3])
    try:
        made = drawn(sys.stdin.buffer.read(), edge, max_bytes)
    except ImportError:
        return MISSING
    except MemoryError:
        return TOO_LARGE
    except Exception:  # noqa: BLE001 - whatever a library makes of a stranger's file
        return BROKEN
    sys.stdout.buffer.write(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
