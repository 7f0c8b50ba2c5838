"""Attempts to get out of the fence: each row is a trick; nothing of it may be read or touched.

To add an attempt: a function that lays it out (or `nothing`), the path that is asked for, and a row in READS or WRITES.
"""

import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from delegate_mcp.config.settings import FileSettings, Settings
from delegate_mcp.delivery.save import save_answer
from delegate_mcp.domain.errors import InputError
from delegate_mcp.intake.files import read_files
from delegate_mcp.intake.sandbox import Roots

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the tricks are POSIX ones")

SECRET = "the-secret-that-must-not-get-out"


@dataclass(frozen=True, slots=True)
class World:
    """A project in a home directory, things outside of it, and the server's state."""

    base: Path

    @property
    def home(self) -> Path:
        return self.base / "home"

    @property
    def project(self) -> Path:
        return self.home / "project"

    @property
    def outside(self) -> Path:
        return self.base / "outside"

    @property
    def state(self) -> Path:
        return self.home / ".local" / "share" / "delegate-mcp"

    def roots(self, *more: Path, allow: tuple[Path, ...] = ()) -> Roots:
        files = FileSettings(roots=more, allow_secret_files=allow)
        given_settings = Settings(home=self.state, files=files)
        environ = {"DELEGATE_MCP_CONFIG": str(self.base / "own.toml")}
        return Roots.of(given_settings, environ=environ, cwd=self.project, home=self.home)


def build(base: Path) -> World:
    world = World(base)
    for place in (
        world.outside / "secret.txt",
        world.outside / "sub" / "secret.txt",
        world.base / "project2" / "secret.txt",
        world.home / ".ssh" / "id_ed25519",
        world.home / ".ssh" / "config",
        world.home / ".aws" / "credentials",
        world.home / ".mozilla" / "firefox" / "x" / "key4.db",
        world.home / ".netrc",
        world.home / ".bashrc",
        world.state / "ledger.db",
        world.state / "results" / "c000000000001.json",
        world.base / "own.toml",
        world.project / ".env",
        world.project / "deploy" / "tls.key",
        world.project / "vendor" / ".git" / "config",
    ):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(SECRET)
    (world.project / "src").mkdir()
    (world.project / "src" / "a.py").write_text("a = 1")
    for name in ("HEAD", "objects", "refs", "hooks"):
        (world.project / "bare" / name).mkdir(parents=True)
    return world


@pytest.fixture
def world(tmp_path: Path) -> World:
    return build(tmp_path)


Lay = Callable[[World], object]


def nothing(_: World) -> None:
    """The path itself is the trick."""


def link(name: str, target: Callable[[World], Path | str]) -> Lay:
    return lambda world: (world.project / name).symlink_to(target(world))


def hard(name: str, target: Callable[[World], Path]) -> Lay:
    return lambda world: os.link(target(world), world.project / name)


def chain(world: World) -> None:
    (world.project / "one").symlink_to("two")
    (world.project / "two").symlink_to("src/three")
    (world.project / "src" / "three").symlink_to(world.outside)


def listener(world: World) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(world.project / "sock"))  # the whole path is too long for a socket


READS: tuple[tuple[str, Lay, str], ...] = (
    ("one step up", nothing, "../../outside/secret.txt"),
    ("up from a directory that is not there", nothing, "gone/../../../outside/secret.txt"),
    ("up from a file", nothing, "src/a.py/../../../../outside/secret.txt"),
    ("many steps up", nothing, "../" * 40 + "{base}/outside/secret.txt"),
    ("dots and double slashes", nothing, ".//./src/..//../../outside/./secret.txt"),
    ("absolute", nothing, "{base}/outside/secret.txt"),
    ("absolute behind two slashes", nothing, "//{base}/outside/secret.txt"),
    ("absolute and up from inside", nothing, "{project}/../../outside/secret.txt"),
    ("a neighbour with a name that begins alike", nothing, "{base}/project2/secret.txt"),
    ("the home directory by its sign", nothing, "~/.ssh/id_ed25519"),
    ("home and up", nothing, "~/../outside/secret.txt"),
    ("another person's home", nothing, "~root/.ssh/id_rsa"),
    ("a variable", nothing, "$HOME/.netrc"),
    ("a URL", nothing, "file://{base}/outside/secret.txt"),
    ("a percent sign for a dot", nothing, "%2e%2e/%2e%2e/outside/secret.txt"),
    ("backslashes", nothing, "..\\..\\outside\\secret.txt"),
    ("a zero byte", nothing, "src/a.py\0/../../../outside/secret.txt"),
    ("a line break", nothing, "src/a.py\n../../outside/secret.txt"),
    ("full-width dots", nothing, "\uff0e\uff0e/\uff0e\uff0e/outside/secret.txt"),
    ("a link to a file outside", link("l", lambda w: w.outside / "secret.txt"), "l"),
    ("a relative link to a file outside", link("l", lambda _: "../../outside/secret.txt"), "l"),
    ("a link to a directory outside", link("l", lambda w: w.outside), "l/secret.txt"),
    ("up from a linked directory", link("l", lambda w: w.outside / "sub"), "l/../secret.txt"),
    ("a link to the top", link("l", lambda _: "/"), "l{base}/outside/secret.txt"),
    ("a chain of links", chain, "one/secret.txt"),
    ("a glob through a linked directory", link("l", lambda w: w.outside), "l/*"),
    ("a deep glob past a linked directory", link("l", lambda w: w.outside), "**/secret.txt"),
    ("a glob of a link", link("l.txt", lambda w: w.outside / "secret.txt"), "*.txt"),
    ("a glob that goes up", nothing, "../../outside/*.txt"),
    ("a glob that goes up by braces", nothing, "{{..,src}}/../../outside/*.txt"),
    ("a glob of the whole machine", nothing, "/**/secret.txt"),
    ("a loop of links", link("l", lambda _: "l"), "l"),
    ("the process's own environment", nothing, "/proc/self/environ"),
    ("a link to it", link("l", lambda _: "/proc/self/environ"), "l"),
    ("the process's own directory", link("l", lambda _: "/proc/self/root"), "l{base}/outside/secret.txt"),
    ("an open file of the process", link("l", lambda _: "/proc/self/fd/0"), "l"),
    ("standard input", nothing, "/dev/stdin"),
    ("a device that never ends", link("l", lambda _: "/dev/zero"), "l"),
    ("the kernel's settings", nothing, "/sys/kernel/notes"),
    ("a pipe", lambda w: os.mkfifo(w.project / "pipe"), "pipe"),
    ("a socket", listener, "sock"),
    ("a credential file", nothing, ".env"),
    ("a credential file through a directory and back", nothing, "src/../.env"),
    ("a link to a credential file", link("notes.txt", lambda _: ".env"), "notes.txt"),
    ("a hard link to a credential file beside it", hard("notes.txt", lambda w: w.project / ".env"), "notes.txt"),
    ("a hard link to one further down", hard("src/n", lambda w: w.project / ".env"), "src/n"),
    ("a hard link to a key", hard("notes.txt", lambda w: w.home / ".ssh" / "id_ed25519"), "notes.txt"),
    ("a hard link to a harmless name at the keys", hard("n", lambda w: w.home / ".ssh" / "config"), "n"),
    ("a hard link to a browser's store", hard("n", lambda w: w.home / ".mozilla/firefox/x/key4.db"), "n"),
    ("a hard link to a credential file of home", hard("n", lambda w: w.home / ".netrc"), "n"),
    ("a hard link to the ledger", hard("n", lambda w: w.state / "ledger.db"), "n"),
    ("a hard link to a kept answer", hard("n", lambda w: w.state / "results" / "c000000000001.json"), "n"),
    ("a hard link to the settings", hard("n", lambda w: w.base / "own.toml"), "n"),
    ("a glob of a hard link", hard("n.txt", lambda w: w.home / ".netrc"), "*.txt"),
    ("a key", nothing, "deploy/tls.key"),
    ("a glob of keys", nothing, "deploy/*"),
    ("a hidden credential file by a glob", nothing, ".e*"),
    ("the server's state", nothing, "{state}/ledger.db"),
    ("a link to the server's state", link("l", lambda w: w.state), "l/results/c000000000001.json"),
    ("the settings file elsewhere", nothing, "{base}/own.toml"),
)  # fmt: skip


def asked(path: str, world: World) -> str:
    return path.format(base=world.base, project=world.project, state=world.state)


@pytest.mark.parametrize(("lay", "path"), [row[1:] for row in READS], ids=[row[0] for row in READS])
@pytest.mark.parametrize("wide", [False, True], ids=["project", "home as a root"])
def test_nothing_outside_is_read(
    world: World, lay: Lay, path: str, monkeypatch: pytest.MonkeyPatch, *, wide: bool
) -> None:
    monkeypatch.chdir(world.project)
    lay(world)
    roots = world.roots(*((world.home,) if wide else ()))
    with pytest.raises(InputError) as refused:
        read_files((asked(path, world),), roots=roots, limits=FileSettings())
    assert SECRET not in str(refused.value)


WRITES: tuple[tuple[str, Lay, str], ...] = (
    ("one step up", nothing, "../../outside/new.txt"),
    ("up from a directory that is not there", nothing, "gone/../../../outside/new.txt"),
    ("absolute", nothing, "{base}/outside/new.txt"),
    ("a link to a directory outside", link("l", lambda w: w.outside), "l/new.txt"),
    ("a link to a file outside that is not there", link("l", lambda w: w.outside / "new.txt"), "l"),
    ("a link to a file outside that is there", link("l", lambda w: w.outside / "secret.txt"), "l"),
    ("a chain of links", chain, "one/new.txt"),
    ("a file that is there", nothing, "src/a.py"),
    ("a dotfile of home", nothing, "~/.bashrc"),
    ("a new dotfile of home", nothing, "~/.profile"),
    ("a directory of home's settings", nothing, "~/.config/autostart/x.desktop"),
    ("a link to home's settings", link("l", lambda w: w.home / ".ssh"), "l/authorized_keys"),
    ("the keys", nothing, "~/.ssh/authorized_keys"),
    ("a hook", nothing, ".git/hooks/pre-commit"),
    ("a hook in other letters", nothing, ".GIT/hooks/pre-commit"),
    ("a hook with an invisible sign", nothing, ".g\u200cit/hooks/pre-commit"),
    ("a hook by the short name", nothing, "GIT~1/hooks/pre-commit"),
    ("a hook by a stream's name", nothing, ".git::$INDEX_ALLOCATION/hooks/pre-commit"),
    ("a hook with a dot behind", nothing, ".git./hooks/pre-commit"),
    ("a repository of somebody else", nothing, "vendor/.git/hooks/pre-commit"),
    ("a repository without a working tree", nothing, "bare/hooks/pre-commit"),
    ("a link to a repository", link("l", lambda _: "vendor/.git"), "l/hooks"),
    ("a credential file", nothing, ".env.local"),
    ("the server's settings", nothing, "{state}/config.toml"),
    ("a kept answer", nothing, "{state}/results/c000000000002.json"),
    ("the settings file elsewhere", nothing, "{base}/own.toml"),
    ("the process's memory", nothing, "/proc/self/mem"),
    ("a device", nothing, "/dev/new.txt"),
    ("a pipe", lambda w: os.mkfifo(w.project / "pipe"), "pipe"),
    ("a directory", nothing, "src"),
    ("the root itself", nothing, "."),
    ("a slash at the end", nothing, "new.txt/"),
    ("a file as a directory", nothing, "src/a.py/new.txt"),
    ("a zero byte", nothing, "new.txt\0.png"),
)  # fmt: skip


def everything(world: World) -> dict[str, bytes | str | None]:
    """All that is in the world: files by content, links by target."""
    found: dict[str, bytes | str | None] = {}
    for place in sorted(world.base.rglob("*")):
        content = place.readlink().as_posix() if place.is_symlink() else place.read_bytes() if place.is_file() else None
        found[place.relative_to(world.base).as_posix()] = content
    return found


@pytest.mark.parametrize(("lay", "path"), [row[1:] for row in WRITES], ids=[row[0] for row in WRITES])
@pytest.mark.parametrize("wide", [False, True], ids=["project", "home as a root"])
def test_nothing_outside_is_touched(world: World, lay: Lay, path: str, *, wide: bool) -> None:
    lay(world)
    before = everything(world)
    roots = world.roots(*((world.home,) if wide else ()))
    if path == "new.txt/":  # a slash at the end says no more than the name
        save_answer("x", path, resolve=roots.resolve_write, call_id="c000000000001")
        assert everything(world) == before | {"home/project/new.txt": b"x\n"}
        return
    with pytest.raises(InputError):
        save_answer("x", asked(path, world), resolve=roots.resolve_write, call_id="c000000000001")
    assert everything(world) == before


def test_hard_links_of_harmless_files_are_read_as_package_managers_make_them(world: World) -> None:
    store = world.home / ".cache" / "store"
    store.mkdir(parents=True)
    for number in range(50):
        (store / f"{number}.js").write_text(f"module {number}")
        os.link(store / f"{number}.js", world.project / "src" / f"{number}.js")
    found = read_files(("src/*.js",), roots=world.roots(), limits=FileSettings())
    assert len(found.manifest) == 50
    assert found.notes == ()


def test_a_credential_file_is_read_where_the_settings_name_it_and_no_other(world: World) -> None:
    netrc = world.home / ".netrc"
    roots = world.roots(allow=(Path(".env"), netrc))
    found = read_files((".env", str(netrc)), roots=roots, limits=FileSettings())
    assert found.text.count(SECRET) == 2
    (world.project / "notes.txt").symlink_to(".env")
    assert SECRET in read_files(("notes.txt",), roots=roots, limits=FileSettings()).text
    for path in ("deploy/tls.key", "~/.ssh/config"):
        with pytest.raises(InputError):
            read_files((path,), roots=roots, limits=FileSettings())


def test_a_credential_file_that_may_be_read_may_not_be_written(world: World) -> None:
    world.home.joinpath(".netrc").unlink()
    roots = world.roots(allow=(world.home / ".netrc",))
    with pytest.raises(InputError):
        save_answer("x", "~/.netrc", resolve=roots.resolve_write, call_id="c000000000001")


# --- Any path, any tree ----------------------------------------------------------------------------------------------

NAMES = st.sampled_from(
    ["a", "b", "c.txt", "..", ".", "", "*", "**", "?", "{a,b}", "[ab]", ".env", "~", "proc", "self", "root", "\u2024."]
)
TARGETS = st.lists(st.sampled_from(["..", "a", "b", "c.txt", ".", "outside", "project"]), min_size=1, max_size=6)
PLACES = st.lists(st.sampled_from(["a", "b", "c.txt"]), min_size=1, max_size=3)
TREES = st.lists(st.tuples(PLACES, st.one_of(st.none(), TARGETS, st.tuples(st.just("/"), TARGETS))), max_size=8)


def grow(base: Path, tree: list[tuple[list[str], list[str] | tuple[str, list[str]] | None]]) -> None:
    """Lay out a project with files (None) and links; what does not fit is left out."""
    for name in ("project", "outside"):
        (base / name).mkdir(parents=True)
    for parts, target in tree:
        place = base.joinpath("project", *parts)
        try:
            if not place.parent.resolve().is_relative_to(base):
                continue  # a link made before leads out: nothing is laid out beyond this test's own place
            place.parent.mkdir(parents=True, exist_ok=True)
            if target is None:
                place.write_text(f"inside {place.parent.resolve()}")
            elif isinstance(target, tuple):
                place.symlink_to(base.joinpath(*target[1]))
            else:
                place.symlink_to("/".join(target))
        except (OSError, RuntimeError):  # RuntimeError: links that lead in a circle, before Python 3.13
            continue
    for place in [base / "outside", *base.glob("outside/**/"), base]:
        for name in ("a", "b", "c.txt"):
            if not os.path.lexists(place / name):
                (place / name).write_text(SECRET)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=TREES, path=st.lists(NAMES, min_size=1, max_size=7), absolute=st.booleans())
def test_whatever_is_read_or_written_lies_inside_the_roots(
    tmp_path_factory: pytest.TempPathFactory,
    tree: list[tuple[list[str], list[str] | tuple[str, list[str]] | None]],
    path: list[str],
    *,
    absolute: bool,
) -> None:
    base = tmp_path_factory.mktemp("tree").resolve()
    grow(base, tree)
    roots = Roots((base / "project",), base / "home")
    name = (f"{base}/project/" if absolute else "") + "/".join(path)
    outside = {place: place.lstat().st_mtime_ns for place in base.rglob("*") if "project" not in place.parts}
    try:
        found = read_files((name,), roots=roots, limits=FileSettings())
    except InputError:
        pass
    else:
        assert SECRET not in found.text
        for file in found.manifest:
            real = Path(os.path.realpath(base / "project" / file.path))
            assert real.is_relative_to(base / "project")
    try:
        saved = save_answer("x", name, resolve=roots.resolve_write, call_id="c000000000001")
    except InputError:
        pass
    else:
        assert Path(os.path.realpath(saved.path)).is_relative_to(base / "project")
    assert outside == {place: place.lstat().st_mtime_ns for place in base.rglob("*") if "project" not in place.parts}
