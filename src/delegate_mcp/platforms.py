"""What differs between Linux, macOS and Windows: signals, process groups, private files, user directories.

Imported when the server starts, so it loads nothing that answering `initialize` does not need.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO

import anyio
from anyio.abc import Process

APP = "delegate-mcp"


# --- Where our files stand -------------------------------------------------------------------------------------------


def home_dir(environ: Mapping[str, str]) -> Path:
    """Where the ledger, results and the settings file stand: DELEGATE_MCP_HOME, else the user's data directory."""
    if named := environ.get("DELEGATE_MCP_HOME", "").strip():
        return Path(named).expanduser().absolute()
    import platformdirs

    return platformdirs.user_data_path(APP, appauthor=False)


def cache_dir(environ: Mapping[str, str]) -> Path:
    """What can be fetched again (the embedded model): DELEGATE_MCP_CACHE, else `cache` in DELEGATE_MCP_HOME."""
    if named := environ.get("DELEGATE_MCP_CACHE", "").strip():
        return Path(named).expanduser().absolute()
    if environ.get("DELEGATE_MCP_HOME", "").strip():
        return home_dir(environ) / "cache"
    import platformdirs

    return platformdirs.user_cache_path(APP, appauthor=False)


def private_dir(path: Path) -> Path:
    """Make a directory (and its parents) that only its owner may enter; one that is there keeps its mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)  # Windows: the user's own directories are private by inheritance
    return path


def write_private(path: Path, data: bytes) -> None:
    """Put a file in place whole or not at all, readable by its owner only."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mkstemp: mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def runtime_dir(environ: Mapping[str, str]) -> Path:
    """Where what runs right now is found: `run` in DELEGATE_MCP_HOME, else the user's runtime directory.

    Hosts of MCP servers pass few variables on, so XDG_RUNTIME_DIR's usual place is looked at too; /tmp never is,
    where anybody could have made the directory first.
    """
    if environ.get("DELEGATE_MCP_HOME", "").strip():
        return home_dir(environ) / "run"
    if sys.platform == "linux":
        for place in (environ.get("XDG_RUNTIME_DIR", "").strip(), f"/run/user/{os.getuid()}"):
            if place and os.access(place, os.W_OK):
                return Path(place) / APP
    return cache_dir(environ) / "run"


def only_ours(found: os.stat_result) -> bool:
    """Whether what was found belongs to this user and nobody else may read or write it (Windows: by inheritance)."""
    if sys.platform == "win32":
        return True
    return found.st_uid == os.getuid() and not found.st_mode & 0o077


class FileLock:
    """A lock between processes that the system frees when its holder ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def take(self) -> bool:
        """Whether it is ours now; never waits. OSError where its file cannot be opened."""
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        if _locked(handle):
            self._handle = handle
            return True
        os.close(handle)
        return False

    @property
    def mine(self) -> bool:
        """Whether we hold it."""
        return self._handle is not None

    def free(self) -> None:
        """Let another take it; safe to call without holding it."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


# --- Programs --------------------------------------------------------------------------------------------------------

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


# --- Process groups --------------------------------------------------------------------------------------------------

_GROUP_POLL_S = 0.02


async def start_process(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    stdin: int | IO[bytes] | None = subprocess.PIPE,
    stdout: int | IO[bytes] | None = subprocess.PIPE,
    stderr: int | IO[bytes] | None = subprocess.PIPE,
) -> Process:
    """Start a program as the leader of its own process group, for `end_process` to end.

    It is told to end when our process dies: on Linux through setpriv where that is installed, on Windows through a
    job; on macOS it is not, and notices only its closed pipes. Raises OSError where it cannot be started.
    """
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        process = await anyio.open_process(
            list(argv), stdin=stdin, stdout=stdout, stderr=stderr, env=env, cwd=cwd, creationflags=flags
        )
        _jobs[process.pid] = _Job.holding(process.pid)
        return process
    return await anyio.open_process(
        [*_dying_with_us(argv[0], env), *argv],
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        env=env,
        cwd=cwd,
        start_new_session=True,
    )


async def end_process(process: Process, grace_s: float = 1.0) -> None:
    """End a process of `start_process` with all its children, and close its pipes.

    Cannot be cancelled; safe to call on what has ended.
    """
    with anyio.CancelScope(shield=True):
        await end_group(process, grace_s)
        await process.aclose()


async def end_group(process: Process, grace_s: float = 1.0) -> None:
    """End a process with all its children, also those that a leader which is gone left behind; its pipes stay open.

    Asks first and kills what is still there after `grace_s`.
    """
    if sys.platform == "win32":
        await _end_tree(process)
    elif _signal_group(process.pid, signal.SIGTERM):
        with anyio.move_on_after(grace_s):
            await process.wait()
            while _group_lives(process.pid):  # noqa: ASYNC110 - the end of a whole group is no event anywhere
                await anyio.sleep(_GROUP_POLL_S)
        _signal_group(process.pid, signal.SIGKILL)


def start_detached(argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, stderr: IO[bytes]) -> bytes:
    """Start a program that outlives us and our terminal; it calls `detach` first. Raises OSError.

    Waits for the line on stdout with which it says that it is up, and gives that; empty where it ended before. On
    POSIX systems what is started ends at once and its child goes on, so that nobody has a zombie to bury.
    """
    process = _start_apart(argv, env, cwd, stderr)
    with process.stdout or open(os.devnull, "rb") as said:  # noqa: PTH123 - it has a stdout
        line = said.readline()
    if sys.platform == "win32":
        _detached.append(process)  # forgotten, it would be warned of while it runs
    else:
        process.wait()
    return line


_detached: list[subprocess.Popen[bytes]] = []


def _start_apart(argv: Sequence[str], env: Mapping[str, str], cwd: Path, stderr: IO[bytes]) -> subprocess.Popen[bytes]:
    ways = (0,)
    if sys.platform == "win32":
        apart = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        ways = (apart | subprocess.CREATE_BREAKAWAY_FROM_JOB, apart)  # whose job we are in may forbid to leave it
    for flags in ways:
        try:
            return subprocess.Popen(  # noqa: S603 - our own program
                list(argv),
                env=env,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=sys.platform != "win32",
                creationflags=flags,
            )
        except PermissionError:
            if flags == ways[-1]:
                raise
    raise AssertionError  # one of the ways has returned or raised


def detach() -> None:
    """To be called by what `start_detached` starts, before it does anything else."""
    if sys.platform != "win32" and os.fork():
        os._exit(0)


def end_pid(pid: int, *, force: bool = False) -> None:
    """Ask a process to end, or end it; nothing happens where it is gone."""
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGTERM if sys.platform == "win32" or not force else signal.SIGKILL)


def process_started(pid: int) -> str:
    """A word that tells a process from a later one of the same id; empty where the system gives none (Linux does)."""
    with suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(") ")[2].split()[19]
    return ""


def termination_signals() -> tuple[signal.Signals, ...]:
    """The signals by which a system asks a process to end, where the event loop can hear them."""
    return () if sys.platform == "win32" else (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def pid_alive(pid: int) -> bool:
    """Whether a process of that id exists, whoever owns it."""
    if pid <= 0:
        return False
    if sys.platform == "win32":
        return _windows_pid_alive(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if sys.platform != "win32":
    import fcntl
    import resource

    def limit_own_memory(size: int) -> None:
        """Let this process take no more than that; its next allocation fails. macOS keeps no such limit."""
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (size, resource.getrlimit(resource.RLIMIT_AS)[1]))

    def _locked(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _signal_group(group: int, number: int) -> bool:
        """Signal every process of a group; False where none is left. The id is not given anew while one lives."""
        try:
            os.killpg(group, number)
        except ProcessLookupError:
            return False
        except PermissionError:  # macOS says so of a group of zombies
            return False
        return True

    def _group_lives(group: int) -> bool:
        """Whether more than zombies is left of a group: the first process of a container may never bury them."""
        if sys.platform != "linux" or not _signal_group(group, 0):
            return _signal_group(group, 0)
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):  # it has ended meanwhile
                state, _, its_group, *_ = stat.read_bytes().rpartition(b") ")[2].split()
                if int(its_group) == group and state not in {b"Z", b"X"}:
                    return True
        return False

    def _dying_with_us(program: str, env: Mapping[str, str]) -> tuple[str, ...]:
        """The start of an argv that has Linux end the program when our process dies; empty where that is not to be had.

        Not around a program that does not exist, whose absence would otherwise become setpriv's own failure.
        """
        if shutil.which(program, path=env.get("PATH", os.defpath)) is None:
            return ()
        return _setpriv()

    @cache
    def _setpriv() -> tuple[str, ...]:
        found = shutil.which("setpriv") if sys.platform == "linux" else None
        if found is None or Path(found).resolve().name != "setpriv":  # busybox has one without --pdeathsig
            return ()
        return (found, "--pdeathsig", "TERM", "--")

else:
    import ctypes
    import msvcrt
    from ctypes import wintypes

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

    def limit_own_memory(size: int) -> None:
        """Windows limits memory by jobs alone; the time limit has to do there."""

    def _locked(handle: int) -> bool:
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

    async def _end_tree(process: Process) -> None:
        """Windows has no signal that a program without a window can answer: its job is ended, or its tree."""
        job = _jobs.pop(process.pid, None)
        if job is not None:
            job.end()
        elif process.returncode is None:
            await anyio.run_process(["taskkill", "/T", "/F", "/PID", str(process.pid)], check=False)
            with suppress(ProcessLookupError):
                process.kill()

    def _windows_pid_alive(pid: int) -> bool:
        process = _kernel.OpenProcess(_QUERY_LIMITED, False, pid)  # noqa: FBT003 - a C call
        if not process:
            return ctypes.get_last_error() == 5  # noqa: PLR2004 - access denied: it is there
        code = wintypes.DWORD()
        _kernel.GetExitCodeProcess(process, ctypes.byref(code))
        _kernel.CloseHandle(process)
        return code.value == _STILL_ACTIVE
