"""What others wrote, fetched with pip: each server into its own venv under .bench, the jobs' wheels beside them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.raw_stdio import ROOT

PLACE = ROOT / ".bench" / "economy"
HERE = Path(__file__).parent
_PIP = ("-m", "pip", "--quiet", "--disable-pip-version-check")


class UnavailableError(Exception):
    """What the bench needs cannot be fetched."""


def script(venv: Path, name: str) -> Path:
    """An installed command of a venv."""
    return venv / ("Scripts" if os.name == "nt" else "bin") / (f"{name}.exe" if os.name == "nt" else name)


def _run(command: Sequence[object], cwd: Path | None = None) -> str:
    """What went wrong; empty where nothing did."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, cwd=cwd)
    return done.stderr.strip()[-600:] or f"exit {done.returncode}" if done.returncode else ""


def venv_with(name: str, choices: Sequence[tuple[str, ...]]) -> tuple[Path | None, str]:
    """A venv that holds the first of these sets of requirements that pip can install; else None, and why."""
    venv, why = PLACE / name, ""
    mark = venv / "installed.txt"
    for requirements in choices:
        wanted = "\n".join(requirements)
        if mark.exists() and mark.read_text(encoding="utf-8") == wanted:
            return venv, ""
        print(f"installing {requirements[0]} into {venv} ...", file=sys.stderr, flush=True)
        shutil.rmtree(venv, ignore_errors=True)
        why = _run([sys.executable, "-m", "venv", venv]) or _run(
            [script(venv, "python"), *_PIP, "install", *requirements]
        )
        if not why:
            mark.write_text(wanted, encoding="utf-8")
            return venv, ""
    return None, f"pip could not install {choices[-1][0]}: {why}"


def wheels(listed: str) -> list[Path]:
    """The wheels of a list with hashes, fetched where they are not there. Raises UnavailableError."""
    lines = (HERE / listed).read_text(encoding="utf-8").split("\n")
    names = [line.partition(" ")[0].split("==") for line in lines if line]
    place = PLACE / "wheels"

    def there() -> list[Path]:
        found = [list(place.glob(f"{name}-{version}-*.whl")) for name, version in names]
        return [files[0] for files in found if files]

    if len(there()) < len(names):
        venv, why = venv_with("fetch", [("pip",)])
        if venv is not None:
            fetch = ("download", "--no-deps", "--only-binary=:all:", "--require-hashes")
            why = _run([script(venv, "python"), *_PIP, *fetch, "--dest", place, "--requirement", HERE / listed])
        if why:
            raise UnavailableError(f"the files of the jobs could not be fetched: {why}")
    return there()
