"""A host's own roots decide which files a call may touch, where its protocol has them."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client
from mcp_types import ErrorData, ListRootsResult, Root, RootsListChangedNotification
from pydantic import FileUrl

from delegate_mcp.config.settings import FileSettings, Settings
from delegate_mcp.host_roots import HostRoots
from delegate_mcp.intake.sandbox import Roots
from tests.fakes.person import become, connected, text_of
from tests.fakes.services import Services, services


@pytest.fixture
async def world() -> AsyncGenerator[Services]:
    async with services() as running:
        yield running


class Host:
    """A host that names directories, and counts how often it was asked."""

    def __init__(self, *roots: Path) -> None:
        self.roots = roots
        self.asked = 0

    async def list_roots(self, _: Any) -> ListRootsResult | ErrorData:
        self.asked += 1
        return ListRootsResult(roots=[Root(uri=FileUrl(root.as_uri())) for root in self.roots])


async def reads(client: Client, file: Path) -> bool:
    text = text_of(await client.call_tool("delegate_quick", {"prompt": "What is it?", "files": [str(file)]}))
    assert text.startswith("the answer") or "lies outside" in text
    return text.startswith("the answer")


@pytest.fixture
def open_directory(tmp_path: Path) -> Path:
    directory = tmp_path / "open in the host"
    directory.mkdir()
    (directory / "a.txt").write_text("a")
    return directory


async def test_the_hosts_roots_stand_in_for_the_working_directory_and_are_asked_for_once(
    world: Services, tmp_path: Path, open_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = become(tmp_path, monkeypatch, **world.groq_env)
    (project / "b.txt").write_text("b")
    host = Host(open_directory)
    async with connected(mode="legacy", list_roots_callback=host.list_roots) as client:
        assert await reads(client, open_directory / "a.txt")
        assert not await reads(client, project / "b.txt")
        saved = await client.call_tool("delegate_quick", {"prompt": "Hello", "save_to": "new.txt"})
    assert text_of(saved).startswith("Saved new.txt")
    assert (open_directory / "new.txt").read_text() == "the answer\n"
    assert host.asked == 1


async def test_roots_that_change_are_asked_for_anew(
    world: Services, tmp_path: Path, open_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = become(tmp_path, monkeypatch, **world.groq_env)
    (project / "b.txt").write_text("b")
    host = Host(open_directory)
    async with connected(mode="legacy", list_roots_callback=host.list_roots) as client:
        assert await reads(client, open_directory / "a.txt")
        host.roots = (project,)
        await client.session.send_notification(RootsListChangedNotification())
        assert await reads(client, project / "b.txt")
        assert not await reads(client, open_directory / "a.txt")
    assert host.asked == 2


@pytest.mark.parametrize("roots", [(), (Path("/"),), (Path("/gone"),)], ids=["none", "everything", "not there"])
async def test_a_host_that_names_nothing_usable_leaves_the_working_directory(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, roots: tuple[Path, ...]
) -> None:
    project = become(tmp_path, monkeypatch, **world.groq_env)
    (project / "b.txt").write_text("b")
    (tmp_path / "c.txt").write_text("c")
    async with connected(mode="legacy", list_roots_callback=Host(*roots).list_roots) as client:
        assert await reads(client, project / "b.txt")
        assert not await reads(client, tmp_path / "c.txt")


async def test_an_era_without_roots_and_a_host_without_them_use_the_working_directory(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = become(tmp_path, monkeypatch, **world.groq_env)
    (project / "b.txt").write_text("b")
    host = Host(tmp_path / "elsewhere")
    async with connected(list_roots_callback=host.list_roots) as client:
        assert await reads(client, project / "b.txt")
    async with connected(mode="legacy") as client:
        assert await reads(client, project / "b.txt")
    assert host.asked == 0


def test_a_host_from_the_network_can_narrow_the_fence_and_not_widen_it(tmp_path: Path) -> None:
    project, outside = tmp_path / "project", tmp_path / "outside"
    for place in (project / "src", outside):
        place.mkdir(parents=True)
    fence = Roots.of(Settings(home=tmp_path / "state"), environ={}, cwd=project, home=tmp_path / "home")
    assert fence.given_by((project / "src",), trusted=False).roots == (project / "src",)
    assert fence.given_by((outside,), trusted=False).roots == (project,)
    assert fence.given_by((tmp_path, outside), trusted=False).roots == (project,)
    assert fence.given_by((outside,), trusted=True).roots == (outside,)


def test_directories_of_the_settings_stay_beside_the_hosts(tmp_path: Path) -> None:
    for name in ("project", "more", "open"):
        (tmp_path / name).mkdir()
    own = Settings(home=tmp_path / "state", files=FileSettings(roots=(tmp_path / "more",)))
    fence = Roots.of(own, environ={}, cwd=tmp_path / "project", home=tmp_path / "home")
    assert fence.given_by((tmp_path / "open",), trusted=True).roots == (tmp_path / "open", tmp_path / "more")


async def test_only_directories_of_this_machine_are_taken() -> None:
    async def ask() -> list[str]:
        return ["https://a.example/x", "file://server/share", "file:///a%20b", "file://localhost/c", "nonsense"]

    assert [path.as_posix() for path in await HostRoots().of("one", ask)] == ["/a b", "/c"]


async def test_calls_that_come_together_ask_once_and_an_outdated_answer_is_not_kept() -> None:
    roots, asked, answer = HostRoots(), 0, anyio.Event()

    async def ask() -> list[str]:
        nonlocal asked
        asked += 1
        await answer.wait()
        return [f"file:///{asked}"]

    async def look(found: list[tuple[Path, ...]]) -> None:
        found.append(await roots.of("one", ask))

    found: list[tuple[Path, ...]] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(look, found)
        tasks.start_soon(look, found)
        await anyio.wait_all_tasks_blocked()
        assert asked == 1
        roots.forget("one")
        answer.set()
    assert found == [(Path("/1"),), (Path("/1"),)]
    assert await roots.of("one", ask) == (Path("/2"),)
