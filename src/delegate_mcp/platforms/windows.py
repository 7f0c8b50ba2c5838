"""Windows: jobs in the place of process groups, locks, and what its processes tell."""

import ctypes
import msvcrt
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from ctypes import wintypes
from pathlib import Path
from typing import IO

import anyio
from anyio.abc import Process

assert sys.platform == "win32"  # noqa: S101 - told to the type checker, which then does not read on

KILL = signal.SIGTERM
"""Ends a process at once, whatever it does."""
TERMINATION: tuple[signal.Signals, ...] = ()
_APART = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW

_KILL_ON_JOB_CLOSE = 0x2000
_EXTENDED_LIMITS = 9
_EXTENDED_LIMITS_BYTES = 144 if sys.maxsize > 2**32 else 112
_LIMIT_FLAGS_AT = 16
_SET_QUOTA_AND_TERMINATE = 0x0101
_QUERY_LIMITED = 0x1000
_STILL_ACTIVE = 259

_kernel = ctypes.WinDLL("kernel32", use_last_error=True)
_kernel.CreateJobObjectW.restype = wintypes.HANDLE
_kernel.CreateJobObjectW.argtypes = (wintypes.LPVOID, wintypes.LPCWSTR)
_kernel.SetInformationJobObject.argtypes = (wintypes.HANDLE, ctypes.c_int, wintypes.LPVOID, wintypes.DWORD)
_kernel.AssignProcessToJobObject.argtypes = (wintypes.HANDLE, wintypes.HANDLE)
_kernel.TerminateJobObject.argtypes = (wintypes.HANDLE, wintypes.UINT)
_kernel.OpenProcess.restype = wintypes.HANDLE
_kernel.OpenProcess.argtypes = (wintypes.DWORD, wintypes.BOOL, wintypes.DWORD)
_kernel.GetExitCodeProcess.argtypes = (wintypes.HANDLE, wintypes.LPDWORD)
_kernel.CloseHandle.argtypes = (wintypes.HANDLE,)


async def open_in_group(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path | None,
    stdin: int | IO[bytes] | None,
    stdout: int | IO[bytes] | None,
    stderr: int | IO[bytes] | None,
) -> Process:
    """Start a program in a job that ends with us."""
    process = await anyio.open_process(
        list(argv), stdin=stdin, stdout=stdout, stderr=stderr, env=env, cwd=cwd, creationflags=_APART
    )
    _jobs[process.pid] = _Job.holding(process.pid)
    return process


async def end_group(process: Process, grace_s: float) -> None:  # noqa: ARG001 - nobody can be asked
    """End its job, or its tree: there is no signal that a program without a window can answer."""
    job = _jobs.pop(process.pid, None)
    if job is not None:
        job.end()
    elif process.returncode is None:
        await anyio.run_process(["taskkill", "/T", "/F", "/PID", str(process.pid)], check=False)
        with suppress(ProcessLookupError):
            process.kill()


def start_apart(argv: Sequence[str], env: Mapping[str, str], cwd: Path, stderr: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start our own program away from our terminal, and outside our job where that may be left."""
    ways = (_APART | subprocess.CREATE_BREAKAWAY_FROM_JOB, _APART)
    for flags in ways:
        try:
            return subprocess.Popen(  # noqa: S603 - our own program
                list(argv),
                env=env,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                creationflags=flags,
            )
        except PermissionError:
            if flags == ways[-1]:
                raise
    raise AssertionError  # one of the ways has returned or raised


def part_with(process: subprocess.Popen[bytes]) -> None:
    """Keep it in mind: forgotten, it would be warned of while it runs."""
    _detached.append(process)


def detach() -> None:
    """It stands apart already."""


def pid_alive(pid: int) -> bool:
    """Whether a process of that id exists, whoever owns it."""
    process = _kernel.OpenProcess(_QUERY_LIMITED, False, pid)  # noqa: FBT003 - a C call
    if not process:
        return ctypes.get_last_error() == 5  # noqa: PLR2004 - access denied: it is there
    code = wintypes.DWORD()
    _kernel.GetExitCodeProcess(process, ctypes.byref(code))
    _kernel.CloseHandle(process)
    return code.value == _STILL_ACTIVE


def only_ours(found: os.stat_result) -> bool:  # noqa: ARG001 - what it tells says nothing here
    """Directories of a user are private by inheritance."""
    return True


def limit_own_memory(size: int) -> None:
    """Windows limits memory by jobs alone; the time limit has to do there."""


def locked(handle: int) -> bool:
    """Whether the lock of that open file is ours now."""
    try:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    except OSError:
        return False
    return True


class _Job:
    """A Windows job that ends its processes with it; Windows closes it when our process dies."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    @classmethod
    def holding(cls, pid: int) -> "_Job | None":
        """A job with that process in it, or None where Windows refuses."""
        job = _kernel.CreateJobObjectW(None, None)
        process = _kernel.OpenProcess(_SET_QUOTA_AND_TERMINATE, False, pid)  # noqa: FBT003 - a C call
        limits = ctypes.create_string_buffer(_EXTENDED_LIMITS_BYTES)
        limits[_LIMIT_FLAGS_AT : _LIMIT_FLAGS_AT + 4] = _KILL_ON_JOB_CLOSE.to_bytes(4, "little")
        held = bool(
            job
            and process
            and _kernel.SetInformationJobObject(job, _EXTENDED_LIMITS, limits, len(limits))
            and _kernel.AssignProcessToJobObject(job, process)
        )
        if process:
            _kernel.CloseHandle(process)
        if not held and job:
            _kernel.CloseHandle(job)
        return cls(job) if held else None

    def end(self) -> None:
        """End every process in it."""
        _kernel.TerminateJobObject(self._handle, 1)
        _kernel.CloseHandle(self._handle)


_jobs: dict[int, _Job | None] = {}
_detached: list[subprocess.Popen[bytes]] = []
