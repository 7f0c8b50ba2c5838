"""The fence around files: which directories a call may read and write, and what is never touched inside them.

Every path is judged by where it really is, symlinks followed, and once more when it is open, by where the system says
that it is: what was put in its place in between is refused (`opening`). Which files hold credentials stands in
`credential_files`.
"""

import os
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from delegate_mcp import opening
from delegate_mcp.config.settings import Settings
from delegate_mcp.domain.errors import InputError
from delegate_mcp.intake.credential_files import OtherNames, folded, is_credential
from delegate_mcp.platforms import runtime_dir

_VERSION_CONTROL = frozenset({".git", ".hg", ".svn", ".jj", "git~1"})
_BARE_REPOSITORY = ("HEAD", "objects", "refs")
_OPENINGS = 3
_KERNEL_PLACES = tuple(Path(place) for place in ("/proc", "/sys", "/dev"))


@dataclass(frozen=True, slots=True)
class Roots:
    """The directories that a call may touch, real paths; the working directory, where it may be one, comes first."""

    roots: tuple[Path, ...]
    home: Path
    """The person's home directory: its dotfiles are not written, whatever the roots."""
    closed: tuple[Path, ...] = ()
    """The server's own state: neither read nor written."""
    named: tuple[Path, ...] = ()
    """Those of the roots that the settings name."""
    allowed_credentials: frozenset[Path] = frozenset()
    """Credential files that the settings name one by one: they may be read, wherever they are."""

    @classmethod
    def of(cls, settings: Settings, *, environ: Mapping[str, str], cwd: Path, home: Path) -> Self:
        """The working directory (CLAUDE_PROJECT_DIR, else cwd) and `files.roots` of the settings.

        A working directory that is or holds the home directory, or is a drive's root, is none: a host that was
        started there did not mean to hand all of it over.
        """
        home = home.resolve()
        project = Path(environ.get("CLAUDE_PROJECT_DIR", "").strip() or cwd)
        working = (project if project.is_dir() else cwd).resolve()
        named = tuple(working.joinpath(root.expanduser()).resolve() for root in settings.files.roots)
        own_file = environ.get("DELEGATE_MCP_CONFIG", "").strip()
        state = (settings.home, runtime_dir(environ), *([Path(own_file)] if own_file else []))
        return cls(
            tuple(dict.fromkeys([*_narrow([working], home), *named])),
            home,
            tuple(place.expanduser().resolve() for place in state),
            named,
            frozenset(working.joinpath(file.expanduser()).resolve() for file in settings.files.allow_secret_files),
        )

    def given_by(self, host: Sequence[Path], *, trusted: bool) -> Self:
        """The fence with the host's roots in place of the working directory; as it is, where it gave none that can be.

        `trusted`: a host that started this process may name any directory. One that came over the network cannot
        reach beyond what the server was started with, only narrow it.
        """
        given = _narrow([root.resolve() for root in host if root.is_dir()], self.home)
        if not trusted:
            inside = [root for root in given if any(root.is_relative_to(own) for own in self.roots)]
            given = inside + [own for own in self.roots if any(own.is_relative_to(root) for root in given)]
            return replace(self, roots=tuple(dict.fromkeys(given))) if given else self
        return replace(self, roots=tuple(dict.fromkeys([*given, *self.named]))) if given else self

    # --- Reading -----------------------------------------------------------------------------------------------------

    def resolve_read(self, path: str) -> Path:
        """Where a path to read really is. Says nothing of whether it is there. InputError: it may not be read."""
        places = list(self.places(path))
        found = next((place for place in places if os.path.lexists(place)), places[0])
        real = self._real(path, found)
        if real in self.allowed_credentials:
            return real
        self._check_inside(path, real)
        for place in (found, real):
            self._check_harmless(path, place)
        return real

    def open_read(self, path: str, real: Path, other_names: OtherNames) -> int:
        """A descriptor of what `resolve_read` found, judged by what was opened. InputError, OSError."""
        for left in range(_OPENINGS - 1, -1, -1):
            handle = opening.open_file(real)
            try:
                self._check_opened(path, real, handle, other_names)
            except opening.ReplacedError:  # an editor that saves puts a new file in the place of the old one
                os.close(handle)
                if not left:
                    raise
            except BaseException:
                os.close(handle)
                raise
            else:
                return handle
        raise AssertionError  # the last opening has returned or raised

    def list_directory(self, path: Path) -> list[opening.Entry]:
        """What stands in a directory; nothing where it may not be read or is none."""
        try:
            real = Path(os.path.realpath(path))
            with opening.directory(real) as held:
                place = held.place() or real
                return held.entries() if self.allows(place) and not self.is_secret(place) else []
        except OSError:
            return []

    def other_names(self) -> OtherNames:
        """What `open_read` holds hard links against; one for each call, since it remembers."""
        return OtherNames(self.home, self.closed, self.roots)

    # --- Writing -----------------------------------------------------------------------------------------------------

    def resolve_write(self, path: str) -> Path:
        """Where a path to write really is. InputError: it may not be written."""
        real = self._real(path, next(self.places(path)))
        self._check_inside(path, real)
        if any(folded(part) in _VERSION_CONTROL for part in real.parts) or self._is_bare_repository(real):
            raise InputError(f"{path} lies inside version control's own files. Save it beside them.")
        if self.is_secret(real) or self._is_home_dotfile(real):
            raise InputError(f"{path} is a place for credentials or a person's own settings. Choose another path.")
        above = next(place for place in real.parents if os.path.lexists(place))
        if not above.is_dir():
            raise InputError(f"{path} cannot be written: {self.shown(above)} is no directory. Choose another path.")
        return real

    def resolve_directory(self, path: str) -> Path:
        """A directory in which files may be edited. InputError: it is none or lies outside."""
        real = self.resolve_write(path)
        if not real.is_dir():
            raise InputError(f"edit_in: {path} is no directory. Name an existing one under {self.told()}.")
        return real

    # --- What is where -----------------------------------------------------------------------------------------------

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

    def is_secret(self, path: Path) -> bool:
        """Whether a path holds credentials, judged by its names alone."""
        return path not in self.allowed_credentials and is_credential(path, self.home)

    def shown(self, real: Path) -> str:
        """A path as it is told to models: relative to the working directory where it lies there."""
        first = self.roots[0]
        told = (real.relative_to(first) if real.is_relative_to(first) else real).as_posix()
        return told.encode("utf-8", "backslashreplace").decode()  # names that are no UTF-8 can still be told

    def told(self) -> str:
        """The roots, for messages."""
        return ", ".join(str(root) for root in self.roots)

    def _real(self, path: str, place: Path) -> Path:
        try:
            return Path(os.path.realpath(place))
        except (OSError, ValueError) as error:
            raise InputError(f"{path} is no path: {error}") from error

    def _check_inside(self, path: str, real: Path) -> None:
        if self.allows(real):
            return
        if any(real.is_relative_to(shut) for shut in self.closed):
            raise InputError(
                f"{path} belongs to delegate-mcp itself (settings, ledger, kept answers). Use another path."
            )
        raise InputError(
            f"{path} lies outside the directories that may be used ({self.told()}). Use a path under them, or add "
            "its directory to files.roots in the settings."
        )

    def _check_harmless(self, path: str, place: Path) -> None:
        if self.is_secret(place):
            raise InputError(
                f"{path} holds credentials by its name and is never sent. Quote in the prompt what matters of it, or "
                "name the file in files.allow_secret_files in the settings."
            )

    def _check_opened(self, path: str, real: Path, handle: int, other_names: OtherNames) -> None:
        status = os.fstat(handle)  # before its place is asked for: then all its names were counted
        place = opening.place_of(handle) or real
        if place in self.allowed_credentials:
            return
        self._check_inside(path, place)
        self._check_harmless(path, place)
        if other_names.lead_to_credentials(place, status):
            raise InputError(f"{path} is a second name (a hard link) of a credential file and is never sent.")

    def _shut(self) -> tuple[Path, ...]:
        return (*self.closed, *_KERNEL_PLACES)

    def _is_bare_repository(self, real: Path) -> bool:
        """Whether it lies in a repository without a working tree: its hooks run commands."""
        above = (place for place in real.parents if any(place.is_relative_to(root) for root in self.roots))
        return any(all(os.path.lexists(place / name) for name in _BARE_REPOSITORY) for place in above)

    def _is_home_dotfile(self, real: Path) -> bool:
        if not real.is_relative_to(self.home) or real == self.home:
            return False
        top = real.relative_to(self.home).parts[0]
        named_inside = any(real.is_relative_to(root) and root.is_relative_to(self.home / top) for root in self.roots)
        return top.startswith(".") and not named_inside


def _narrow(directories: Sequence[Path], home: Path) -> list[Path]:
    """Those that are no drive's root and neither are nor hold the home directory."""
    return [place for place in directories if place != Path(place.anchor) and not home.is_relative_to(place)]
