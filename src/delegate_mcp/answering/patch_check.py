"""`git apply --check` of a patch, in a directory of its own that holds the files as they were read.

Nothing of a repository plays a part there: no settings, filters, hooks or links. It touches the disk: callers run it
in a worker thread.
"""

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from delegate_mcp.answering.patch import FileChange, patch_name
from delegate_mcp.answering.patch_forms import PatchError
from delegate_mcp.domain.errors import InputError
from delegate_mcp.intake.bounded import run
from delegate_mcp.platforms.programs import find_program

_TIME_LIMIT_S = 20.0
_MAX_SAID = 2_000
_COMMAND = ("apply", "--check", "--whitespace=nowarn", "-")


def require_git() -> tuple[str, ...]:
    """The program. InputError: it is not there."""
    program = find_program("git", os.environ)
    if program is None:
        raise InputError("edit: git is not installed, or not on PATH; no patch is applied without `git apply --check`.")
    return program


def check_patch(changes: Sequence[FileChange]) -> None:
    """PatchError: git would not apply it; InputError: git cannot be run."""
    program = require_git()
    with tempfile.TemporaryDirectory(prefix="delegate-", ignore_cleanup_errors=True) as folder:
        for row in changes:
            if row.change.before is not None:
                place = Path(folder, patch_name(row.shown))
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(row.change.before)
        env = {
            "GIT_CEILING_DIRECTORIES": str(Path(folder).parent),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "LC_ALL": "C",
        }
        try:
            ran = run(
                [*program, *_COMMAND],
                cwd=Path(folder),
                max_bytes=_MAX_SAID,
                time_limit_s=_TIME_LIMIT_S,
                data="".join(row.diff for row in changes).encode("utf-8", "replace"),
                env=env,
                with_errors=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise InputError(f"edit: git cannot be started ({type(error).__name__}).") from error
    if ran.code:
        said = ran.output.decode("utf-8", "replace").strip().splitlines()
        raise PatchError(f"git apply --check refuses it: {said[0] if said else f'status {ran.code}'}")
