"""Files put in place: all of them or none, nobody's own change written over, and put back as they were."""

import os
import stat
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from delegate_mcp.delivery.placing import Change, ChangedError, content, place, put_back
from delegate_mcp.domain.errors import InputError


def anywhere(path: str) -> Path:
    return Path(os.path.realpath(path))


def tree(base: Path) -> dict[str, bytes | None]:
    return {
        found.relative_to(base).as_posix(): found.read_bytes() if found.is_file() else None
        for found in sorted(base.rglob("*"))
    }


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "a.txt").write_bytes(b"a")
    (tmp_path / "b.txt").write_bytes(b"b")
    return tmp_path


def test_files_are_changed_made_and_removed_together_and_put_back_together(base: Path) -> None:
    before = tree(base)
    changes = [
        Change(base / "a.txt", b"a", b"A"),
        Change(base / "b.txt", b"b", None),
        Change(base / "new/deep/c.txt", None, b"C"),
    ]
    made = place(changes, anywhere)
    assert tree(base) == {"a.txt": b"A", "new": None, "new/deep": None, "new/deep/c.txt": b"C"}
    assert made == (base / "new/deep", base / "new")
    assert put_back(changes, anywhere) == ()
    assert tree(base) == before | {"new": None, "new/deep": None}


@pytest.mark.parametrize(
    "last",
    [
        Change(Path("b.txt"), b"not b", b"B"),
        Change(Path("b.txt"), None, b"B"),
        Change(Path("gone.txt"), b"g", b"G"),
        Change(Path("a.txt/under-a-file"), None, b"x"),
        Change(Path("n" * 300), None, b"x"),
    ],
)
def test_where_one_cannot_be_made_none_is_and_nothing_is_left_behind(base: Path, last: Change) -> None:
    before = tree(base)
    changes = [
        Change(base / "a.txt", b"a", b"A"),
        Change(base / "new/c.txt", None, b"C"),
        Change(base / last.path, last.before, last.after),
    ]
    with pytest.raises((OSError, ChangedError)):
        place(changes, anywhere)
    assert tree(base) == before


def test_what_was_changed_since_it_was_read_stays_and_is_named(base: Path) -> None:
    with pytest.raises(ChangedError, match=r"a\.txt changed since it was read"):
        place([Change(base / "a.txt", b"older", b"A")], anywhere)
    changes = [Change(base / "a.txt", b"a", b"A"), Change(base / "b.txt", b"b", b"B")]
    place(changes, anywhere)
    (base / "a.txt").write_bytes(b"mine")
    assert put_back(changes, anywhere) == (base / "a.txt",)
    assert tree(base) == {"a.txt": b"mine", "b.txt": b"b"}


def test_a_place_that_is_no_longer_allowed_stops_all(base: Path) -> None:
    def refuse(path: str) -> Path:
        if path.endswith("b.txt"):
            raise InputError("no")
        return Path(path)

    before = tree(base)
    with pytest.raises(InputError):
        place([Change(base / "a.txt", b"a", b"A"), Change(base / "b.txt", b"b", b"B")], refuse)
    assert tree(base) == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
def test_a_changed_file_keeps_its_mode_when_it_is_put_back_too(base: Path) -> None:
    (base / "a.txt").chmod(0o751)
    change = Change(base / "a.txt", b"a", b"A")
    place([change], anywhere)
    assert stat.S_IMODE((base / "a.txt").stat().st_mode) == 0o751
    put_back([change], anywhere)
    assert stat.S_IMODE((base / "a.txt").stat().st_mode) == 0o751


if sys.platform != "win32":
    import resource

    @contextmanager
    def disk_with_room_for(size: int) -> Generator[None]:
        """No file may grow beyond that, which a full disk is to whoever writes."""
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    def test_a_full_disk_changes_nothing(base: Path) -> None:
        before = tree(base)
        changes = [Change(base / "a.txt", b"a", b"A"), Change(base / "new/big.txt", None, b"x" * 5_000)]
        with disk_with_room_for(1_000), pytest.raises(OSError, match="large"):
            place(changes, anywhere)
        assert tree(base) == before


def test_content_is_none_where_nothing_is_and_never_more_than_asked(base: Path) -> None:
    assert content(base / "a.txt", 1) == b"a"
    assert content(base / "none/none.txt", 1) is None
    with pytest.raises(OSError, match="larger than 0 bytes"):
        content(base / "a.txt", 0)
