"""The fence around files, with escapes tried."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from delegate_mcp.config.settings import FileSettings, Settings
from delegate_mcp.domain.errors import InputError
from delegate_mcp.intake.sandbox import Roots

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX files")


class Place:
    """A project, a second root, a home and something outside."""

    def __init__(self, base: Path) -> None:
        self.project = base / "project"
        self.other = base / "other"
        self.home = base / "home"
        self.outside = base / "outside"
        self.state = base / "state"
        for directory in (self.project / "src", self.other, self.home / ".ssh", self.outside, self.state / "results"):
            directory.mkdir(parents=True)
        (self.project / "src" / "a.py").write_text("a")
        (self.other / "b.py").write_text("b")
        (self.outside / "secret.txt").write_text("secret")
        (self.state / "results" / "c000000000001.json").write_text("{}")

    def roots(
        self, *, cwd: Path | None = None, environ: dict[str, str] | None = None, more: tuple[Path, ...] = ()
    ) -> Roots:
        given_settings = Settings(home=self.state, files=FileSettings(roots=(self.other, *more)))
        return Roots.of(given_settings, environ=environ or {}, cwd=cwd or self.project, home=self.home)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_relative_path_is_under_the_first_root_that_has_it(place: Place) -> None:
    roots = place.roots()
    assert roots.resolve_read("src/a.py") == place.project / "src" / "a.py"
    assert roots.resolve_read("b.py") == place.other / "b.py"
    assert roots.resolve_write("b.py") == place.project / "b.py"


def test_an_absolute_path_under_a_root_is_taken_as_it_is(place: Place) -> None:
    assert place.roots().resolve_read(str(place.other / "b.py")) == place.other / "b.py"


def test_the_host_names_the_working_directory(place: Place) -> None:
    roots = place.roots(cwd=place.outside, environ={"CLAUDE_PROJECT_DIR": str(place.project)})
    assert roots.roots == (place.project, place.other)
    gone = place.roots(environ={"CLAUDE_PROJECT_DIR": str(place.project / "gone")})
    assert gone.roots[0] == place.project


def test_home_above_home_and_a_drive_are_no_working_directory(place: Place) -> None:
    for cwd in (place.home, place.home.parent, Path(place.home.anchor)):
        assert place.roots(cwd=cwd).roots == (place.other,)


def test_without_any_root_the_error_says_what_to_set(place: Place) -> None:
    roots = Roots.of(Settings(home=place.state), environ={}, cwd=place.home, home=place.home)
    for resolve in (roots.resolve_read, roots.resolve_write, roots.resolve_directory):
        with pytest.raises(InputError, match=r"files\.roots"):
            resolve("a.py")


@pytest.mark.parametrize("path", ["../outside/secret.txt", "src/../../outside/secret.txt", "../project2/x", "..", "/"])
def test_a_path_that_climbs_out_is_refused_and_the_roots_are_named(place: Place, path: str) -> None:
    for resolve in (place.roots().resolve_read, place.roots().resolve_write):
        with pytest.raises(InputError, match="outside the directories") as caught:
            resolve(path)
        assert str(place.project) in str(caught.value)


def test_a_directory_whose_name_begins_like_a_root_is_outside(place: Place) -> None:
    sibling = place.project.with_name("project-private")
    sibling.mkdir()
    (sibling / "x").write_text("")
    with pytest.raises(InputError, match="outside"):
        place.roots().resolve_read(str(sibling / "x"))


@pytest.mark.parametrize("path", ["", "  ", "a\0b", "a\nb", "\ud800"])
def test_what_is_no_path_is_refused(place: Place, path: str) -> None:
    with pytest.raises(InputError, match="no path"):
        place.roots().resolve_read(path)


@posix_only
def test_links_are_followed_and_judged_by_where_they_lead(place: Place) -> None:
    (place.project / "out.txt").symlink_to(place.outside / "secret.txt")
    (place.project / "outdir").symlink_to(place.outside)
    (place.project / "in.txt").symlink_to(place.project / "src" / "a.py")
    (place.project / "new.txt").symlink_to(place.outside / "new.txt")
    (place.project / "chain.txt").symlink_to("outdir/secret.txt")
    (place.project / "loop").symlink_to("loop")
    roots = place.roots()
    assert roots.resolve_read("in.txt") == place.project / "src" / "a.py"
    for escape in ("out.txt", "outdir/secret.txt", "chain.txt", "outdir/../secret.txt"):
        with pytest.raises(InputError, match="outside"):
            roots.resolve_read(escape)
    for escape in ("new.txt", "outdir/new.txt"):
        with pytest.raises(InputError, match="outside"):
            roots.resolve_write(escape)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux")
def test_proc_and_devices_are_outside_even_where_the_root_is_everything(place: Place) -> None:
    roots = place.roots(more=(Path("/"),))
    for path in ("/proc/self/environ", "/proc/1/cmdline", "/dev/zero", "/sys/kernel/mm", "/dev/stdin"):
        with pytest.raises(InputError, match="outside"):
            roots.resolve_read(path)
    (place.project / "env").symlink_to("/proc/self/environ")
    with pytest.raises(InputError, match="outside"):
        roots.resolve_read("env")
    assert roots.resolve_read("/proc/self/cwd/pyproject.toml") == Path.cwd() / "pyproject.toml"


@pytest.mark.parametrize(
    "path",
    [".env", ".ENV", ".env.local", "prod.env", "deep/.env", "id_rsa", "server.pem", "tls.key", ".netrc", ".npmrc",
     ".ssh/config", "sub/.ssh/known_hosts", ".env.", ".e\u200dnv"],
)  # fmt: skip
def test_credential_files_are_never_read_or_written(place: Place, path: str) -> None:
    with pytest.raises(InputError, match="credentials"):
        place.roots().resolve_read(path)
    with pytest.raises(InputError, match="credentials"):
        place.roots().resolve_write(path)


@pytest.mark.parametrize("path", [".env.example", ".docker/Dockerfile", ".aws/task.json", "keys.py", "env"])
def test_files_that_only_look_like_credentials_can_be_read(place: Place, path: str) -> None:
    assert place.roots().resolve_read(path) == place.project / path


@posix_only
def test_a_link_does_not_lead_to_a_credential_file(place: Place) -> None:
    (place.project / ".env").write_text("KEY=1")
    (place.project / "notes.txt").symlink_to(".env")
    with pytest.raises(InputError, match="credentials"):
        place.roots().resolve_read("notes.txt")


def test_cloud_credentials_of_the_home_directory_are_closed_even_where_it_is_a_root(place: Place) -> None:
    roots = place.roots(more=(place.home,))
    for path in ("~/.aws/credentials", "~/.config/gcloud/x.db", "~/.docker/config.json", "~/.kube/config"):
        with pytest.raises(InputError, match="credentials"):
            roots.resolve_read(path)
    assert roots.resolve_read("~/notes.txt") == place.home / "notes.txt"


def test_dotfiles_of_the_home_directory_are_not_written(place: Place) -> None:
    roots = place.roots(more=(place.home,))
    for path in ("~/.bashrc", "~/.config/autostart/x.desktop"):
        with pytest.raises(InputError, match="settings"):
            roots.resolve_write(path)
    assert roots.resolve_write("~/out.txt") == place.home / "out.txt"
    inside = place.roots(more=(place.home / ".work",))
    assert inside.resolve_write("~/.work/out.txt") == place.home / ".work" / "out.txt"


@pytest.mark.parametrize(
    "path", [".git/hooks/pre-commit", ".git/config", "sub/.git/x", ".GIT/x", ".git", ".g\u200cit/x"]
)
def test_version_control_is_not_written(place: Place, path: str) -> None:
    with pytest.raises(InputError, match="version control"):
        place.roots().resolve_write(path)


def test_ignore_files_beside_version_control_can_be_written(place: Place) -> None:
    assert place.roots().resolve_write(".gitignore") == place.project / ".gitignore"


def test_the_servers_own_state_is_neither_read_nor_written(place: Place) -> None:
    for roots in (place.roots(more=(place.state.parent,)), place.roots(cwd=place.state)):
        path = str(place.state / "results" / "c000000000001.json")
        for resolve in (roots.resolve_read, roots.resolve_write):
            with pytest.raises(InputError, match="belongs to delegate-mcp"):
                resolve(path)


def test_an_edit_directory_must_be_one(place: Place) -> None:
    roots = place.roots()
    assert roots.resolve_directory("src") == place.project / "src"
    assert roots.resolve_directory(".") == place.project
    for path in ("gone", "src/a.py"):
        with pytest.raises(InputError, match="no directory"):
            roots.resolve_directory(path)


def test_paths_are_shown_relative_to_the_working_directory(place: Place) -> None:
    roots = place.roots()
    assert roots.shown(place.project / "src" / "a.py") == "src/a.py"
    assert roots.shown(place.other / "b.py") == (place.other / "b.py").as_posix()


PARTS = st.sampled_from(
    [
        "..",
        ".",
        "",
        "src",
        "a.py",
        "out",
        "in",
        "up",
        "abs",
        "new",
        "~",
        "*",
        ".git",
        "secret.txt",
        "outside",
        "project",
    ]
)


@posix_only
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(PARTS, max_size=8), absolute=st.booleans(), base=st.booleans())
@example(parts=["out", "secret.txt"], absolute=False, base=False)
@example(parts=["in", "up", "outside", "secret.txt"], absolute=False, base=False)
def test_no_path_escapes_the_roots(tmp_path: Path, parts: list[str], *, absolute: bool, base: bool) -> None:
    if not (tmp_path / "project").exists():
        project = Place(tmp_path).project
        (project / "out").symlink_to(tmp_path / "outside")
        (project / "in").symlink_to(project / "src")
        (project / "src" / "up").symlink_to("../..")
        (project / "abs").symlink_to("/")
    roots = Roots((tmp_path / "project", tmp_path / "other"), tmp_path / "home", (tmp_path / "state",))
    path = ("/" if absolute else "") + (f"{tmp_path}/project/" if base else "") + "/".join(parts)
    for resolve in (roots.resolve_read, roots.resolve_write):
        try:
            found = resolve(path)
        except InputError:
            continue
        assert any(found.is_relative_to(root) for root in roots.roots)
        assert Path(os.path.realpath(found)) == found
        if found.exists():
            assert not found.samefile(tmp_path / "outside")
            assert not found.samefile(tmp_path / "outside" / "secret.txt")


def test_nothing_is_written_below_a_file(place: Place) -> None:
    (place.project / "notes.txt").write_text("x")
    with pytest.raises(InputError, match=r"new/a\.txt cannot be written: notes\.txt is no directory"):
        place.roots().resolve_write("notes.txt/new/a.txt")
