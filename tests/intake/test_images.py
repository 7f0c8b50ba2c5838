"""Images in `files`: which are sent, what of them is left out, and how large they are when they go."""

import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow
from PIL import ImageOps

from delegate_mcp.config.settings import FileSettings
from delegate_mcp.domain.brief import MAX_EDGE, Image
from delegate_mcp.domain.errors import InputError
from delegate_mcp.intake import documents, images
from delegate_mcp.intake.files import FilesRead, read_files
from delegate_mcp.intake.image_formats import kind_of, picture
from delegate_mcp.intake.sandbox import Roots
from delegate_mcp.intake.unfit import Unfit
from tests.fakes.pictures import SECRET, drawing, gif, jpeg, opened, png, sent, webp

STILL: list[Callable[..., bytes]] = [png, jpeg, webp]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    (project / "src").mkdir(parents=True)
    (project / "src" / "a.py").write_text("a = 1\n")
    (project / "src" / "icon.png").write_bytes(png())
    (project / "shot.png").write_bytes(png(drawing(400, 300)))
    return project


def read(project: Path, *names: str, limits: FileSettings | None = None) -> FilesRead:
    return read_files(names, roots=Roots((project,), project.parent / "home"), limits=limits or FileSettings())


def image_of(data: bytes) -> Image:
    kind = kind_of(data)
    assert kind is not None
    found = images.image_of(kind, data)
    assert isinstance(found, Image), found
    return found


def unfit(data: bytes) -> Unfit:
    kind = kind_of(data)
    assert kind is not None
    found = images.image_of(kind, data)
    assert isinstance(found, Unfit)
    return found


# --- Which -----------------------------------------------------------------------------------------------------------


def test_an_image_that_is_named_is_sent_beside_a_tag_that_stands_in_its_place(project: Path) -> None:
    found = read(project, "src/a.py", "shot.png")
    assert found.text == '<file path="src/a.py">\na = 1\n</file>\n\n<image path="shot.png"/>'
    assert [part.image is not None for part in found.parts] == [False, True]
    (_, row) = found.manifest
    assert (row.path, row.image, row.tokens) == ("shot.png", "image/png 400x300", 400 * 300 // 750)


@pytest.mark.parametrize("glob", ["*.png", "**/*.png", "**/*.{jpg,png}"])
def test_a_glob_for_images_takes_them(project: Path, glob: str) -> None:
    found = read(project, glob)
    assert "shot.png" in [row.path for row in found.manifest]
    assert found.notes == ()


@pytest.mark.parametrize("entry", ["src", "src/*"])
def test_of_a_directory_and_of_other_globs_images_are_left_out_and_told(project: Path, entry: str) -> None:
    found = read(project, entry)
    assert [row.path for row in found.manifest] == ["src/a.py"]
    assert found.notes == (
        "1 file left out: src/icon.png (is an image: to have it seen name it, or *.png and the like)",
    )


def test_an_image_of_a_directory_that_is_also_named_is_seen(project: Path) -> None:
    assert [row.path for row in read(project, "src", "src/icon.png").manifest] == ["src/a.py", "src/icon.png"]


def test_the_content_tells_an_image_whatever_its_name(project: Path) -> None:
    (project / "photo.txt").write_bytes(jpeg())
    (project / "notes.gif").write_text("GIF89a is how these files begin.")
    found = read(project, "photo.txt", "notes.gif")
    assert [row.image for row in found.manifest] == ["image/jpeg 40x30", ""]


def test_an_image_has_no_lines(project: Path) -> None:
    with pytest.raises(InputError, match="which has no lines"):
        read(project, "shot.png:1-5")


def test_more_images_than_the_settings_allow_are_refused(project: Path) -> None:
    with pytest.raises(InputError, match=r"more than 1 images.*files\.max_images"):
        read(project, "shot.png", "src/icon.png", limits=FileSettings(max_images=1))


def test_a_larger_file_than_the_settings_allow_is_refused(project: Path) -> None:
    with pytest.raises(InputError, match=r"larger than 100 bytes.*files\.max_image_bytes"):
        read(project, "shot.png", limits=FileSettings(max_image_bytes=100))


@pytest.mark.parametrize("head", [b"BM\0\0", b"II*\0", b"\0\0\0 ftypheic\0", b"\0\0\0 ftypavif\0"])
def test_a_kind_that_services_do_not_take_is_refused_by_name(project: Path, head: bytes) -> None:
    (project / "photo").write_bytes(head + bytes(40))
    with pytest.raises(InputError, match="of a kind that services do not take"):
        read(project, "photo")


# --- What of it ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", STILL)
def test_a_picture_goes_as_it_was_without_what_is_beside_it(make: Callable[..., bytes]) -> None:
    original = make()
    assert SECRET.encode() in original
    image = image_of(original)
    assert SECRET.encode() not in image.data
    assert b"Exif" not in image.data
    assert (image.width, image.height) == (40, 30)
    assert opened(image.data).convert("RGB").tobytes() == opened(original).convert("RGB").tobytes()


@pytest.mark.parametrize("make", [png, jpeg])
def test_what_follows_the_picture_does_not_go(make: Callable[..., bytes]) -> None:
    assert b"earlier" not in image_of(make() + b"earlier version").data


@pytest.mark.parametrize("image", [drawing(mode="RGBA"), drawing(mode="L"), drawing().convert("P")])
def test_transparency_palettes_and_greys_stay(image: Pillow.Image) -> None:
    for original in (png(image), webp(image.convert("RGBA"), lossless=True)):
        assert opened(image_of(original).data).convert("RGBA").tobytes() == opened(original).convert("RGBA").tobytes()


@pytest.mark.parametrize(
    "options", [{"progressive": True}, {"subsampling": 0, "quality": 95}, {"restart_marker_rows": 1}]
)
def test_every_way_to_write_a_jpeg_is_read(options: dict[str, int]) -> None:
    for mode in ("RGB", "L", "CMYK"):
        original = jpeg(drawing(200, 160, mode), **options)
        assert opened(image_of(original).data).tobytes() == opened(original).tobytes()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_stays_upright(orientation: int) -> None:
    original = jpeg(orientation=orientation)
    image = image_of(original)
    assert SECRET.encode() not in image.data
    upright = [ImageOps.exif_transpose(opened(data)).tobytes() for data in (image.data, original)]
    assert upright[0] == upright[1]


# --- How large -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", STILL)
def test_a_picture_longer_than_services_look_at_is_scaled_down(make: Callable[..., bytes]) -> None:
    image = image_of(make(drawing(3_000, 600)))
    assert (image.width, image.height) == opened(image.data).size
    assert (image.width, image.height) == pytest.approx((MAX_EDGE, MAX_EDGE / 5), abs=1)


def test_a_turned_photo_that_is_scaled_down_is_upright() -> None:
    image = image_of(jpeg(drawing(3_000, 600), orientation=6))
    assert image.height == MAX_EDGE


def test_a_picture_of_too_many_bytes_is_made_smaller() -> None:
    noise = Pillow.effect_noise((1_900, 1_900), 200).convert("RGBA")
    image = image_of(png(noise))
    assert len(image.data) <= images.MAX_SENT_BYTES
    assert image.media_type == "image/jpeg"


def test_what_moves_is_sent_as_its_first_frame() -> None:
    first, second = Pillow.new("RGB", (20, 20), "red"), Pillow.new("RGB", (20, 20), "blue")
    for moving in (gif(first, second), webp(first, save_all=True, append_images=[second], lossless=True)):
        image = image_of(moving)
        assert image.media_type == "image/png"
        assert opened(image.data).convert("RGB").getpixel((5, 5)) == (255, 0, 0)
        assert SECRET.encode() not in image.data


def test_a_picture_that_unfolds_to_too_much_is_refused() -> None:
    bomb = bytearray(png())
    bomb[16:24] = struct.pack(">II", 60_000, 60_000)
    assert "more pixels" in unfit(bytes(bomb)).why


def test_without_the_extra_the_error_is_the_command_that_installs_it() -> None:
    program = (
        "import sys; sys.modules['PIL'] = None; sys.argv = ['redraw', '2048', '3000000']; "
        "from delegate_mcp.intake.redraw import main; sys.exit(main())"
    )
    ended = subprocess.run([sys.executable, "-c", program], input=gif(), check=False, capture_output=True)
    assert ended.returncode == documents.MISSING
    assert "pip install 'delegate-mcp[images]'" in images.WHY[ended.returncode].advice


@pytest.mark.parametrize(("width", "height", "tokens"), [(10, 10, 1_120), (1_024, 1_024, 37 * 37), (9_999, 28, 1_120)])
def test_tokens_are_reckoned_by_the_service_that_counts_most(width: int, height: int, tokens: int) -> None:
    assert sent(width, height).tokens == tokens


# --- What is broken --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", STILL)
def test_a_picture_that_is_cut_is_told_as_broken(make: Callable[..., bytes]) -> None:
    whole = make()
    for end in range(64, len(whole) - 1, 7):
        assert unfit(whole[:end]).why == "is a broken image"


def test_a_gif_that_is_cut_is_told_as_broken() -> None:
    assert unfit(gif()[:40]).why == "is a broken image"


@given(st.sampled_from(STILL), st.integers(16, 400), st.binary(min_size=1, max_size=8))
def test_whatever_bytes_a_picture_has_it_is_one_or_a_value_error(
    make: Callable[..., bytes], at: int, odd: bytes
) -> None:
    data = bytearray(make())
    data[at : at + len(odd)] = odd
    kind = kind_of(bytes(data))
    if kind is not None:
        try:
            found = picture(kind, bytes(data))
        except ValueError:
            return
        assert found.width
        assert found.height
