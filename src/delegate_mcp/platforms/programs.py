"""Programs on PATH."""

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

_SHIM_TARGET = re.compile(r'"%(?:~dp0|dp0%)\\?([^"%]+\.(?:exe|js|cjs|mjs))"\s+%\*', re.IGNORECASE)


def find_program(command: str, environ: Mapping[str, str]) -> tuple[str, ...] | None:
    """The start of an argv that runs this command (a name on PATH or a path), or None where there is no such program.

    On Windows the `.cmd` shim that npm writes is replaced by what it starts: cmd.exe would read the arguments again.
    """
    # Not through Path, which would make a name on PATH of `./claude`.
    named = os.path.expanduser(command)  # noqa: PTH111
    found = shutil.which(named, path=environ.get("PATH", os.defpath))
    if found is None:
        return None
    if found.lower().endswith((".cmd", ".bat")):
        return shim_target(Path(found), environ)
    return (str(Path(found).absolute()),)


def shim_target(shim: Path, environ: Mapping[str, str]) -> tuple[str, ...] | None:
    """What an npm shim starts: a program, or node with a script; None where it is no npm shim or node is missing."""
    target = _SHIM_TARGET.search(shim.read_text(encoding="utf-8", errors="replace"))
    if target is None:
        return None
    program = str(shim.parent.joinpath(*target[1].lstrip("\\").split("\\")))
    if program.lower().endswith(".exe"):
        return (program,)
    node = shutil.which("node", path=environ.get("PATH", os.defpath))
    return (node, program) if node else None
