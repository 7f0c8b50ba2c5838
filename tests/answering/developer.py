"""A developer's machine for one test: a project with code, git on the path, and checks that the settings allow."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from tests.fakes.person import become

GIT = shutil.which("git")
CODE = "def one():\n    return 1\n\n\ndef two():\n    return 2\n"
TEST = """\
import pathlib, sys
left = [path for path in sys.argv[1:]]
text = pathlib.Path("src/a.py").read_text()
print("looking at", left)
if "return 11" not in text:
    print("E   assert one() == 11")
    sys.exit(1)
print("1 passed")
"""


ROOMY = "DELEGATE_MCP_PROVIDERS__GROQ__LIMITS"


def check_of(script: str) -> str:
    """A command that runs a script of the project."""
    return f"{Path(sys.executable).as_posix()} {script}"


def develop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *checks: str, **variables: str) -> Path:
    """Be a developer whose settings allow these checks; returns the project."""
    programs = tmp_path / "programs"
    programs.mkdir()
    if GIT is not None:
        (programs / "git").symlink_to(GIT)
    allowed = {"DELEGATE_MCP_CHECKS__COMMANDS": json.dumps(checks)} if checks else {}
    roomy = {ROOMY: '[{"metric": "requests", "period": "minute", "limit": 1000}]'}
    project = become(tmp_path, monkeypatch, PATH=str(programs), **allowed, **roomy, **variables)
    (project / "src").mkdir()
    (project / "src/a.py").write_text(CODE)
    (project / "src/b.py").write_text("B = 1\n")
    (project / "check.py").write_text(TEST)
    return project


def block(old: str, new: str, path: str = "src/a.py") -> str:
    """An edit block as models are asked to write it."""
    return f"{path}\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n"


def files_of(project: Path) -> dict[str, bytes]:
    """All that stands there."""
    return {path.relative_to(project).as_posix(): path.read_bytes() for path in project.rglob("*") if path.is_file()}
