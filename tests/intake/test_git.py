"""`git:` entries: what they show, and that nothing of a stranger's repository is run for it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from delegate_mcp.config.settings import FileSettings
from delegate_mcp.domain.errors import InputError
from delegate_mcp.intake.files import FilesRead, read_files
from delegate_mcp.intake.sandbox import Roots

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="the tricks are shell scripts and links")


def git(project: Path, *arguments: str) -> str:
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"]}
    settings = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgSign=false")
    return subprocess.run(
        ["git", *settings, *arguments], cwd=project, env=own, check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "false")
    project = tmp_path / "project"
    (project / "sub").mkdir(parents=True)
    git(project, "init", "--quiet", "--initial-branch=main")
    (project / "a.py").write_text("a = 1\n")
    (project / "sub" / "b.py").write_text("b = 1\n")
    (project / ".env").write_text("X=1\n")
    commit(project, "The first")
    return project


def commit(project: Path, message: str) -> None:
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", message)


def read(root: Path, *names: str, limits: FileSettings | None = None) -> FilesRead:
    return read_files(names, roots=Roots((root,), root.parent / "home"), limits=limits or FileSettings())


def test_a_diff_is_what_has_not_been_committed_staged_or_not(project: Path) -> None:
    (project / "a.py").write_text("a = 2\n")
    (project / "sub" / "b.py").write_text("b = 2\n")
    git(project, "add", "a.py")
    found = read(project, "git:diff", "a.py")
    assert [file.path for file in found.manifest] == ["git:diff", "a.py"]
    assert found.text.startswith('<file path="git:diff">\ndiff --git a/a.py b/a.py\n')
    assert "-a = 1\n+a = 2\n" in found.text
    assert "-b = 1\n+b = 2\n" in found.text


def test_new_files_that_no_diff_shows_are_told(project: Path) -> None:
    (project / "new.py").write_text("new\n")
    with pytest.raises(InputError, match=r"name the new files themselves \(new\.py, "):
        read(project, "git:diff")
    (project / "a.py").write_text("a = 2\n")
    assert read(project, "git:diff", "new.py").notes == ()
    assert read(project, "git:diff").notes == ("1 untracked left out: new.py (git:diff)",)


def test_a_diff_against_a_branch_and_between_two(project: Path) -> None:
    git(project, "checkout", "--quiet", "-b", "new")
    (project / "a.py").write_text("a = 2\n")
    commit(project, "The second")
    for entry in ("git:diff:main", "git:diff:main..new", "git:diff:main...", "git:diff:HEAD~1"):
        assert "-a = 1\n+a = 2\n" in read(project, entry).text


def test_a_commit_is_shown_with_its_message(project: Path) -> None:
    (project / "a.py").write_text("a = 2\n")
    commit(project, "The second")
    shown = read(project, "git:show:HEAD").text
    assert "    The second\n" in shown
    assert "+a = 2" in shown
    assert "The first" in read(project, "git:show:main~1").text


def test_without_changes_the_entry_is_refused(project: Path) -> None:
    with pytest.raises(InputError, match="git:diff is empty"):
        read(project, "git:diff")


@pytest.mark.parametrize(
    "entry",
    [
        "git:show:gone", "git:diff:gone", "git:diff:main..gone", "git:show:--help", "git:show:--output=x",
        "git:diff:--no-index", "git:diff:--output=x", "git:diff:-O..main", "git:show:HEAD:.env", "git:show:HEAD -- x",
    ],
)  # fmt: skip
def test_what_is_no_commit_is_refused_and_never_an_option(project: Path, entry: str) -> None:
    with pytest.raises(InputError, match="there is no commit"):
        read(project, entry)
    assert not (project / "x").exists()


@pytest.mark.parametrize("entry", ["git:", "git:log", "git:diff:", "git:show", "git:show:"])
def test_other_words_are_refused_with_the_forms_there_are(project: Path, entry: str) -> None:
    with pytest.raises(InputError, match="git:diff, git:diff:REV"):
        read(project, entry)


def test_a_file_of_that_name_is_itself(project: Path) -> None:
    try:
        (project / "git:diff").write_text("itself")
    except OSError:
        pytest.skip("this file system has no such names")
    assert "itself" in read(project, "git:diff").text


def test_outside_a_repository_the_entry_is_refused(tmp_path: Path, project: Path) -> None:
    (tmp_path / "plain").mkdir()
    with pytest.raises(InputError, match="no git repository"):
        read(tmp_path / "plain", "git:diff")


def test_without_git_the_entry_is_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(project))
    with pytest.raises(InputError, match="git is not installed"):
        read(project, "git:diff")


def test_a_diff_above_the_limit_is_refused(project: Path) -> None:
    (project / "a.py").write_text("a = 2\n" * 1_000)
    with pytest.raises(InputError, match=r"git:diff is larger than 500 bytes.*files\.max_file_bytes"):
        read(project, "git:diff", limits=FileSettings(max_file_bytes=500))


def test_only_what_lies_under_the_root_is_shown(project: Path) -> None:
    (project / "a.py").write_text("a = 2\n")
    (project / "sub" / "b.py").write_text("b = 2\n")
    for entry in ("git:diff", "git:show:HEAD"):
        found = read(project / "sub", entry).text
        assert "b.py" in found
        assert "a.py" not in found


@pytest.mark.parametrize("name", [".env", "größe.pem", 'q"uote.key', "deep/id_rsa"])
def test_credential_files_are_left_out_and_told(project: Path, name: str) -> None:
    if sys.platform == "win32" and '"' in name:
        pytest.skip("no such name here")
    (project / name).parent.mkdir(exist_ok=True)
    (project / name).write_text("THE-KEY\n")
    (project / "a.py").write_text("a = 2\n")
    git(project, "add", "--all")
    found = read(project, "git:diff")
    assert "THE-KEY" not in found.text
    assert "+a = 2" in found.text
    assert found.notes == (f"1 file left out: {name} (git:diff, holds credentials by its name)",)
    commit(project, "Secrets")
    assert "THE-KEY" not in read(project, "git:show:HEAD").text
    (project / name).write_text("OTHER\n")
    with pytest.raises(InputError, match="credential files alone"):
        read(project, "git:diff")


def hook(project: Path, mark: Path) -> str:
    """A program that leaves a mark when it is run."""
    script = project / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch '{mark}'\ncat\n")
    script.chmod(0o755)
    return str(script)


def fsmonitor(project: Path, program: str) -> None:
    git(project, "config", "core.fsmonitor", program)


def external_diff(project: Path, program: str) -> None:
    git(project, "config", "diff.external", program)


def text_conversion(project: Path, program: str) -> None:
    git(project, "config", "diff.evil.textconv", program)
    git(project, "config", "diff.evil.command", program)
    (project / ".gitattributes").write_text("*.py diff=evil\n")


def clean_filter(project: Path, program: str) -> None:
    git(project, "config", "filter.evil.one.clean", program)
    git(project, "config", "filter.evil.one.required", "true")
    (project / ".gitattributes").write_text("*.py filter=evil.one\n")


def filter_with_an_odd_name(project: Path, program: str) -> None:
    git(project, "config", "filter.a=b.clean", program)
    (project / ".gitattributes").write_text("*.py filter=a=b\n")


def index_hook(project: Path, program: str) -> None:
    for name in ("post-index-change", "post-checkout"):
        (project / ".git" / "hooks" / name).write_text(Path(program).read_text())
        (project / ".git" / "hooks" / name).chmod(0o755)


@posix_only
@pytest.mark.parametrize(
    "lay", [fsmonitor, external_diff, text_conversion, clean_filter, filter_with_an_odd_name, index_hook]
)
def test_nothing_that_a_repository_names_is_run(
    project: Path, tmp_path: Path, lay: Callable[[Path, str], None]
) -> None:
    mark = tmp_path / "mark"
    lay(project, hook(project, mark))
    (project / "a.py").write_text("a = 2\n")
    git(project, "diff", "HEAD")
    git(project, "status")
    assert mark.exists(), "git by itself runs it: this test can fail"
    mark.unlink()
    (project / "a.py").write_text("a = 2\n")
    assert "-a = 1\n+a = 2\n" in read(project, "git:diff").text
    read(project, "git:show:HEAD")
    assert not mark.exists()


def test_a_git_file_that_leads_to_another_repository_is_refused(project: Path, tmp_path: Path) -> None:
    thief = tmp_path / "thief"
    thief.mkdir()
    (thief / ".git").write_text(f"gitdir: {project / '.git'}\n")
    with pytest.raises(InputError, match="lies elsewhere"):
        read(thief, "git:show:HEAD")


def test_a_linked_working_tree_is_read(project: Path, tmp_path: Path) -> None:
    git(project, "worktree", "add", "--quiet", str(tmp_path / "linked"))
    (tmp_path / "linked" / "a.py").write_text("a = 3\n")
    assert "+a = 3" in read(tmp_path / "linked", "git:diff").text


@posix_only
def test_a_working_tree_elsewhere_is_not_read(project: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.py").write_text("THE-SECRET\n")
    git(project, "config", "core.worktree", str(outside))
    with pytest.raises(InputError) as refused:
        read(project, "git:diff")
    assert "THE-SECRET" not in str(refused.value)
