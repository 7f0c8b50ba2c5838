"""The kept answers: whole, private, gone when their time is over."""

import math
import os
import stat
import sys
import threading
from dataclasses import replace
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegate_mcp.domain.call_id import is_call_id, new_call_id
from delegate_mcp.domain.errors import LedgerError
from delegate_mcp.ledger.results import ResultStore, StoredCall, keep_for

CALL = StoredCall(
    call_id="c000000000001",
    parent="c000000000000",
    private=True,
    tool="delegate_quick",
    task_type="quick",
    model="groq:openai/gpt-oss-20b",
    prompt="What is it?",
    sent_text="<file>…</file>\n\nWhat is it?",
    answer="It is \ud83d a\u0000b\n" + "long " * 1000,
    saved_at=1_000.0,
    meta={"cost_usd": "0"},
)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "home" / "results"


@pytest.fixture
def store(directory: Path) -> ResultStore:
    return ResultStore(directory)


def test_a_kept_call_is_read_back_as_it_was(store: ResultStore) -> None:
    store.write(CALL)
    assert store.read(CALL.call_id) == CALL


def test_a_call_that_is_written_again_is_replaced(store: ResultStore) -> None:
    store.write(CALL)
    store.write(replace(CALL, answer="new"))
    found = store.read(CALL.call_id)
    assert found is not None
    assert found.answer == "new"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes; directories are private by inheritance")
def test_only_its_owner_can_read_what_is_kept(store: ResultStore, directory: Path) -> None:
    store.write(CALL)
    (file,) = directory.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_an_unknown_call_is_none(store: ResultStore) -> None:
    assert store.read("c999999999999") is None


def test_a_bad_id_never_reaches_a_path(store: ResultStore, directory: Path) -> None:
    directory.mkdir(parents=True)
    (directory.parent / "c000000000001.json").write_text("{}")
    for bad in ("../c000000000001", "", "c1", "c00000000000\uff11", "c000000000001\n", "C000000000001", "/etc/passwd"):
        assert store.read(bad) is None
        with pytest.raises(ValueError, match="no call id"):
            store.write(replace(CALL, call_id=bad))
    assert list(directory.iterdir()) == []


def test_a_broken_file_counts_as_not_kept(store: ResultStore, directory: Path) -> None:
    store.write(CALL)
    for content in ("{", "[]", '{"call_id": "c000000000001"}', "\x00"):
        (directory / "c000000000001.json").write_text(content)
        assert store.read(CALL.call_id) is None


def test_purge_removes_what_is_older_and_nothing_else(store: ResultStore, directory: Path) -> None:
    newer = replace(CALL, call_id="c000000000002", saved_at=2_000.0)
    store.write(CALL)
    store.write(newer)
    assert store.purge(1_500.0) == 1
    assert store.read(CALL.call_id) is None
    assert store.read(newer.call_id) == newer
    draft = directory / ".c000000000003.json.part"
    draft.write_text("left by a process that died")
    os.utime(draft, (3_000.0, 3_000.0))
    assert store.purge(math.inf) == 1
    assert list(directory.iterdir()) == []


def test_purge_of_a_store_that_was_never_used_removes_nothing(store: ResultStore) -> None:
    assert store.purge(math.inf) == 0


def test_a_disk_that_takes_nothing_is_a_ledger_error_without_the_answer(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match="c000000000001 could not be kept") as caught:
        ResultStore(tmp_path / "file" / "results").write(CALL)
    assert "long" not in str(caught.value)


def test_new_ids_are_ids_and_differ() -> None:
    ids = {new_call_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(map(is_call_id, ids))


@given(st.text())
def test_no_text_that_could_leave_a_directory_is_an_id(text: str) -> None:
    if is_call_id(text):
        assert text.isascii()
        assert text.isalnum()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes; directories are private by inheritance")
def test_a_directory_that_others_may_enter_is_closed_to_them(store: ResultStore, directory: Path) -> None:
    directory.mkdir(parents=True, mode=0o755)
    store.write(CALL)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_a_purge_beside_writers_loses_no_answer_that_comes_after_it(store: ResultStore, directory: Path) -> None:
    stop = threading.Event()

    def purge() -> None:
        while not stop.is_set():
            ResultStore(directory).purge(math.inf)

    other = threading.Thread(target=purge)
    other.start()
    try:
        for number in range(200):
            store.write(replace(CALL, call_id=f"c{number:012}"))  # raises where it is lost
    finally:
        stop.set()
        other.join()
    store.write(CALL)
    assert store.read(CALL.call_id) == CALL


async def test_answers_are_removed_as_their_time_ends_while_the_server_runs(store: ResultStore) -> None:
    now, pauses = 1_000.0, list[float]()

    async def sleep(seconds: float) -> None:
        nonlocal now
        pauses.append(seconds)
        if store.read(CALL.call_id) is None:
            scope.cancel()
        now += seconds
        await anyio.lowlevel.checkpoint()

    store.write(CALL)
    with anyio.CancelScope() as scope:
        await keep_for((store,), 86_400.0, lambda: now, sleep)
    assert set(pauses) == {3_600.0}
    assert len(pauses) == 26  # a day after it was saved, at the first look that finds it older
