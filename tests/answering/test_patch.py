"""Patches as models write them: what they mean is done to the byte, what is in doubt is refused with the reason."""

import difflib
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from delegate_mcp.answering.patch import FileChange, changes_of
from delegate_mcp.answering.patch_check import check_patch
from delegate_mcp.answering.patch_forms import PatchError, read_patch
from delegate_mcp.domain.brief import Original
from delegate_mcp.domain.errors import InputError
from delegate_mcp.intake.editing import EDITING

CODE = "import os\n\n\ndef one():\n    return 1\n\n\ndef two():\n    return 2\n"


def sent(name: str = "src/a.py", text: str | bytes = CODE) -> Original:
    return Original(name, Path("/p") / name, text if isinstance(text, bytes) else text.encode(), 0o644)


def nowhere(path: str) -> tuple[Path, str, bool]:
    if path.startswith(("/", "..")):
        raise InputError(f"{path} lies outside /home/person")
    return Path("/p") / path, path, path == "there.py"


def patched(answer: str, *originals: Original) -> dict[str, bytes | None]:
    """What the files are after it; git has agreed."""
    changes = changed(answer, *originals)
    check_patch(changes)
    return {row.shown: row.change.after for row in changes}


def changed(answer: str, *originals: Original) -> tuple[FileChange, ...]:
    return changes_of(read_patch(answer, [row.shown for row in originals]), originals, nowhere)


def block(old: str, new: str, path: str = "src/a.py") -> str:
    return f"{path}\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n"


# --- What is taken ---------------------------------------------------------------------------------------------------

UNIFIED = """--- a/src/a.py
+++ b/src/a.py
@@ -77,2 +1,9 @@ def one():
 def one():
-    return 1
+    return 11
"""


@pytest.mark.parametrize(
    "answer",
    [
        block("    return 1", "    return 11"),
        f"```python\n{block('    return 1', '    return 11')}```",
        block("    return 1", "    return 11", "**`src/a.py`**:"),
        block("    return 1", "    return 11", "### File: ./src/a.py"),
        "src/a.py\n```python\n<<<<<<< SEARCH\n    return 1\n=======\n    return 11\n>>>>>>> REPLACE\n```",
        "<<<<<<< SEARCH src/a.py\n    return 1\n=======\n    return 11\n>>>>>>> REPLACE",
        "<<<<<<< SEARCH\n    return 1\n=======\n    return 11\n>>>>>>> REPLACE",
        block("def one():  \n    return 1", "def one():\n    return 11"),
        block("    return 1", "    return 11").replace("\n", "\r\n"),
        UNIFIED,
        f"Here is the patch:\n\n```diff\ndiff --git a/src/a.py b/src/a.py\nindex 1..2 100644\n{UNIFIED}```\nDone.",
        f"{UNIFIED}\nThis changes one line.",
        UNIFIED.replace("@@ -77,2 +1,9 @@ def one():", "@@"),
        UNIFIED.replace("a/src", "src").replace("b/src", "src"),
        "*** Begin Patch\n*** Update File: src/a.py\n@@ def one():\n-    return 1\n+    return 11\n*** End Patch",
        "*** Begin Patch\n*** Update File: src/a.py\n def one():\n-    return 1\n+    return 11\n*** End Patch",
        block("    return 1", "    return 11", "/p/src/a.py"),
        block("    return 1", "    return 11", "src/a.py:1-80"),
    ],
)
def test_the_same_change_in_every_form(answer: str) -> None:
    assert patched(answer, sent()) == {"src/a.py": CODE.replace("return 1", "return 11").encode()}


def test_several_files_are_changed_made_and_removed_by_one_answer() -> None:
    answer = "\n".join(
        [
            block("    return 1", "    return 11"),
            "Then the second function:\n",
            "<<<<<<< SEARCH\n    return 2\n=======\n    return 22\n>>>>>>> REPLACE",
            block("", "VALUE = 1", "src/new.py"),
            "*** Delete File: old.py",
        ]
    )
    assert patched(answer, sent(), sent("old.py", "x\n")) == {
        "src/a.py": CODE.replace("return 1", "return 11").replace("return 2", "return 22").encode(),
        "src/new.py": b"VALUE = 1\n",
        "old.py": None,
    }


def test_a_diff_makes_and_removes_files_too() -> None:
    answer = (
        "--- /dev/null\n+++ b/new.py\n@@ -0,0 +1,2 @@\n+a = 1\n+b = 2\n"
        "--- a/src/a.py\n+++ /dev/null\n@@ -1,9 +0,0 @@\n-import os\n"
    )
    assert patched(answer, sent()) == {"new.py": b"a = 1\nb = 2\n", "src/a.py": None}


def test_of_lines_that_stand_twice_a_diff_means_the_ones_nearest_to_its_number() -> None:
    text = "a\nx\nb\n" * 3
    diff = "--- a/t.txt\n+++ b/t.txt\n@@ -5,1 +5,1 @@\n-x\n+y\n@@ -8,1 +8,1 @@\n-x\n+z\n"
    assert patched(diff, sent("t.txt", text)) == {"t.txt": b"a\nx\nb\na\ny\nb\na\nz\nb\n"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"one\r\ntwo\r\nthree\r\n", b"one\r\n2\r\nzwei\r\nthree\r\n"),
        (b"one\ntwo", b"one\n2\nzwei"),
        (b"two", b"2\nzwei"),
        (b"\xef\xbb\xbfone\ntwo\n", b"\xef\xbb\xbfone\n2\nzwei\n"),
        (b"one \t\ntwo  \nthree\x0c\n", b"one \t\n2\nzwei\nthree\x0c\n"),
        ("grün\ntwo\n\u2028x\n".encode(), "grün\n2\nzwei\n\u2028x\n".encode()),
        (b"one\rstill one\ntwo\n", b"one\rstill one\n2\nzwei\n"),
    ],
)
def test_line_ends_marks_and_all_that_is_not_changed_stay_to_the_byte(before: bytes, after: bytes) -> None:
    assert patched(block("two", "2\nzwei", "t.txt"), sent("t.txt", before)) == {"t.txt": after}


def test_lines_that_a_block_repeats_stay_the_files_own() -> None:
    before = "def f():  \n\tx = 1\x0c\n\treturn x\t\n"
    answer = block("def f():\n\tx = 1\n\treturn x", "def f():\n\tx = 2\n\treturn x", "t.py")
    assert patched(answer, sent("t.py", before)) == {"t.py": b"def f():  \n\tx = 2\n\treturn x\t\n"}


@pytest.mark.parametrize("name", ["naïve café.py", 'quo"te.py', "日本.py", "with space/a b.py", "back\\slash.py"])
def test_names_of_all_kinds(name: str) -> None:
    answer = block("    return 1", "    return 11", name)
    assert patched(answer, sent(name), sent("other.py")) == {name: CODE.replace("return 1", "return 11").encode()}


def test_a_name_that_git_quotes_is_read() -> None:
    diff = UNIFIED.replace("a/src/a.py", '"a/na\\303\\257ve.py"').replace("b/src/a.py", '"b/na\\303\\257ve.py"')
    assert list(patched(diff, sent("naïve.py"))) == ["naïve.py"]


def test_empty_files_are_made_filled_and_removed() -> None:
    assert patched("empty.py\n<<<<<<< SEARCH\n=======\n>>>>>>> REPLACE", sent()) == {"empty.py": b""}
    assert patched(block("", "x = 1", "e.py"), sent("e.py", "")) == {"e.py": b"x = 1\n"}
    assert patched("*** Delete File: e.py", sent("e.py", "")) == {"e.py": None}


def test_the_form_that_models_are_asked_for_is_one_that_is_read() -> None:
    edits = read_patch(EDITING, [])
    assert [(edit.path, edit.kind) for edit in edits] == [("path/of/file.py", "change"), ("path/of/old.py", "delete")]


def test_the_diff_counts_lines_and_shows_what_was_done() -> None:
    (row,) = changed(block("    return 1", "    return 11\n    # done"), sent())
    assert (row.added, row.removed) == (2, 1)
    assert row.diff.splitlines()[0] == "diff --git a/src/a.py b/src/a.py"
    assert "-    return 1\n+    return 11\n" in row.diff


# --- What is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("I would change line 5.", "no edit block"),
        ("", "no edit block"),
        (block("    return 3", "x"), r"not in src/a\.py: return 3"),
        (block("\n", "x"), "say which of its lines"),
        (block("def one():", "def one():"), "changes nothing"),
        ("src/a.py\n<<<<<<< SEARCH\nx\n=======\ny\n", "no >>>>>>> REPLACE"),
        ("src/a.py\n<<<<<<< SEARCH\nx\n>>>>>>> REPLACE\n", "no ======= line"),
        (block("x\n=======\ny", "z"), "several ======= lines"),
        ("--- a/src/a.py\n+++ b/src/a.py\n", "no @@ line"),
        (f"```diff\n{UNIFIED}    return 9\nreturn 8\n```", "begins with neither"),
        (block("x", "y", "there.py"), "was not sent"),
        (block("", "y", "../out.py"), "may not be written"),
        (block("", "y", "/etc/passwd"), "may not be written"),
        (block("x", "y", "none.py"), r"none\.py is not there"),
        ("*** Delete File: none.py", "cannot be deleted"),
        ("diff --git a/x b/x\nGIT binary patch\nliteral 3\n", "binary"),
        ("diff --git a/x b/y\nrename from x\nrename to y\n", "renamed"),
        ("diff --git a/x b/x\nnew file mode 120000\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+/etc\n", "links"),
        ("*** Update File: src/a.py\n*** Move to: src/b.py\n@@\n-x\n+y\n", "renamed"),
    ],
)
def test_what_cannot_be_done_is_told_to_its_writer(answer: str, why: str) -> None:
    with pytest.raises(PatchError, match=why):
        changed(answer, sent())


def test_no_directory_of_this_machine_is_told_to_a_model() -> None:
    with pytest.raises(PatchError) as told:
        changed(block("", "y", "/etc/passwd"), sent())
    assert "/home/person" not in str(told.value)


def test_lines_that_stand_more_than_once_are_not_guessed() -> None:
    with pytest.raises(PatchError, match="stand 2 times"):
        changed(block("x", "y", "t.txt"), sent("t.txt", "x\nx\n"))


@pytest.mark.parametrize("data", [b"\xff\xfe\x00a", b"caf\xe9\n", b"a\0b\n"])
def test_what_is_no_utf8_text_is_not_patched(data: bytes) -> None:
    with pytest.raises(PatchError, match="not text in UTF-8"):
        changed(block("a", "b", "t.bin"), sent("t.bin", data))


# --- Any file, any change --------------------------------------------------------------------------------------------

LINE = st.text(st.sampled_from("ab \t{}=-+@é"), max_size=4)
LINES = st.lists(LINE, max_size=12)


@settings(max_examples=60, deadline=None)
@given(before=LINES, after=LINES, end=st.sampled_from(["\n", "\r\n"]), ended=st.booleans(), off=st.integers(-3, 3))
def test_any_diff_with_wrong_numbers_makes_what_it_was_made_of(
    *, before: list[str], after: list[str], end: str, ended: bool, off: int
) -> None:
    assume(before and before != after and before[-1] and after)
    diff = list(difflib.unified_diff(before, after, "a/t.txt", "b/t.txt", lineterm="", n=len(before)))
    head = f"@@ -{max(1, 1 + off)},99 +1,1 @@"
    answer = "\n".join(["```diff", *diff[:2], head, *diff[3:], "```"])
    original = sent("t.txt", _file(before, end, ended=ended))
    found = patched(answer, original)["t.txt"]
    # What it ends with is the file's own; with as many lines ending either way the plain end is taken.
    crlf = end == "\r\n" and (len(before) - (not ended)) * 2 > len(before)
    assert found is not None
    assert found.replace(b"\r\n", b"\n") == _file(after, "\n", ended=ended)
    if crlf:
        assert found == _file(after, end, ended=ended)


@settings(max_examples=30, deadline=None)
@given(before=LINES, at=st.integers(0, 11), size=st.integers(1, 4), new=LINES, ended=st.booleans())
def test_our_diff_is_what_git_itself_makes_of_the_file(
    tmp_path_factory: pytest.TempPathFactory, *, before: list[str], at: int, size: int, new: list[str], ended: bool
) -> None:
    old = before[at : at + size]
    assume(old and any(old) and new != old)
    original = sent("t.txt", _file(before, "\n", ended=ended))
    try:
        (row,) = changed(block("\n".join(old), "\n".join(new), "t.txt"), original)
    except PatchError:
        return  # it stands twice, or changes nothing but what cannot be seen
    folder = tmp_path_factory.mktemp("git")
    (folder / "t.txt").write_bytes(original.data)
    subprocess.run(
        ["git", "apply", "--whitespace=nowarn", "-"],
        cwd=folder,
        input=row.diff.encode(),
        check=True,
        capture_output=True,
    )
    assert (folder / "t.txt").read_bytes() == row.change.after


@given(st.lists(st.sampled_from([
    "src/a.py", "<<<<<<< SEARCH", "=======", ">>>>>>> REPLACE", "```", "--- a/src/a.py", "+++ b/src/a.py",
    "@@ -1 +1 @@", " import os", "-import os", "+import sys", "", "*** Update File: src/a.py",
    "*** Delete File: src/a.py", "words", "import os", "@@", "\\ No newline at end of file", "*** End Patch",
])))  # fmt: skip
def test_any_answer_is_a_patch_or_is_refused(lines: Sequence[str]) -> None:
    with suppress(PatchError):
        assert changed("\n".join(lines), sent())


def _file(lines: Sequence[str], end: str, *, ended: bool) -> bytes:
    return (end.join(lines) + (end if ended else "")).encode()
