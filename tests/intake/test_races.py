"""Somebody swaps files and directories for links while they are read and written: what is open decides, no path."""

import itertools
import os
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from delegate_mcp.config.settings import FileSettings
from delegate_mcp.delivery.save import save_answer
from delegate_mcp.domain.errors import InputError
from delegate_mcp.intake.files import read_files
from delegate_mcp.intake.sandbox import Roots

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")

ROUNDS = 400
NUMBERS = itertools.count()
SECRET = "the-secret-that-must-not-get-out"
INSIDE = "what lies inside"


@contextmanager
def meanwhile(act: Callable[[], None]) -> Generator[list[int]]:
    """Do it again and again in a thread; yields a list that holds how often."""
    stop, started, done = threading.Event(), threading.Event(), [0]

    def again() -> None:
        while not stop.is_set():
            act()
            done[0] += 1
            started.set()

    thread = threading.Thread(target=again)
    thread.start()
    started.wait()
    try:
        yield done
    finally:
        stop.set()
        thread.join()


@pytest.fixture
def base(tmp_path: Path) -> Path:
    for place, text in {"project/d/x.txt": INSIDE, "project/x.txt": INSIDE, "outside/x.txt": SECRET}.items():
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(text)
    return tmp_path


def swap_file(base: Path) -> None:
    """A file becomes a link to the secret, and a file again; each time in one step."""
    spare = base / "project" / "spare"
    spare.symlink_to(base / "outside" / "x.txt")
    spare.replace(base / "project" / "x.txt")
    spare.write_text(INSIDE)
    spare.replace(base / "project" / "x.txt")


def swap_directory(base: Path) -> None:
    """A directory becomes a link to one outside."""
    held, spare = base / "project" / "d", base / "project" / "spare"
    held.mkdir(exist_ok=True)  # a writer that could not go on takes away what it had made anew
    held.rename(spare)
    with suppress(FileExistsError):
        held.symlink_to(base / "outside")
        held.unlink()
    try:
        spare.rename(held)
    except OSError:  # a writer has made the directory anew
        spare.rename(base / "project" / f"spare-{next(NUMBERS)}")


def move_out(base: Path) -> None:
    """A directory is moved outside, holds the secret there, and comes back without it."""
    held, away = base / "project" / "d", base / "outside" / "d"
    held.rename(away)
    (away / "x.txt").write_text(SECRET)
    (away / "x.txt").write_text(INSIDE)
    away.rename(held)


def swap_hard_link(base: Path) -> None:
    """A file becomes a second name of a credential file."""
    spare = base / "project" / "spare"
    os.link(base / "project" / ".env", spare)
    spare.replace(base / "project" / "x.txt")
    spare.write_text(INSIDE)
    spare.replace(base / "project" / "x.txt")


@pytest.mark.parametrize(
    ("swap", "name"),
    [
        (swap_file, "x.txt"),
        (swap_file, "x*"),
        (swap_directory, "d/x.txt"),
        (swap_directory, "d/*"),
        (swap_directory, "**/x.txt"),
        (move_out, "d/x.txt"),
        (swap_hard_link, "x.txt"),
    ],
)
def test_no_swap_while_reading_brings_out_what_lies_outside(
    base: Path, swap: Callable[[Path], None], name: str
) -> None:
    (base / "project" / ".env").write_text(SECRET)
    roots = Roots((base / "project",), base / "home")
    read = refused = 0
    with meanwhile(lambda: swap(base)) as swapped:
        for _ in range(ROUNDS):
            try:
                found = read_files((name,), roots=roots, limits=FileSettings())
            except InputError:
                refused += 1
            else:
                read += 1
                assert SECRET not in found.text
    assert swapped[0] > 1
    assert read + refused == ROUNDS
    assert read_files((name,), roots=roots, limits=FileSettings()).manifest


@pytest.mark.parametrize("name", ["d/new-{}.txt", "d/deep/er/new-{}.txt"])
def test_no_swap_while_writing_lets_anything_be_written_outside(base: Path, name: str) -> None:
    roots = Roots((base / "project",), base / "home")
    written = 0
    with meanwhile(lambda: swap_directory(base)) as swapped:
        for number in range(ROUNDS):
            try:
                save_answer("x", name.format(number), resolve=roots.resolve_write, call_id="c000000000001")
                written += 1
            except InputError:
                continue
    assert swapped[0] > 1
    assert [place.name for place in (base / "outside").iterdir()] == ["x.txt"]
    assert not list((base / "project").rglob("*.part"))
    assert len(list((base / "project").rglob("new-*"))) == written
