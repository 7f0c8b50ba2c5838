"""Files and directories opened by where they are: a link in any part of the path is refused, whenever it was put there.

Between looking at a path and opening it somebody may put a link in its place. So nothing here opens a path that the
system resolves: POSIX systems walk from the top, each part held by its descriptor and opened without following links;
macOS refuses links itself (O_NOFOLLOW_ANY); Windows keeps whoever would swap a directory from it while it is held.
What was opened can then be asked for its place.
"""

import errno
import os
import stat
import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path


class NotRegularError(OSError):
    """It is no file: a device, a pipe, a socket."""


class ReplacedError(OSError):
    """Its name has been given to something else, or taken away, since it was opened."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands in a directory under a name."""

    name: str
    is_directory: bool
    """Itself, not by a link."""
    leads_to_directory: bool
    leads_to_file: bool


def open_file(real: Path) -> int:
    """A descriptor to read a regular file; its path must hold no link.

    OSError otherwise: IsADirectoryError, NotRegularError, FileNotFoundError, or what the system says of the link.
    """
    with directory(real.parent) as parent:
        return parent.open(real.name)


def _refuse_special(status: os.stat_result, name: str) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), name)
    if stat.S_ISLNK(status.st_mode):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name)
    if not stat.S_ISREG(status.st_mode):
        raise NotRegularError(errno.EINVAL, "no regular file", name)


def _listed(entries: "Iterable[os.DirEntry[str]]") -> list[Entry]:
    found: list[Entry] = []
    for entry in entries:
        with suppress(OSError):  # gone since
            found.append(Entry(entry.name, entry.is_dir(follow_symlinks=False), entry.is_dir(), entry.is_file()))
    return sorted(found, key=lambda entry: entry.name)


if sys.platform != "win32":
    _HOLD = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    # O_PATH: a directory that may be passed through and not listed can be held as well.
    _PASS = _HOLD | getattr(os, "O_PATH", os.O_RDONLY)
    _NO_LINK_AT_ALL: int = getattr(os, "O_NOFOLLOW_ANY", 0)
    # O_NONBLOCK: a pipe that took the file's place does not hold the thread.
    _READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    _CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    _F_GETPATH = 50
    _LONGEST_PATH = 1024
    _GONE = " (deleted)"

    class Directory:
        """A directory that is held; its names mean what stands in it, wherever its path leads by now."""

        def __init__(self, handle: int) -> None:
            self._handle = handle

        def place(self) -> Path | None:
            """Where it is now, as the system says; None where the system does not."""
            return place_of(self._handle)

        def entries(self) -> list[Entry]:
            """What stands in it, by name."""
            handle = os.open(".", _HOLD | os.O_RDONLY, dir_fd=self._handle)
            try:
                with os.scandir(handle) as entries:
                    return _listed(entries)
            finally:
                os.close(handle)

        def open(self, name: str) -> int:
            """A descriptor to read a regular file."""
            # Looked at first, since opening a device can do something; and again once it is open.
            _refuse_special(os.stat(name, dir_fd=self._handle, follow_symlinks=False), name)
            handle = os.open(name, _READ, dir_fd=self._handle)
            try:
                _refuse_special(os.fstat(handle), name)
            except OSError:
                os.close(handle)
                raise
            return handle

        def create(self, name: str, mode: int | None = None) -> int:
            """A descriptor to write a file that was not there, with those permissions; FileExistsError."""
            handle = os.open(name, _CREATE, 0o666 if mode is None else 0o600, dir_fd=self._handle)
            if mode is not None:
                os.fchmod(handle, mode)
            return handle

        def mode(self, name: str) -> int:
            """The permissions of a file."""
            return stat.S_IMODE(os.stat(name, dir_fd=self._handle, follow_symlinks=False).st_mode)

        def rename(self, name: str, new: str) -> None:
            """Give a file another name, in one step; what had that name is gone."""
            os.rename(name, new, src_dir_fd=self._handle, dst_dir_fd=self._handle)

        def link(self, name: str, new: str) -> None:
            """Give a file a second name, in one step; FileExistsError."""
            os.link(name, new, src_dir_fd=self._handle, dst_dir_fd=self._handle, follow_symlinks=False)

        def remove(self, name: str) -> None:
            """Take a name away, where it is there."""
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=self._handle)

    @contextmanager
    def directory(real: Path, *, make: bool = False) -> Generator[Directory]:
        """Hold a directory whose path holds no link; `make`: with those above it, where they are not there."""
        handle = _held(real, make=make)
        try:
            yield Directory(handle)
        finally:
            os.close(handle)

    def _held(real: Path, *, make: bool) -> int:
        if real == real.parent:
            return os.open(real, _PASS)
        if _NO_LINK_AT_ALL:
            with suppress(FileNotFoundError):
                return os.open(real, _PASS & ~os.O_NOFOLLOW | _NO_LINK_AT_ALL)
        parent = _held(real.parent, make=make)
        try:
            return os.open(real.name, _PASS, dir_fd=parent)
        except FileNotFoundError:
            if not make:
                raise
            with suppress(FileExistsError):  # made by another meanwhile
                os.mkdir(real.name, dir_fd=parent)
            return os.open(real.name, _PASS, dir_fd=parent)
        finally:
            os.close(parent)

    def place_of(handle: int) -> Path | None:
        """Where what was opened stands now, as the system says; None where the system does not. ReplacedError.

        On Linux a name that is gone stays gone for who opened by it: whatever was asked of the file before this
        returns was true while it had that name.
        """
        if sys.platform == "darwin":
            import fcntl

            return Path(os.fsdecode(fcntl.fcntl(handle, _F_GETPATH, bytes(_LONGEST_PATH)).rstrip(b"\0")))
        try:
            told = str(Path(f"/proc/self/fd/{handle}").readlink())
        except OSError:  # no /proc here: that no link was followed has to do
            return None
        if told.endswith(_GONE) and not _is_name_of(told, handle):
            raise ReplacedError(errno.ESTALE, "it was replaced meanwhile", told)
        return Path(told)

    def _is_name_of(path: str, handle: int) -> bool:
        """Whether a file has a name that only sounds as if it were gone."""
        try:
            return os.path.samestat(os.lstat(path), os.fstat(handle))
        except OSError:
            return False

else:
    import ctypes
    import msvcrt
    from ctypes import wintypes

    _READ = os.O_RDONLY | os.O_BINARY | os.O_NOINHERIT
    _CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_BINARY | os.O_NOINHERIT
    _LIST = 0x1
    _SHARE_READ_WRITE = 0x3
    """Without the right to delete: neither it nor a directory above it can be renamed or replaced while it is held."""
    _OPEN_EXISTING = 3
    _BACKUP_SEMANTICS = 0x02000000
    _INVALID = ctypes.c_void_p(-1).value
    _LONGEST_PATH = 32_768

    _kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    _kernel.CreateFileW.restype = wintypes.HANDLE
    _kernel.CreateFileW.argtypes = (
        wintypes.LPCWSTR, wintypes.DWORD, wintypes.DWORD, wintypes.LPVOID, wintypes.DWORD, wintypes.DWORD,
        wintypes.HANDLE,
    )  # fmt: skip
    _kernel.GetFinalPathNameByHandleW.restype = wintypes.DWORD
    _kernel.GetFinalPathNameByHandleW.argtypes = (wintypes.HANDLE, wintypes.LPWSTR, wintypes.DWORD, wintypes.DWORD)
    _kernel.CloseHandle.argtypes = (wintypes.HANDLE,)

    class Directory:
        """A directory that is held and so keeps its place; its path means what stands in it."""

        def __init__(self, handle: int, real: Path) -> None:
            self._handle = handle
            self._real = real

        def place(self) -> Path | None:
            """Where it is."""
            return _final_path(self._handle)

        def entries(self) -> list[Entry]:
            """What stands in it, by name."""
            with os.scandir(self._real) as entries:
                return _listed(entries)

        def open(self, name: str) -> int:
            """A descriptor to read a regular file."""
            _refuse_special(os.lstat(self._real / name), name)
            handle = os.open(self._real / name, _READ)
            try:
                _refuse_special(os.fstat(handle), name)
            except OSError:
                os.close(handle)
                raise
            return handle

        def create(self, name: str, mode: int | None = None) -> int:
            """A descriptor to write a file that was not there; FileExistsError. Its permissions are inherited."""
            del mode
            return os.open(self._real / name, _CREATE, 0o666)

        def mode(self, name: str) -> int:
            """The permissions of a file."""
            return stat.S_IMODE(os.lstat(self._real / name).st_mode)

        def rename(self, name: str, new: str) -> None:
            """Give a file another name, in one step; what had that name is gone."""
            (self._real / name).replace(self._real / new)

        def link(self, name: str, new: str) -> None:
            """Give a file a second name, in one step; FileExistsError."""
            os.link(self._real / name, self._real / new)

        def remove(self, name: str) -> None:
            """Take a name away, where it is there."""
            (self._real / name).unlink(missing_ok=True)

    @contextmanager
    def directory(real: Path, *, make: bool = False) -> Generator[Directory]:
        """Hold a directory whose path holds no link; `make`: with those above it, where they are not there."""
        if make and not real.is_dir():
            with directory(real.parent, make=True), suppress(FileExistsError):
                real.mkdir()
        handle = _kernel.CreateFileW(str(real), _LIST, _SHARE_READ_WRITE, None, _OPEN_EXISTING, _BACKUP_SEMANTICS, None)
        if handle in {None, _INVALID}:
            raise ctypes.WinError(ctypes.get_last_error())
        try:
            place = _final_path(handle)
            if place is None or os.path.normcase(place) != os.path.normcase(real):
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(real))
            yield Directory(handle, real)
        finally:
            _kernel.CloseHandle(handle)

    def place_of(handle: int) -> Path | None:
        """Where what was opened stands, as the system says; None where the system does not."""
        return _final_path(msvcrt.get_osfhandle(handle))

    def _final_path(handle: int) -> Path | None:
        told = ctypes.create_unicode_buffer(_LONGEST_PATH)
        length = _kernel.GetFinalPathNameByHandleW(handle, told, _LONGEST_PATH, 0)
        if not 0 < length < _LONGEST_PATH:
            return None
        plain = told.value.removeprefix("\\\\?\\")
        return Path(f"\\\\{plain[4:]}" if plain.startswith("UNC\\") else plain)
