"""The fence around files: which directories a call may read and write, and what is never touched inside them.

Every path is judged by where it really is, symlinks followed. To keep another kind of credential file from being sent,
add its name to `_SECRET_NAMES` (patterns), or its directory to `_SECRET_DIRECTORIES` (anywhere) or to
`_SECRET_IN_HOME` (below the home directory; projects have harmless directories of the same names).
"""

import os
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Self

from delegate_mcp.config.settings import Settings
from delegate_mcp.domain.errors import InputError

_SECRET_NAMES = (
    ".env", ".env.*", ".envrc", "*.env",
    "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "*.pem", "*.key", "*.ppk", "*.p12", "*.pfx", "*.jks", "*.keystore",
    "*.kdbx", ".netrc", "_netrc", ".pgpass", ".my.cnf", ".git-credentials", ".npmrc", ".pypirc",
    ".htpasswd", ".vault-token", "credentials.json", "application_default_credentials.json",
)  # fmt: skip
_HARMLESS_NAMES = (".env.example", ".env.sample", ".env.template", ".env.dist", "example.env", "sample.env")
_SECRET_DIRECTORIES = frozenset({".ssh", ".gnupg", ".password-store"})
_SECRET_IN_HOME = (
    ".aws", ".azure", ".kube", ".docker", ".config/gcloud", ".config/gh", ".mozilla", ".config/google-chrome",
    ".config/chromium", "Library/Application Support/Google/Chrome", "Library/Keychains", "AppData",
)  # fmt: skip
_VERSION_CONTROL = frozenset({".git", ".hg", ".svn", ".jj", "git~1"})
_KERNEL_PLACES = tuple(Path(place) for place in ("/proc", "/sys", "/dev"))


@dataclass(frozen=True, slots=True)
class Roots:
    """The directories that a call may touch, real paths; the working directory, where it may be one, comes first."""

    roots: tuple[Path, ...]
    home: Path
    """The person's home directory: its dotfiles are not written, whatever the roots."""
    closed: tuple[Path, ...] = ()
    """The server's own state: neither read nor written."""

    @classmethod
    def of(cls, settings: Settings, *, environ: Mapping[str, str], cwd: Path, home: Path) -> Self:
        """The working directory (CLAUDE_PROJECT_DIR, else cwd) and `files.roots` of the settings.

        A working directory that is or holds the home directory, or is a drive's root, is none: a host that was
        started there did not mean to hand all of it over.
        """
        home = home.resolve()
        project = Path(environ.get("CLAUDE_PROJECT_DIR", "").strip() or cwd)
        working = (project if project.is_dir() else cwd).resolve()
        too_wide = working == Path(working.anchor) or home.is_relative_to(working)
        named = [working.joinpath(root.expanduser()).resolve() for root in settings.files.roots]
        roots = dict.fromkeys(([] if too_wide else [working]) + named)
        return cls(tuple(roots), home, (settings.home.expanduser().resolve(),))

    def resolve_read(self, path: str) -> Path:
        """Where a path to read really is. Says nothing of whether it is there. InputError: it may not be read."""
        places = list(self.places(path))
        found = next((place for place in places if os.path.lexists(place)), places[0])
        real = self._inside(path, found)
        for place in (found, real):
            if self.is_secret(place):
                raise InputError(
                    f"{path} holds credentials by its name and is never sent. Quote in the prompt what matters of it."
                )
        return real

    def resolve_write(self, path: str) -> Path:
        """Where a path to write really is. InputError: it may not be written."""
        real = self._inside(path, next(self.places(path)))
        if any(_folded(part) in _VERSION_CONTROL for part in real.parts):
            raise InputError(f"{path} lies inside version control's own files. Save it beside them.")
        if self.is_secret(real) or self._is_home_dotfile(real):
            raise InputError(f"{path} is a place for credentials or a person's own settings. Choose another path.")
        return real

    def resolve_directory(self, path: str) -> Path:
        """A directory in which files may be edited. InputError: it is none or lies outside."""
        real = self.resolve_write(path)
        if not real.is_dir():
            raise InputError(f"edit_in: {path} is no directory. Name an existing one under {self.told()}.")
        return real

    def places(self, path: str) -> Iterator[Path]:
        """Where a path may be meant, in order: itself where absolute, else under each root."""
        if not path.strip() or any(unicodedata.category(sign) in {"Cc", "Cs"} for sign in path):
            raise InputError(f"{path!r} is no path.")
        if not self.roots:
            raise InputError(
                "No directory may be read or written: the server was started in the home directory or at the top of "
                "a drive. Start it in a project, or set files.roots in the settings."
            )
        given = self.home / path[2:] if path.startswith(("~/", "~\\")) else Path(path)
        return (root / given for root in (self.roots[:1] if given.is_absolute() else self.roots))

    def allows(self, real: Path) -> bool:
        """Whether a real path lies under a root, and in no closed place that this root is not itself inside."""
        return any(
            real.is_relative_to(root)
            and not any(real.is_relative_to(shut) and shut not in root.parents for shut in self._shut())
            for root in self.roots
        )

    def shown(self, real: Path) -> str:
        """A path as it is told to models: relative to the working directory where it lies there."""
        first = self.roots[0]
        told = (real.relative_to(first) if real.is_relative_to(first) else real).as_posix()
        return told.encode("utf-8", "backslashreplace").decode()  # names that are no UTF-8 can still be told

    def told(self) -> str:
        """The roots, for messages."""
        return ", ".join(str(root) for root in self.roots)

    def _inside(self, path: str, place: Path) -> Path:
        try:
            real = Path(os.path.realpath(place))
        except (OSError, ValueError) as error:
            raise InputError(f"{path} is no path: {error}") from error
        if any(real.is_relative_to(shut) for shut in self.closed) and not self.allows(real):
            raise InputError(
                f"{path} belongs to delegate-mcp itself (settings, ledger, kept answers). Use another path."
            )
        if not self.allows(real):
            raise InputError(
                f"{path} lies outside the directories that may be used ({self.told()}). Use a path under them, or add "
                "its directory to files.roots in the settings."
            )
        return real

    def is_secret(self, path: Path) -> bool:
        """Whether a path holds credentials, judged by its names alone."""
        parts = [_folded(part) for part in path.parts]
        if not parts or any(part in _SECRET_DIRECTORIES for part in parts):
            return bool(parts)
        if any(path.is_relative_to(self.home / place) for place in _SECRET_IN_HOME):
            return True
        name = parts[-1]
        return name not in _HARMLESS_NAMES and any(fnmatchcase(name, pattern) for pattern in _SECRET_NAMES)

    def _shut(self) -> tuple[Path, ...]:
        return (*self.closed, *_KERNEL_PLACES)

    def _is_home_dotfile(self, real: Path) -> bool:
        if not real.is_relative_to(self.home) or real == self.home:
            return False
        top = real.relative_to(self.home).parts[0]
        named_inside = any(real.is_relative_to(root) and root.is_relative_to(self.home / top) for root in self.roots)
        return top.startswith(".") and not named_inside


def _folded(name: str) -> str:
    """A name as file systems that ignore case, invisible signs or trailing dots read it."""
    visible = "".join(sign for sign in unicodedata.normalize("NFC", name) if unicodedata.category(sign) != "Cf")
    return visible.casefold().rstrip(" .")
