"""save_to: whole or not at all, never over a file, code without the prose around it."""

import os
import stat
import sys
from pathlib import Path

import pytest

from delegate_mcp.delivery.placing import Change
from delegate_mcp.delivery.save import Saved, save_answer, sole_block
from delegate_mcp.domain.errors import InputError

CALL = "c000000000001"


def save(directory: Path, answer: str, name: str, *, overwrite: bool = False) -> Saved:
    return save_answer(answer, name, resolve=lambda path: directory / path, call_id=CALL, overwrite=overwrite)


def test_the_answer_is_written_with_the_directories_it_needs(tmp_path: Path) -> None:
    saved = save(tmp_path, "# Title\n\ntext ü", "docs/deep/a.md")
    assert (tmp_path / "docs/deep/a.md").read_bytes() == "# Title\n\ntext ü\n".encode()
    assert saved == Saved(
        path=tmp_path / "docs/deep/a.md",
        shown="docs/deep/a.md",
        size_bytes=17,
        lines=3,
        first_lines=("# Title", "", "text ü"),
        block_only=False,
        change=Change(tmp_path / "docs/deep/a.md", None, "# Title\n\ntext ü\n".encode()),
        made=(tmp_path / "docs/deep", tmp_path / "docs"),
    )


def test_nothing_but_the_file_is_left_behind(tmp_path: Path) -> None:
    save(tmp_path, "x", "a.txt")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


def test_a_file_that_exists_is_not_overwritten_unasked_and_the_answer_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("mine")
    with pytest.raises(InputError, match=rf"a\.txt exists and `overwrite` was not given.*delegate_result {CALL}"):
        save(tmp_path, "x", "a.txt")
    assert (tmp_path / "a.txt").read_text() == "mine"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


def test_with_overwrite_the_file_is_replaced_whole_and_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_text("old")
    (tmp_path / "run.sh").chmod(0o750)
    saved = save(tmp_path, "new", "run.sh", overwrite=True)
    assert (tmp_path / "run.sh").read_text() == "new\n"
    assert saved.change.before == b"old"
    assert sys.platform == "win32" or stat.S_IMODE((tmp_path / "run.sh").stat().st_mode) == 0o750
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.sh"]


def test_overwrite_replaces_no_directory_and_needs_no_file(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        save(tmp_path, "x", "a", overwrite=True)
    save(tmp_path, "x", "b", overwrite=True)
    assert (tmp_path / "b").read_text() == "x\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes in directories")
def test_overwrite_neither_waits_for_a_pipe_nor_replaces_it(tmp_path: Path) -> None:
    if sys.platform != "win32":
        os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="cannot be written"):
        save(tmp_path, "x", "pipe", overwrite=True)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_a_link_that_leads_nowhere_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "a.txt").symlink_to(tmp_path / "elsewhere.txt")
    with pytest.raises(InputError, match="exists"):
        save(tmp_path, "x", "a.txt")
    assert not (tmp_path / "elsewhere.txt").exists()


def test_a_place_that_cannot_be_written_is_told_and_the_answer_is_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=f"cannot be written|exists.*{CALL}"):
        save(tmp_path, "x", "file/a.txt")
    with pytest.raises(InputError, match=rf"cannot be written .*{CALL}"):
        save(tmp_path, "x", "n" * 300)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_path_outside_the_roots_is_refused_by_who_resolves_it(tmp_path: Path) -> None:
    def refuse(path: str) -> Path:
        raise InputError(f"{path} lies outside")

    with pytest.raises(InputError, match="lies outside"):
        save_answer("x", "../a", resolve=refuse, call_id=CALL)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_becomes_a_link_while_it_is_made_is_noticed(tmp_path: Path) -> None:
    answers = iter([tmp_path / "a" / "x.txt", tmp_path / "b" / "x.txt"])
    with pytest.raises(InputError, match="changed its place"):
        save_answer("x", "a/x.txt", resolve=lambda _: next(answers), call_id=CALL)
    assert not (tmp_path / "a" / "x.txt").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
def test_the_file_has_the_mode_of_any_new_file(tmp_path: Path) -> None:
    save(tmp_path, "x", "a.txt")
    (tmp_path / "plain").touch()
    assert stat.S_IMODE(os.stat(tmp_path / "a.txt").st_mode) == stat.S_IMODE(os.stat(tmp_path / "plain").st_mode)  # noqa: PTH116


@pytest.mark.parametrize(
    ("name", "answer", "content"),
    [
        ("a.py", "Here it is:\n\n```python\nx = 1\n```\nEnjoy!", "x = 1\n"),
        ("a.py", "```\nx = 1\n```", "x = 1\n"),
        ("A.PY", "~~~py\nx = 1\n~~~", "x = 1\n"),
        ("Dockerfile", "```dockerfile\nFROM x\n```", "FROM x\n"),
        ("a.py", "````python\ns = '''\n```\n'''\n````", "s = '''\n```\n'''\n"),
        ("a.py", "```python\nx = 1", "x = 1\n"),
        ("a.py", "x = 1", "x = 1\n"),
        ("a.py", "```\na\n```\nor\n```\nb\n```", "```\na\n```\nor\n```\nb\n```\n"),
        ("a.md", "```python\nx = 1\n```", "```python\nx = 1\n```\n"),
        ("a.txt", "See:\n```\nx\n```", "See:\n```\nx\n```\n"),
        ("a.json", "```json\n{}\n```", "{}\n"),
        ("a.txt", "", ""),
    ],
)
def test_a_code_file_gets_the_one_code_block_and_other_files_the_whole_answer(
    tmp_path: Path, name: str, answer: str, content: str
) -> None:
    saved = save(tmp_path, answer, name)
    assert (tmp_path / name).read_text() == content
    assert saved.block_only == (content.rstrip() != answer)


def test_the_first_lines_are_few_and_short(tmp_path: Path) -> None:
    saved = save(tmp_path, "\n".join(["x" * 500] * 50), "a.txt")
    assert saved.first_lines == ("x" * 100,) * 3
    assert saved.lines == 50


@pytest.mark.parametrize("answer", ["no block", "a `b` c", "``` not `a` fence\nx", "    ```\n    x\n    ```"])
def test_what_is_no_block_is_none(answer: str) -> None:
    assert sole_block(answer) is None


def test_what_moves_a_terminal_or_turns_code_around_is_not_saved_and_all_else_is(tmp_path: Path) -> None:
    saved = save(tmp_path, "a\x1b[31m = '\u202eb\u2069'  # soft\u00adhyphen\u200b", "a.py")
    assert (tmp_path / "a.py").read_text("utf-8") == "a = 'b'  # soft\u00adhyphen\u200b\n"
    assert saved.first_lines == ("a = 'b'  # softhyphen",)
