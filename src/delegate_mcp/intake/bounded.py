"""Runs a program that must end soon and say little: both are limits, not hopes."""

import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_PASSED_ON = ("PATH", "HOME", "USERPROFILE", "XDG_CONFIG_HOME", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR")
"""Of our environment; nothing else of it, keys least of all."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program ended."""

    code: int
    output: bytes
    too_long: bool = False
    """It was ended: the time was up."""
    too_much: bool = False
    """It was ended: it said more than was allowed."""


def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    max_bytes: int,
    time_limit_s: float,
    data: bytes = b"",
    env: Mapping[str, str] | None = None,
    with_errors: bool = False,
) -> Ran:
    """Run a program with `data` on its stdin; its stdout, with stderr where `with_errors`. OSError: none such."""
    process = subprocess.Popen(  # noqa: S603 - no shell, and what varies is checked by the caller
        list(argv),
        cwd=cwd,
        env={name: os.environ[name] for name in _PASSED_ON if name in os.environ} | dict(env or {}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if with_errors else subprocess.DEVNULL,
        creationflags=subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0,
    )
    late = threading.Event()

    def end() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(time_limit_s, end)
    feeder = threading.Thread(target=_feed, args=(process.stdin, data))
    with process:
        timer.start()
        feeder.start()
        try:
            output = process.stdout.read(max_bytes + 1) if process.stdout else b""
            if len(output) > max_bytes:
                process.kill()
            process.wait()
        finally:
            process.kill()
            timer.cancel()
            timer.join()
            feeder.join()
    return Ran(process.returncode, output[:max_bytes], late.is_set(), len(output) > max_bytes)


def _feed(pipe: IO[bytes] | None, data: bytes) -> None:
    if pipe is not None:
        with suppress(OSError), pipe:  # it ended before it had read all
            pipe.write(data)
