"""Images as cameras and programs make them, with what is beside the picture."""

from io import BytesIO
from typing import Any

from PIL import Image, ImageOps, PngImagePlugin

from delegate_mcp.domain import brief

SECRET = "sk-live-in-the-metadata"


def drawing(width: int = 40, height: int = 30, mode: str = "RGB") -> Image.Image:
    """No two corners have the same colour."""
    made: Image.Image = ImageOps.fit(Image.linear_gradient("L"), (width, height)).convert(mode)
    made.putpixel((0, 0), 255 if mode in "LP" else (255, 0, 0, 255)[: len(mode)])
    return made


def exif(orientation: int = 1) -> bytes:
    """A camera's notes."""
    made = Image.Exif()
    made[0x010E] = SECRET
    made[0x0112] = orientation
    made.get_ifd(0x8825)[1] = "N"  # where it was taken
    return made.tobytes()


def png(image: Image.Image | None = None, **options: Any) -> bytes:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", SECRET)
    notes.add_itxt("XML:com.adobe.xmp", SECRET)
    return _saved(image, "PNG", pnginfo=notes, exif=exif(), **options)


def jpeg(image: Image.Image | None = None, *, orientation: int = 1, **options: Any) -> bytes:
    return _saved(image, "JPEG", comment=SECRET.encode(), exif=exif(orientation), **options)


def webp(image: Image.Image | None = None, **options: Any) -> bytes:
    return _saved(image, "WEBP", exif=exif(), xmp=SECRET.encode(), **options)


def gif(*frames: Image.Image) -> bytes:
    first, *more = frames or (drawing(),)
    return _saved(first, "GIF", comment=SECRET.encode(), save_all=bool(more), append_images=more)


def opened(data: bytes) -> Image.Image:
    """What a model would see."""
    image = Image.open(BytesIO(data))
    image.load()
    return image


def sent(width: int = 40, height: int = 30) -> brief.Image:
    """An image as a brief has it."""
    return brief.Image("image/png", png(drawing(width, height)), width, height)


def _saved(image: Image.Image | None, form: str, **options: Any) -> bytes:
    made = BytesIO()
    (image or drawing()).save(made, form, **options)
    return made.getvalue()
