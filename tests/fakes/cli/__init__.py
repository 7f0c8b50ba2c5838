"""Stand-in CLIs: executables that play `claude`, `codex`, `gemini` and `opencode` without npm and without a network."""

import json
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio

PROGRAM = Path(__file__).with_name("program.py")


@dataclass(frozen=True, slots=True)
class FakeCli:
    """One installed stand-in; what it was started with is in its journal, and its pipe tells when all of it is gone."""

    command: str
    folder: Path
    alive: int
    """Read end of a pipe that each of its processes holds open."""

    @property
    def started(self) -> dict[str, Any]:
        """argv, cwd, environ and prompt of its start."""
        return json.loads((self.folder / "started.json").read_text(encoding="utf-8"))

    @property
    def left_its_directory(self) -> bool:
        """Whether the directory that it ran in is still there."""
        return Path(self.started["cwd"]).exists()

    async def processes_until_all_are_gone(self) -> int:
        """How many processes it was; returns when the last of them has ended."""
        seen = b""
        with anyio.fail_after(20):
            while True:
                await anyio.wait_readable(self.alive)
                if not (more := os.read(self.alive, 64)):
                    return len(seen)
                seen += more

    def close(self) -> None:
        os.close(self.alive)


def install(folder: Path, name: str, behaviour: str) -> FakeCli:
    """Put an executable of that name into `folder`; `behaviour` is a function of program.py."""
    assert sys.platform != "win32"  # the stand-ins are scripts with a #! line
    command = folder / name
    command.write_text(
        f"#!{sys.executable} -IS\nimport runpy\n"
        f"runpy.run_path({str(PROGRAM)!r}, {{'BEHAVIOUR': {behaviour!r}, 'FOLDER': {str(folder)!r}}}, '__main__')\n",
        encoding="utf-8",
    )
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    pipe = folder / "alive"
    os.mkfifo(pipe)
    return FakeCli(str(command), folder, os.open(pipe, os.O_RDONLY | os.O_NONBLOCK))
