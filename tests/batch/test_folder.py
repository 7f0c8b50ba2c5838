"""A batch's files: private, never torn, and gone when they should be."""

import os
import stat
from math import inf
from pathlib import Path
from typing import Any

import pytest

from delegate_mcp.batch.done import Done
from delegate_mcp.batch.folder import BatchFolders
from delegate_mcp.batch.ids import item_call_id, new_batch_id
from delegate_mcp.domain.call_id import is_call_id
from tests.batch.scene import Scene, asking, ended, until
from tests.fakes.provider import Silent, answers


def record(index: int, **more: Any) -> dict[str, Any]:
    return {"index": index, "ok": True, "answer": f"answer {index}", "model": "groq:x", **more}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "done.jsonl"


def test_what_was_kept_is_there_again_and_comes_in_the_order_of_the_items(file: Path) -> None:
    done = Done(file, 4)
    for index in (3, 0, 2):
        done.append(record(index))
    done.close()
    again = Done(file, 4)
    assert [again.has(index) for index in range(4)] == [True, False, True, True]
    assert [line.split(b'"answer ')[1][:1] for line in again.ordered()] == [b"0", b"2", b"3"]
    again.close()


def test_the_first_result_of_an_item_stands(file: Path) -> None:
    done = Done(file, 1)
    done.append(record(0))
    done.append(record(0, answer="another"))
    assert done.answered == 1
    assert file.read_text().count("\n") == 1
    done.close()


@pytest.mark.parametrize(
    "torn", ['{"index": 1, "ok": true, "ans', '{"index": 1, "ok": true}x\n', '{"index": 99, "ok": 1}\n']
)
def test_a_line_that_a_killed_server_could_not_end_is_dropped_and_written_anew(file: Path, torn: str) -> None:
    done = Done(file, 2)
    done.append(record(0))
    done.close()
    with file.open("a") as broken:
        broken.write(torn)
    again = Done(file, 2)
    assert not again.has(1)
    again.append(record(1))
    assert len(list(again.ordered())) == 2
    again.close()
    assert file.read_text().count("\n") == 2


def test_reasons_are_counted_also_after_a_restart(file: Path) -> None:
    done = Done(file, 3)
    done.append(record(0, ok=False, error="bad answer (groq:x: no JSON)"))
    done.append(record(2, ok=False, error="bad answer (groq:y: cut)"))
    done.close()
    again = Done(file, 3)
    assert again.failed == 2
    assert [(reason, found.count, found.first) for reason, found in again.failures.items()] == [("bad answer", 2, 0)]
    again.close()


def test_ids_of_items_are_call_ids_and_follow_from_the_batch() -> None:
    batch = new_batch_id()
    ids = {item_call_id(batch, index, number) for index in range(500) for number in (1, 2)}
    assert len(ids) == 1000
    assert all(map(is_call_id, ids))
    assert item_call_id(batch, 7, 1) == item_call_id(batch, 7, 1)


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
async def test_nobody_else_may_read_a_batch(tmp_path: Path) -> None:
    here = Scene(folder=tmp_path, handlers={"groq": [answers("yes"), Silent()]})
    async with here.server() as batches:
        call = await batches.begin(asking("Say {item}", items=["secret words", "more"]))
        folder = batches.folders.folder(call.call_id)
        await until(lambda: folder.so_far.exists() and folder.so_far.stat().st_size)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.path.iterdir()}
        assert set(modes) == {"items.jsonl", "batch.json", "done.jsonl"}
        assert set(modes.values()) == {0o600}
        assert {stat.S_IMODE(place.stat().st_mode) for place in (folder.path, folder.path.parent)} == {0o700}


async def test_when_a_batch_is_over_its_items_are_gone_and_its_results_stay_for_a_while(tmp_path: Path) -> None:
    here = Scene(folder=tmp_path, handlers={"groq": [answers("yes")]})
    async with here.server() as batches:
        call = await batches.begin(asking("Say {item}", items=["a"]))
        await ended(call)
        folder = batches.folders.folder(call.call_id)
    assert {path.name for path in folder.path.iterdir()} == {"batch.json", "results.jsonl", "outcome.json"}
    assert batches.folders.purge(older_than=folder.path.stat().st_mtime - 1) == 0
    assert batches.folders.purge(older_than=inf) == 1
    assert not folder.path.exists()


async def test_a_batch_that_runs_is_not_purged(tmp_path: Path) -> None:
    here = Scene(folder=tmp_path, handlers={"groq": [Silent()]})
    async with here.server() as batches:
        call = await batches.begin(asking("Say {item}", items=["a"]))
        assert batches.folders.purge(inf) == 0
        assert batches.folders.unfinished() == [call.call_id]


def test_no_home_has_no_batches(tmp_path: Path) -> None:
    folders = BatchFolders(tmp_path / "none")
    assert folders.unfinished() == []
    assert folders.purge(inf) == 0
    with pytest.raises(ValueError, match="no batch id"):
        folders.folder("../x")
