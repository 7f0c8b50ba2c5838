"""The project that the jobs are about: code and texts of real packages, with a history in git and a log."""

import email
import os
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from bench.economy.installing import wheels

SHOWN = "/home/dev/app"
"""Where the project seems to lie: paths are counted as if it were there, whatever the folder's name."""
_WHO = ("-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "commit.gpgsign=false")
_WHEN = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), "2026-11-01T12:00:00Z")
_LOG_OF = "import asyncio, http.server, sqlite3, unittest.mock, xmlrpc.client"


def lay_out(project: Path) -> None:
    """Write the project: the packages, one release of itsdangerous committed above them, one of starlette not yet."""
    project.mkdir(parents=True)
    earlier, later = wheels("packages.txt"), wheels("later.txt")
    for wheel in earlier:
        _unpack(wheel, project)
    log = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", _LOG_OF], capture_output=True, text=True, check=True
    )
    (project / "imports.log").write_text(log.stderr, encoding="utf-8")
    git(project, "init", "--quiet", "--initial-branch=main")
    for wheel in (None, *later):
        if wheel is not None:
            _unpack(wheel, project)
        if wheel is not later[-1]:
            git(project, "add", "--all")
            about = "Vendor what we build on" if wheel is None else f"Update {wheel.name.partition('-')[0]}"
            git(project, *_WHO, "commit", "--quiet", "--message", about)


def _unpack(wheel: Path, project: Path) -> None:
    """A package's files, and its description as notes/NAME.md."""
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            top = name.partition("/")[0]
            if name.endswith(".dist-info/METADATA"):
                text = email.message_from_bytes(archive.read(name)).get_payload()
                notes = project / "notes" / f"{top.partition('-')[0].replace('.', '_')}.md"
                notes.parent.mkdir(exist_ok=True)
                notes.write_text(str(text), encoding="utf-8")
            elif not top.endswith((".dist-info", ".data")):
                archive.extract(name, project)


def git(project: Path, *arguments: str) -> str:
    """What git prints, the person's own settings left out."""
    command = ["git", "-c", "core.autocrlf=false", "-C", str(project), *arguments]
    environ = os.environ | _WHEN
    return subprocess.run(command, capture_output=True, text=True, check=True, encoding="utf-8", env=environ).stdout


def entry_text(project: Path, entry: str) -> str:
    """The text behind one entry of `files`, as it stands: a path, a path with lines, `git:diff` or `git:show:REV`."""
    if entry.startswith("git:"):
        return git(project, *entry.removeprefix("git:").split(":"))
    name, _, lines = entry.partition(":")
    text = (project / name).read_text(encoding="utf-8")
    if not lines:
        return text
    first, last = (int(number) for number in lines.split("-"))
    return "\n".join(text.split("\n")[first - 1 : last])


def numbered(project: Path, entry: str) -> str:
    """A file as a host's Read tool gives it: each line with its number, without the padding that some hosts add."""
    first = int(entry.partition(":")[2].partition("-")[0] or 1)
    lines = entry_text(project, entry).removesuffix("\n").split("\n")
    return "\n".join(f"{number}\t{line}" for number, line in enumerate(lines, first))


def grep(project: Path, pattern: str, places: Sequence[str]) -> str:
    """What a host's Grep tool gives: path, line number and line."""
    found = subprocess.run(
        ["git", "-C", str(project), "grep", "--no-color", "-nE", pattern, "--", *places],
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
    )
    return found.stdout
