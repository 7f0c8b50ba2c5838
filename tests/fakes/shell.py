"""A person's shell in a project directory: a command is run in this process, through the same door as in its own."""

import io
import json
import os
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from delegate_mcp.__main__ import main

PATIENCE_S = 60


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Shell:
    """Every command has a test that runs it as a process; the others save the second that each start takes."""

    project: Path
    env: dict[str, str]

    async def run(self, *words: str, stdin: str = "", **variables: str) -> Ended:
        """In a thread of this process: the services of the test go on answering."""
        with anyio.fail_after(PATIENCE_S), _in(self.project, self.env | variables):
            return await anyio.to_thread.run_sync(_ended, words, stdin)

    async def process(self, *words: str, stdin: str = "", **variables: str) -> Ended:
        """In a process of its own, as a person starts it."""
        command = [sys.executable, "-m", "delegate_mcp", *words]
        env = {"PYTHONUTF8": "1"} | self.env | variables
        with anyio.fail_after(PATIENCE_S):
            done = await anyio.run_process(command, input=stdin.encode(), env=env, cwd=self.project, check=False)
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


@contextmanager
def _in(directory: Path, env: Mapping[str, str]) -> Generator[None]:
    """With exactly these variables, there; a process has one environment and one directory."""
    before, where = dict(os.environ), Path.cwd()
    try:
        _set_environment(env)
        os.chdir(directory)
        yield
    finally:
        os.chdir(where)
        _set_environment(before)


def _set_environment(env: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(env)


def _ended(words: tuple[str, ...], stdin: str) -> Ended:
    out, err, before = io.StringIO(), io.StringIO(), sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
    try:
        with redirect_stdout(out), redirect_stderr(err):
            code = _code(words)
    finally:
        sys.stdin = before
    return Ended(code, out.getvalue(), err.getvalue())


def _code(words: tuple[str, ...]) -> int:
    try:
        main(words)
    except SystemExit as end:  # the way in which every command ends
        return end.code if isinstance(end.code, int) else 0
