"""Directories, private files, programs and process groups."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from delegate_mcp.platforms import (
    cache_dir,
    end_process,
    find_program,
    home_dir,
    pid_alive,
    private_dir,
    shim_target,
    start_process,
    write_private,
)
from tests.fakes.cli import FakeCli, install

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes, signals and #! lines are POSIX's")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_one_variable_moves_everything_and_another_the_cache_alone(tmp_path: Path) -> None:
    moved = {"DELEGATE_MCP_HOME": str(tmp_path)}
    assert home_dir(moved) == tmp_path
    assert cache_dir(moved) == tmp_path / "cache"
    apart = {**moved, "DELEGATE_MCP_CACHE": str(tmp_path / "elsewhere")}
    assert (home_dir(apart), cache_dir(apart)) == (tmp_path, tmp_path / "elsewhere")


def test_without_the_variables_the_users_own_directories_are_taken() -> None:
    assert home_dir({"DELEGATE_MCP_HOME": " "}).name == "delegate-mcp"
    assert cache_dir({}).is_absolute()
    assert home_dir({}) != cache_dir({})


def test_a_tilde_is_the_persons_home(tmp_path: Path) -> None:
    assert home_dir({"DELEGATE_MCP_HOME": "~/delegate"}) == Path.home() / "delegate"


@posix
def test_a_private_directory_and_file_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    folder = private_dir(tmp_path / "deep" / "home")
    assert mode(folder) == 0o700
    write_private(folder / "answer", b"text")
    assert mode(folder / "answer") == 0o600


@posix
def test_a_directory_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o755)
    (tmp_path / "home").chmod(0o755)
    assert mode(private_dir(tmp_path / "home")) == 0o755


def test_a_private_file_replaces_the_one_before_it_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    write_private(tmp_path / "answer", b"first")
    write_private(tmp_path / "answer", b"second")
    assert (tmp_path / "answer").read_bytes() == b"second"
    assert [path.name for path in tmp_path.iterdir()] == ["answer"]


def test_a_private_file_that_cannot_be_put_in_place_leaves_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "answer").mkdir()
    with pytest.raises(OSError, match="answer"):
        write_private(tmp_path / "answer", b"text")
    assert [path.name for path in tmp_path.iterdir()] == ["answer"]


@posix
def test_a_program_is_found_on_the_given_path_or_by_its_own(tmp_path: Path) -> None:
    program = tmp_path / "claude"
    program.write_text("#!/bin/sh\n")
    assert find_program("claude", {"PATH": str(tmp_path)}) is None  # it may not be executed yet
    program.chmod(0o700)
    assert find_program("claude", {"PATH": str(tmp_path)}) == (str(program),)
    assert find_program(str(program), {"PATH": ""}) == (str(program),)
    assert find_program("claude", {"PATH": str(tmp_path / "empty")}) is None


@posix
def test_a_program_beside_us_is_found_by_a_path_with_a_dot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "claude"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    monkeypatch.chdir(tmp_path)
    assert find_program("./claude", {"PATH": ""}) == (str(program),)


NPM_SHIM = """@ECHO off
GOTO start
:find_dp0
SET dp0=%~dp0
EXIT /b
:start
SETLOCAL
CALL :find_dp0
{call}
"""


def test_an_npm_shim_of_windows_is_replaced_by_the_program_that_it_starts(tmp_path: Path) -> None:
    shim = tmp_path / "claude.cmd"
    shim.write_text(NPM_SHIM.format(call=r'"%dp0%\node_modules\@anthropic-ai\claude-code\bin\claude.exe"   %*'))
    program = tmp_path / "node_modules" / "@anthropic-ai" / "claude-code" / "bin" / "claude.exe"
    assert shim_target(shim, {"PATH": ""}) == (str(program),)


@posix
def test_an_npm_shim_of_a_script_is_replaced_by_node_with_that_script(tmp_path: Path) -> None:
    shim = tmp_path / "gemini.cmd"
    call = r'endLocal & goto #_undefined_# 2>NUL || title %COMSPEC% & "%_prog%"  "%dp0%\node_modules\gemini\cli.js" %*'
    shim.write_text(NPM_SHIM.format(call=call))
    assert shim_target(shim, {"PATH": str(tmp_path)}) is None
    node = tmp_path / "node"
    node.write_text("#!/bin/sh\n")
    node.chmod(0o700)
    script = tmp_path / "node_modules" / "gemini" / "cli.js"
    assert shim_target(shim, {"PATH": str(tmp_path)}) == (str(node), str(script))


def test_a_batch_file_that_is_no_npm_shim_is_not_run(tmp_path: Path) -> None:
    shim = tmp_path / "claude.cmd"
    shim.write_text("@echo hello\n")
    assert shim_target(shim, {"PATH": ""}) is None


def test_our_own_process_is_alive_and_one_that_has_ended_is_not() -> None:
    ended = subprocess.Popen([sys.executable, "-IS", "-c", ""])
    ended.wait()
    assert pid_alive(os.getpid())
    assert not pid_alive(ended.pid)
    assert not pid_alive(0)
    assert not pid_alive(-1)


async def started(cli: FakeCli) -> anyio.abc.Process:
    process = await start_process([cli.command], env={"PATH": os.environ["PATH"]})
    assert process.stdin is not None
    await process.stdin.aclose()
    return process


@posix
async def test_a_program_gets_its_environment_directory_and_no_more(tmp_path: Path) -> None:
    cli = install(tmp_path, "program", "says_nothing")
    process = await start_process([cli.command, "an argument"], env={"ONLY": "this"}, cwd=tmp_path)
    assert process.stdin is not None
    await process.stdin.send(b"words")
    await process.stdin.aclose()
    assert await process.wait() == 0
    await end_process(process)
    assert cli.started["argv"] == ["an argument"]
    assert cli.started["prompt"] == "words"
    assert cli.started["cwd"] == str(tmp_path)
    assert cli.started["environ"].keys() <= {"ONLY", "LC_CTYPE", "__CF_USER_TEXT_ENCODING"}
    cli.close()


@posix
@pytest.mark.parametrize("behaviour", ["never_ends", "never_ends_and_ignores_the_request_to", "leaves_a_child"])
async def test_ending_a_process_ends_its_children_also_those_left_behind(tmp_path: Path, behaviour: str) -> None:
    cli = install(tmp_path, "program", behaviour)
    process = await started(cli)
    assert process.stdout is not None
    await process.stdout.receive()
    if behaviour == "leaves_a_child":
        await process.wait()
    await end_process(process, grace_s=0.2)
    assert await cli.processes_until_all_are_gone() == 2
    assert process.returncode is not None
    cli.close()


@posix
async def test_a_cancel_does_not_keep_a_process_from_being_ended(tmp_path: Path) -> None:
    cli = install(tmp_path, "program", "never_ends")
    process = await started(cli)
    assert process.stdout is not None
    await process.stdout.receive()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await end_process(process, grace_s=0.2)
    assert await cli.processes_until_all_are_gone() == 2
    cli.close()


@posix
async def test_ending_what_has_ended_is_no_error(tmp_path: Path) -> None:
    cli = install(tmp_path, "program", "says_nothing")
    process = await started(cli)
    await process.wait()
    await end_process(process)
    await end_process(process)
    assert process.returncode == 0
    cli.close()


async def test_a_program_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await start_process([str(tmp_path / "nothing")], env=dict(os.environ))


PARENT = """
import os, sys
import anyio
from delegate_mcp.platforms import start_process

async def main():
    process = await start_process([sys.argv[1]], env=dict(os.environ))
    await process.stdin.aclose()
    await process.stdout.receive()
    os._exit(0)

anyio.run(main)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has died")
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="no setpriv to ask Linux for it")
async def test_a_process_does_not_outlive_ours_however_ours_dies(tmp_path: Path) -> None:
    cli = install(tmp_path, "program", "waits_alone")
    await anyio.run_process([sys.executable, "-c", PARENT, cli.command], stderr=None)
    assert await cli.processes_until_all_are_gone() == 1
    cli.close()
