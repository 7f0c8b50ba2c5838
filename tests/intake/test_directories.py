"""Directories and globs: what a walk finds, and what .gitignore keeps out of it."""

import os
import sys
from pathlib import Path

import pytest

from delegate_mcp.config.settings import FileSettings
from delegate_mcp.domain.errors import InputError
from delegate_mcp.intake.files import FilesRead, read_files
from delegate_mcp.intake.sandbox import Roots


def lay(project: Path, **files: str) -> None:
    for path, text in files.items():
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(text)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    lay(
        project,
        **{
            "README.md": "read me",
            "src/a.py": "a",
            "src/a.log": "log",
            "src/keep.log": "kept",
            "src/deep/b.py": "b",
            "src/deep/generated.py": "g",
            "build/out.py": "o",
            "build/sub/out.py": "o",
            "notes/private.md": "p",
            ".gitignore": "# what is made\nbuild/\n*.log\n!keep.log\n!\n",
            "src/deep/.gitignore": "generated.py\n",
            ".git/info/exclude": "notes/\n",
        },
    )
    return project


def read(project: Path, *names: str) -> FilesRead:
    return read_files(names, roots=Roots((project,), project.parent / "home"), limits=FileSettings())


def paths(found: FilesRead) -> list[str]:
    return [file.path for file in found.manifest]


def test_a_directory_is_its_files_without_ignored_and_hidden_ones(project: Path) -> None:
    found = read(project, "src")
    assert paths(found) == ["src/a.py", "src/deep/b.py", "src/keep.log"]
    assert found.notes == ("2 git-ignored left out: src/a.log; src/deep/generated.py",)
    assert paths(read(project, "src/")) == paths(found)
    assert paths(read(project, str(project / "src"))) == paths(found)


def test_the_working_directory_itself_can_be_sent(project: Path) -> None:
    found = read(project, ".")
    assert paths(found) == ["README.md", "src/a.py", "src/deep/b.py", "src/keep.log"]
    assert found.notes == ("4 git-ignored left out: build; notes; src/a.log; src/deep/generated.py",)


def test_globs_pass_by_what_is_ignored(project: Path) -> None:
    assert paths(read(project, "**/*.py")) == ["src/a.py", "src/deep/b.py"]
    assert paths(read(project, "*/*.log")) == ["src/keep.log"]


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ("src/a.log", ["src/a.log"]),
        ("build", ["build/out.py", "build/sub/out.py"]),
        ("build/*.py", ["build/out.py"]),
        ("b*/sub/*.py", None),
        ("build/**/*.py", ["build/out.py", "build/sub/out.py"]),
        ("notes/*.md", ["notes/private.md"]),
    ],
)
def test_what_is_named_in_full_is_sent_though_it_is_ignored(project: Path, entry: str, found: list[str] | None) -> None:
    if found is None:
        with pytest.raises(InputError, match=r"1 git-ignored left out: build\)\. A name given in full is read"):
            read(project, entry)
    else:
        assert paths(read(project, entry)) == found


def test_a_directory_of_which_all_is_ignored_says_so(project: Path) -> None:
    lay(project, **{"made/.gitignore": "*\n", "made/x.py": "x"})
    with pytest.raises(InputError, match=r"made is a directory without a file.*1 git-ignored left out: made/x\.py"):
        read(project, "made")


def test_ignore_files_above_the_top_of_the_repository_are_not_read(project: Path) -> None:
    (project.parent / ".gitignore").write_text("*.py\n")
    (project.parent / ".git").mkdir()
    assert "src/a.py" in paths(read(project, "src"))


def test_where_the_root_lies_in_a_repository_its_ignore_files_count_from_its_top(project: Path) -> None:
    (project / ".gitignore").write_text("*.log\n/src/a.py\n/deep\n")
    (project / ".git" / "info" / "exclude").write_text("keep.*\n")
    found = read(project / "src", ".")
    assert paths(found) == ["deep/b.py"]
    assert found.notes == ("4 git-ignored left out: a.log; a.py; keep.log; deep/generated.py",)
    assert paths(read(project / "src", "a.py")) == ["a.py"]


def test_a_root_that_its_repository_ignores_is_meant_all_the_same(project: Path) -> None:
    assert paths(read(project / "build", ".")) == ["out.py", "sub/out.py"]


def test_above_a_root_that_is_in_no_repository_nothing_is_read(project: Path) -> None:
    (project / ".git" / "info" / "exclude").unlink()
    (project / ".git" / "info").rmdir()
    (project / ".git").rmdir()
    assert paths(read(project / "src", ".")) == ["a.log", "a.py", "deep/b.py", "keep.log"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no owners like these")
def test_a_repository_of_another_user_above_a_root_says_nothing(project: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root may give a directory away")
    os.chown(project / ".git", 12345, 12345)
    assert "a.log" in paths(read(project / "src", "."))


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
def test_an_ignore_file_above_a_root_that_is_a_link_is_not_followed(project: Path) -> None:
    (project.parent / "elsewhere").write_text("*.py\n")
    (project / ".gitignore").unlink()
    (project / ".gitignore").symlink_to(project.parent / "elsewhere")
    assert "a.py" in paths(read(project / "src", "."))


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
def test_an_ignore_file_that_leads_out_of_the_root_is_none(project: Path) -> None:
    (project.parent / "elsewhere").write_text("*.py\n")
    (project / "src" / ".gitignore").symlink_to(project.parent / "elsewhere")
    assert "src/a.py" in paths(read(project, "src"))


def test_very_many_files_are_refused_before_they_are_all_looked_at(project: Path) -> None:
    for number in range(2_001):
        (project / "src" / f"{number}.txt").touch()
    for entry in ("src", "src/*.txt"):
        with pytest.raises(InputError, match="more than 2,000 files"):
            read(project, entry)
