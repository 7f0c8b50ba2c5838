"""`git:` entries: uncommitted changes, changes against a revision, and a commit, as text.

A checkout may be a stranger's, and git runs what a repository's settings name: hooks, filters, diff programs, pagers,
fetches of missing objects. None of it is run here. What comes from the entry reaches git as a revision alone, which
git has resolved to a hash before. Only what lies under the root is shown, credential files never.
"""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from delegate_mcp.domain.errors import InputError
from delegate_mcp.intake.bounded import Ran, run
from delegate_mcp.intake.sandbox import Roots
from delegate_mcp.platforms import find_program

PREFIX = "git:"
FORMS = "git:diff, git:diff:REV, git:diff:A..B, git:diff:A...B or git:show:REV"
TIME_LIMIT_S = 20.0
_ASIDE_BYTES = 1_000_000
"""For what git is asked beside the text itself."""
_ENTRY = re.compile(r"git:(?:(?P<diff>diff)(?::(?P<against>.+))?|show:(?P<show>.+))", re.DOTALL)
_BETWEEN = re.compile(r"(?P<left>.*?)(?P<dots>\.\.\.?)(?P<right>.*)", re.DOTALL)
_HEAD = re.compile(r'^diff --(?:git (?P<quoted>")?|cc |combined )', re.MULTILINE)
_OFF = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.pager": "cat",
    "core.quotePath": "false",
    "log.showSignature": "false",
    "submodule.recurse": "false",
    "protocol.allow": "never",
}
_ENV = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "LC_ALL": "C",
}
_SHOW = ("show", "--format=medium", "--no-notes", "--no-show-signature", "--diff-merges=first-parent")
_LOOK = (
    "--patch", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--src-prefix=a/", "--dst-prefix=b/",
    "--submodule=short", "--ignore-submodules=dirty", "--relative", "-O/dev/null",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class GitText:
    """What git said, and which files of it are not sent."""

    text: str
    left_out: tuple[str, ...] = ()
    new: tuple[Path, ...] = ()
    """Files that git does not know yet: no diff shows them."""


def read_git(entry: str, roots: Roots, max_bytes: int) -> GitText:
    """The text that a `git:` entry stands for. InputError says what is wrong with it."""
    found = _ENTRY.fullmatch(entry)
    if found is None:
        raise InputError(f"{entry} is not understood. Write {FORMS}.")
    repository = _Repository.of(entry, roots)
    if found["show"]:
        command, revisions = _SHOW, [repository.commit(found["show"])]
    else:
        command, revisions = ("diff",), repository.compared(found["against"] or "HEAD")
    ran = repository.git(*command, *_LOOK, "--end-of-options", *revisions, "--", ".", max_bytes=max_bytes)
    if ran.too_much:
        raise InputError(
            f"{entry} is larger than {max_bytes:,} bytes. Name a narrower one, or raise files.max_file_bytes in the "
            "settings."
        )
    if ran.code:
        raise InputError(f"{entry}: git failed with status {ran.code}. Try it in a terminal.")
    text = ran.output.decode("utf-8", "replace")
    untracked = [] if found["show"] or found["against"] else repository.untracked()
    if not text.strip():
        new = f"; name the new files themselves ({untracked[0]}, …)" if untracked else ""
        raise InputError(f"{entry} is empty: there are no changes under {repository.root}. Leave it out{new}.")
    found_text = _without_credentials(entry, text, repository.root, roots)
    return replace(found_text, new=tuple(repository.root / name for name in untracked))


@dataclass(frozen=True, slots=True)
class _Repository:
    """A repository that a root lies in."""

    entry: str
    program: tuple[str, ...]
    root: Path
    filters: tuple[str, ...] = ()
    """The programs for files' content that settings name; each is switched off."""

    @classmethod
    def of(cls, entry: str, roots: Roots) -> "_Repository":
        """That of the first root that has one. InputError: none, or it keeps its history where it may not be read."""
        program = find_program("git", os.environ)
        if program is None:
            raise InputError(f"{entry}: git is not installed, or not on PATH.")
        next(roots.places("."))  # says what to do where there is no root at all
        said = b""
        for root in roots.roots:
            asked = cls(entry, program, root)
            ran = asked.git("rev-parse", "--path-format=absolute", "--show-toplevel", "--git-dir", with_errors=True)
            if ran.code == 0:
                top, own = (Path(os.path.realpath(line)) for line in os.fsdecode(ran.output).splitlines()[:2])
                _check_own(entry, root, top, own, roots)
                return cls(entry, program, root, asked.named_filters())
            said = said or ran.output
        if b"not a git repository" in said:
            raise InputError(f"{entry}: there is no git repository in {roots.told()}.")
        raise InputError(f"{entry}: git cannot use the repository in {roots.told()}. Try `git status` there.")

    def git(self, *arguments: str, max_bytes: int = _ASIDE_BYTES, with_errors: bool = False) -> Ran:
        """Run git in the root. InputError: it takes too long."""
        try:
            ran = run(
                [*self.program, "--no-pager", *arguments],
                cwd=self.root,
                max_bytes=max_bytes,
                time_limit_s=TIME_LIMIT_S,
                env=_ENV | self._settings(),
                with_errors=with_errors,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise InputError(f"{self.entry}: git cannot be started ({type(error).__name__}).") from error
        if ran.too_long:
            raise InputError(f"{self.entry}: git took longer than {TIME_LIMIT_S:g} s. Name a narrower one.")
        return ran

    def named_filters(self) -> tuple[str, ...]:
        """The filters that any settings name. InputError: they cannot be known."""
        ran = self.git("config", "--list", "--name-only", "-z")
        if ran.code or ran.too_much:
            raise InputError(f"{self.entry}: the settings of the repository in {self.root} cannot be read.")
        names = os.fsdecode(ran.output).split("\0")
        return tuple(sorted({name.rpartition(".")[0] for name in names if name.startswith("filter.")}))

    def _settings(self) -> dict[str, str]:
        """What is switched off. Not by `-c`, which would take a filter's name apart where it holds an equals sign."""
        rows = list(_OFF.items())
        for name in self.filters:
            rows += [(f"{name}.clean", ""), (f"{name}.smudge", ""), (f"{name}.process", "")]
            rows.append((f"{name}.required", "false"))
        keys = {f"GIT_CONFIG_KEY_{number}": key for number, (key, _) in enumerate(rows)}
        values = {f"GIT_CONFIG_VALUE_{number}": value for number, (_, value) in enumerate(rows)}
        return {"GIT_CONFIG_COUNT": str(len(rows)), **keys, **values}

    def untracked(self) -> list[str]:
        """Files that git does not know and does not ignore: no diff shows them."""
        ran = self.git("ls-files", "--others", "--exclude-standard", "-z", "--", ".")
        return [name for name in os.fsdecode(ran.output).split("\0") if name]

    def compared(self, against: str) -> list[str]:
        """The revisions that a diff is of: the working tree against one, or two of them."""
        between = _BETWEEN.fullmatch(against)
        if between is None:
            return [self.commit(against)]
        left, right = (self.commit(side or "HEAD") for side in (between["left"], between["right"]))
        return [f"{left}{between['dots']}{right}"]

    def commit(self, revision: str) -> str:
        """The hash of a commit that exists."""
        if not revision.startswith("-") and "\0" not in revision:
            ran = self.git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
            if ran.code == 0:
                return ran.output.decode("ascii", "replace").strip()
        raise InputError(
            f"{self.entry}: there is no commit {revision!r}. Name a branch, a tag, a hash, or HEAD~2 and the like."
        )


def _check_own(entry: str, root: Path, top: Path, own: Path, roots: Roots) -> None:
    """A `.git` file may lead to any repository of this machine: one elsewhere must name this working tree itself."""
    if not root.is_relative_to(top):
        raise InputError(f"{entry}: the repository in {root} has its working tree elsewhere ({top}).")
    if own == top / ".git" or any(own.is_relative_to(place) for place in roots.roots):
        return
    try:
        back = Path(os.path.realpath((own / "gitdir").read_text(encoding="utf-8").strip()))
    except (OSError, ValueError):
        back = None
    if back != top / ".git":
        raise InputError(
            f"{entry}: the repository of {root} lies elsewhere ({own}). Add that to files.roots in the settings."
        )


def _without_credentials(entry: str, text: str, root: Path, roots: Roots) -> GitText:
    """The text without the parts about credential files: each part begins with a line that no content can look like."""
    kept: list[str] = []
    left_out: list[str] = []
    for part in _parts(text):
        name = _name(part)
        if name is None or not roots.is_secret(root / name):
            kept.append(part)
        else:
            left_out.append(f"{name} ({entry}, holds credentials by its name)")
    if not any(_HEAD.match(part) for part in kept) and left_out:
        raise InputError(f"{entry} is about credential files alone ({left_out[0]}), which are never sent.")
    return GitText("".join(kept), tuple(left_out))


def _parts(text: str) -> Iterator[str]:
    begins = [match.start() for match in _HEAD.finditer(text)]
    for begin, end in zip([0, *begins], [*begins, len(text)], strict=True):
        if begin < end:
            yield text[begin:end]


def _name(part: str) -> str | None:
    """The path that a part is about, below the root; None for what stands before the first."""
    head = _HEAD.match(part)
    if head is None:
        return None
    rest = part[head.end() :].partition("\n")[0]
    if head["quoted"]:
        escaped = rest.partition('" "')[0]
        name = escaped.encode("latin-1", "backslashreplace").decode("unicode_escape").encode("latin-1", "replace")
        return name.decode("utf-8", "replace").removeprefix("a/")
    if part.startswith("diff --git "):  # a/NAME b/NAME: with renames off the same name twice
        return rest[2 : len(rest) // 2]
    return rest
