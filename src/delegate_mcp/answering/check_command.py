"""Which command an answer may be checked by: one of the settings' own, with paths behind it and nothing else.

What runs runs code that a model wrote, so a call can name no other command, no option and no place outside. No shell
reads any of it, and each path reaches the command in full, so that none can look like an option.
"""

import re
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from delegate_mcp.config.settings import CheckSettings
from delegate_mcp.domain.errors import InputError
from delegate_mcp.intake.sandbox import Roots
from delegate_mcp.platforms.programs import find_program
from delegate_mcp.providers.registry import PROVIDERS

_PART = re.compile(r"(?P<path>.+?)(?P<part>::[\w:.\[\]-]+)?")
"""A path, with what some tools name a part of a file by (`tests/test_a.py::test_one`)."""
_SECRET_NAME = re.compile(
    r"(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|DSN)S?(?:_|$)"
    r"|(?:^|_)(?:AUTH|PASS|PWD|PAT|COOKIE|SESSION)(?:_|$)"
)
_PLAIN_NAMES = frozenset({"PWD"})
_OURS = ("DELEGATE_MCP_*", "CLAUDE*", "ANTHROPIC_*", "OPENCODE_*")


@dataclass(frozen=True, slots=True)
class CheckCommand:
    """A command that may run."""

    told: str
    """As the caller named it."""
    argv: tuple[str, ...]
    directory: Path
    env: Mapping[str, str]


def check_command(asked: str, settings: CheckSettings, roots: Roots, environ: Mapping[str, str]) -> CheckCommand:
    """What is to run. InputError says what is allowed and how to allow more. Looks at the disk."""
    next(roots.places("."))  # says what to do where there is no root at all
    directory = roots.roots[0] / (settings.directory or ".")
    if not directory.is_dir():
        raise InputError(f"check: checks.directory of the settings ({settings.directory}) is no directory here.")
    words = _words(asked)
    for allowed in sorted(map(_words, settings.commands), key=len, reverse=True):
        if allowed and words[: len(allowed)] == allowed:
            env = dict(_environment(environ, directory))
            paths = [_path(word, directory, roots) for word in words[len(allowed) :]]
            return CheckCommand(asked, (*_program(allowed[0], directory, env), *allowed[1:], *paths), directory, env)
    raise InputError(_not_allowed(asked, settings.commands))


def _not_allowed(asked: str, commands: Sequence[str]) -> str:
    if not commands:
        return (
            f"check: `{asked}` is not allowed, since no command is. It would run code that a model wrote, so the user "
            f'allows it in the settings: [checks] commands = ["{asked}"].'
        )
    allowed = ", ".join(f"`{command}`" for command in commands)
    return (
        f"check: `{asked}` is not allowed. The settings' checks.commands allow {allowed}, with paths behind them and "
        "no options."
    )


def _words(command: str) -> list[str]:
    if sys.platform == "win32":
        command = command.replace("\\", "/")
    try:
        return shlex.split(command)
    except ValueError as error:
        raise InputError(f"check: `{command}` cannot be read ({error}).") from error


def _path(word: str, directory: Path, roots: Roots) -> str:
    """A path behind the command as the command gets it: in full, so that no tool takes it for an option."""
    found = _PART.fullmatch(word)
    if word.startswith("-") or found is None:
        raise InputError(f"check: {word} is no path. Behind an allowed command stand paths alone.")
    real = roots.resolve_read(str(directory / found["path"]))
    return f"{real}{found['part'] or ''}"


def _program(name: str, directory: Path, env: Mapping[str, str]) -> tuple[str, ...]:
    found = find_program(str(directory / name) if "/" in name else name, env)
    if found is None:
        raise InputError(
            f"check: `{name}` is not there, or not on the server's PATH. Name its path in checks.commands."
        )
    return found


# --- Its environment -------------------------------------------------------------------------------------------------


def _environment(environ: Mapping[str, str], directory: Path) -> Iterator[tuple[str, str]]:
    """Ours without anything that looks like a credential, by its name or by its value."""
    from delegate_mcp.privacy.secrets import scan

    for name, value in environ.items():
        if not _is_secret(name.upper()) and not scan(f"{name}={value}"):
            yield name, value
    yield "PWD", str(directory)
    # A file that is written twice within a second would be run as it was before.
    yield "PYTHONDONTWRITEBYTECODE", "1"


def _is_secret(name: str) -> bool:
    if name in _PLAIN_NAMES:
        return False
    return bool(_SECRET_NAME.search(name)) or any(fnmatchcase(name, pattern) for pattern in (*_OURS, *_key_names()))


@cache
def _key_names() -> tuple[str, ...]:
    return tuple(name for row in PROVIDERS for name in row.key_names)
