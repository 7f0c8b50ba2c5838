"""Line ranges: which lines of a file are sent, each once."""

from pathlib import Path

import pytest

from delegate_mcp.config.settings import FileSettings
from delegate_mcp.domain.errors import InputError
from delegate_mcp.intake.files import FilesRead, read_files
from delegate_mcp.intake.sandbox import Roots


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "a.txt").write_text("".join(f"line {number}\n" for number in range(1, 101)))
    (tmp_path / "project" / "b.txt").write_text("one\ntwo")
    return tmp_path / "project"


def read(project: Path, *names: str, limits: FileSettings | None = None) -> FilesRead:
    return read_files(names, roots=Roots((project,), project.parent / "home"), limits=limits or FileSettings())


def sent(found: FilesRead) -> dict[str, list[str]]:
    return {part.name: part.text.splitlines() for part in found.parts}


def numbered(first: int, last: int) -> list[str]:
    return [f"line {number}" for number in range(first, last + 1)]


@pytest.mark.parametrize(
    ("entry", "name", "first", "last"),
    [
        ("a.txt:10-12", "a.txt:10-12", 10, 12),
        ("a.txt:10", "a.txt:10", 10, 10),
        ("a.txt:98-", "a.txt:98-100", 98, 100),
        ("a.txt:-3", "a.txt:98-100", 98, 100),
        ("a.txt:98-200", "a.txt:98-100", 98, 100),
        ("a.txt:-200", "a.txt", 1, 100),
        ("a.txt:1-100", "a.txt", 1, 100),
        ("*a.txt:2-3", "a.txt:2-3", 2, 3),
    ],
)
def test_lines_are_sent_under_their_numbers(project: Path, entry: str, name: str, first: int, last: int) -> None:
    found = read(project, entry)
    assert sent(found) == {name: numbered(first, last)}
    assert found.text.startswith(f'<file path="{name}">\n')


def test_the_last_line_needs_no_line_end(project: Path) -> None:
    assert sent(read(project, "b.txt:2")) == {"b.txt:2": ["two"]}
    with pytest.raises(InputError, match=r"b\.txt:3: it has 2 lines"):
        read(project, "b.txt:3")


def test_ranges_that_overlap_or_touch_are_sent_once_where_the_first_stood(project: Path) -> None:
    found = read(project, "a.txt:50-60", "b.txt", "a.txt:61-65", "a.txt:1-2", "a.txt:55-58", "a.txt:-1")
    assert sent(found) == {
        "a.txt:50-65": numbered(50, 65),
        "b.txt": ["one", "two"],
        "a.txt:1-2": numbered(1, 2),
        "a.txt:100": numbered(100, 100),
    }


def test_who_wants_all_of_a_file_gets_no_part_of_it_twice(project: Path) -> None:
    assert sent(read(project, "a.txt:5-6", "a.txt")) == {"a.txt": numbered(1, 100)}


def test_a_file_with_a_colon_in_its_name_is_itself(project: Path) -> None:
    try:
        (project / "a.txt:5").write_text("itself")
    except OSError:
        pytest.skip("this file system has no such names")
    assert sent(read(project, "a.txt:5")) == {"a.txt:5": ["itself"]}


@pytest.mark.parametrize("entry", ["a.txt:0", "a.txt:20-10", "a.txt:-0"])
def test_lines_that_cannot_be_are_refused(project: Path, entry: str) -> None:
    with pytest.raises(InputError, match="no such lines"):
        read(project, entry)


def test_lines_of_a_missing_file_are_refused_with_the_nearest_name(project: Path) -> None:
    with pytest.raises(InputError, match=r"aa\.txt:3 is not there\. Is a\.txt meant\?"):
        read(project, "aa.txt:3")


def test_of_a_glob_files_without_such_lines_are_left_out_and_told(project: Path) -> None:
    found = read(project, "*.txt:90-92")
    assert list(sent(found)) == ["a.txt:90-92"]
    assert found.notes == ("1 file left out: b.txt:90-92 (it has 2 lines)",)


def test_of_a_file_above_the_limit_both_ends_can_be_read(project: Path) -> None:
    limits = FileSettings(max_file_bytes=100)
    assert sent(read(project, "a.txt:2-3", limits=limits)) == {"a.txt:2-3": numbered(2, 3)}
    assert sent(read(project, "a.txt:-2", "a.txt:-1", limits=limits)) == {"a.txt:-2": numbered(99, 100)}
    with pytest.raises(InputError, match=r"a\.txt:50: it is so large that only its first 13 lines"):
        read(project, "a.txt:50", limits=limits)
    with pytest.raises(InputError, match=r"a\.txt:-50: it is so large that only its last 12 lines"):
        read(project, "a.txt:-50", limits=limits)
    with pytest.raises(InputError, match=r"larger than 100 bytes.*a\.txt:10-80"):
        read(project, "a.txt:5-", limits=limits)
