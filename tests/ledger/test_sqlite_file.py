"""The SQLite ledger's file: private, never lost, mended where it is broken."""

import logging
import sqlite3
import stat
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from delegate_mcp.domain.errors import LedgerError
from delegate_mcp.ledger.sqlite import SqliteLedger
from delegate_mcp.ledger.sqlite_errors import explained
from tests.fakes.ledger_rows import MIDNIGHT, NOON, asked, call_end, call_start, ended

Opener = Callable[..., Awaitable[SqliteLedger]]

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="POSIX file modes and layers")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "ledger.db"


@pytest.fixture
async def open_it(path: Path) -> AsyncIterator[Opener]:
    opened: list[SqliteLedger] = []

    async def opener(*, busy_s: float = 5.0, vfs: str | None = None) -> SqliteLedger:
        opened.append(await SqliteLedger.open(path, lambda: NOON, alive=lambda _: True, busy_s=busy_s, vfs=vfs))
        return opened[-1]

    yield opener
    for ledger in opened:
        await ledger.aclose()


async def filled(ledger: SqliteLedger, calls: int) -> None:
    for number in range(calls):
        await ledger.begin_call(call_start(f"c{number}"))
        await ledger.settle(ended(f"c{number}"))


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)


def content_of(path: Path) -> bytes:
    return path.read_bytes()


def size(path: Path) -> int:
    return path.stat().st_size


def asides(path: Path) -> list[str]:
    return sorted(found.name for found in path.parent.glob("ledger.db.broken-*"))


async def test_what_was_written_is_there_after_a_restart(open_it: Opener) -> None:
    first = await open_it()
    await filled(first, 3)
    await first.aclose()
    again = await open_it()
    assert (await again.totals(0)).calls == 3
    assert again.notices() == ()


@posix_only
async def test_only_its_owner_may_read_the_ledger(open_it: Opener, path: Path) -> None:
    await filled(await open_it(), 1)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    modes = {found.name: stat.S_IMODE(found.stat().st_mode) for found in path.parent.iterdir()}
    assert modes == {"ledger.db": 0o600, "ledger.db-wal": 0o600, "ledger.db-shm": 0o600}


async def test_a_file_that_is_no_database_is_moved_aside_told_and_replaced(
    open_it: Opener, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put(path, b"not a database" * 1000)
    with caplog.at_level(logging.WARNING):
        ledger = await open_it()
    await filled(ledger, 1)
    assert asides(path) == ["ledger.db.broken-20261121-120000"]
    assert content_of(path.with_name(asides(path)[0])) == b"not a database" * 1000
    (notice,) = ledger.notices()
    assert "ledger.db.broken-20261121-120000" in notice
    assert notice in caplog.text
    assert (await ledger.totals(0)).calls == 1
    assert not path.with_name("ledger.db.mending").exists()


@posix_only
async def test_a_broken_file_that_others_hold_is_moved_with_its_log(open_it: Opener, path: Path) -> None:
    await filled(await open_it(), 1)
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        put(path, b"not a database" * 1000)
        await filled(await open_it(), 1)
    aside = "ledger.db.broken-20261121-120000"
    assert asides(path) == [aside, f"{aside}-shm", f"{aside}-wal"]


async def test_a_second_broken_file_of_the_same_second_overwrites_nothing(open_it: Opener, path: Path) -> None:
    for content in (b"first" * 500, b"second" * 500):
        put(path, content)
        await (await open_it()).aclose()
    assert [content_of(path.with_name(name))[:5] for name in asides(path)] == [b"first", b"secon"]


async def test_damage_found_in_the_midst_of_work_is_mended_and_the_work_is_done(open_it: Opener, path: Path) -> None:
    before = await open_it()
    await filled(before, 200)
    await before.aclose()
    content = content_of(path)
    content = content[:4096] + b"\xa5" * (len(content) - 4096)
    put(path, content)
    ledger = await open_it()
    await ledger.begin_call(call_start("after"))
    await ledger.end_call(call_end("after"))
    assert len(ledger.notices()) == 1
    assert [call.call_id for call in await ledger.recent_calls(9)] == ["after"]
    assert len(asides(path)) == 1


async def test_one_server_moves_a_damaged_file_aside_and_the_other_follows_to_the_fresh_one(
    open_it: Opener, path: Path
) -> None:
    if sys.platform == "win32":
        pytest.skip("Windows moves no file that another process holds")
    first, second = await open_it(), await open_it()
    await filled(first, 1)
    for suffix in ("", "-wal", "-shm"):
        path.with_name(f"ledger.db{suffix}").rename(path.with_name(f"away{suffix}"))
    await first.begin_call(call_start("x"))
    await second.begin_call(call_start("y"))
    assert {call.call_id for call in await first.recent_calls(9)} == {"x", "y"}


@posix_only
async def test_a_ledger_that_was_deleted_under_a_running_server_is_begun_anew(open_it: Opener, path: Path) -> None:
    ledger = await open_it()
    await filled(ledger, 2)
    for found in path.parent.iterdir():
        found.unlink()
    path.parent.rmdir()
    await ledger.reserve(asked("c1", 2))
    await ledger.settle(ended("c1", 2))
    await ledger.end_call(call_end("c1"))
    assert (await ledger.totals(MIDNIGHT)).tiers[0].attempts == 1


async def test_a_ledger_of_a_newer_version_is_refused_and_left_alone(open_it: Opener, path: Path) -> None:
    await (await open_it()).aclose()
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version = 99")
        newer.execute("ALTER TABLE calls RENAME TO conversations")
        newer.commit()
    content = content_of(path)
    with pytest.raises(LedgerError, match=r"newer delegate-mcp .*99.*Nothing was changed"):
        await open_it()
    assert content_of(path) == content
    assert asides(path) == []


async def test_a_database_of_another_program_is_refused_and_left_alone(open_it: Opener, path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE recipes (name TEXT)")
        other.commit()
    content = content_of(path)
    with pytest.raises(LedgerError, match="another program"):
        await open_it()
    assert content_of(path) == content


async def test_a_place_where_no_file_can_be_says_what_to_do(open_it: Opener, path: Path) -> None:
    path.parent.write_text("a file where the directory should be")
    with pytest.raises(LedgerError, match="DELEGATE_MCP_HOME"):
        await open_it()


async def test_a_file_that_another_process_holds_is_an_error_that_says_so_and_passes(
    open_it: Opener, path: Path
) -> None:
    ledger = await open_it(busy_s=0.0)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerError, match="another process holds it"):
            await ledger.begin_call(call_start("a"))
        assert await ledger.call("a") is None  # reading waits for no one
        other.execute("ROLLBACK")
    await ledger.begin_call(call_start("a"))
    assert await ledger.call("a") is not None


async def test_a_waiting_write_blocks_nobody_and_is_done_though_its_caller_gave_up(open_it: Opener, path: Path) -> None:
    ledger = await open_it(busy_s=30.0)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        async with anyio.create_task_group() as group:
            group.start_soon(ledger.begin_call, call_start("a"))
            await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
        other.execute("ROLLBACK")
    assert await ledger.call("a") is not None


async def test_the_log_is_moved_into_the_file_beside_the_writes(open_it: Opener, path: Path) -> None:
    ledger = await open_it()
    before = size(path)
    await filled(ledger, 150)
    ledger._file._checkpoints.finish()  # pyright: ignore[reportPrivateUsage] - nothing outside tells when it is done
    assert size(path) > before
    assert (await ledger.totals(0)).calls == 150


@posix_only
async def test_a_file_system_without_shared_memory_works_and_is_told(open_it: Opener, path: Path) -> None:
    ledger = await open_it(vfs="unix-dotfile")
    await filled(ledger, 2)
    assert (await ledger.totals(0)).calls == 2
    (notice,) = ledger.notices()
    assert "without shared memory" in notice
    assert not path.with_name("ledger.db-wal").exists()


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "small.db")) as small:
        small.execute("CREATE TABLE t (x)")
        small.execute("PRAGMA max_page_count = 2")
        with pytest.raises(sqlite3.Error) as caught:
            small.execute("INSERT INTO t VALUES (randomblob(100000))")
    message = str(explained(caught.value, tmp_path / "ledger.db"))
    assert "the disk is full" in message
    assert "What it held before is kept" in message


def test_an_error_without_a_row_is_told_in_sqlites_words(tmp_path: Path) -> None:
    message = str(explained(sqlite3.ProgrammingError("odd"), tmp_path / "ledger.db"))
    assert "SQLite says: odd" in message
