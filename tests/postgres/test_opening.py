"""Databases that cannot be used, and words about it that help and hide the password."""

import asyncio
import subprocess
import sys
from dataclasses import replace

import pytest

from delegate_mcp.domain.errors import LedgerError
from delegate_mcp.ledger.postgres import PostgresLedger
from tests.fakes.ledger_rows import NOON, call_end, call_start
from tests.fakes.postgres_server import PostgresServer

pytestmark = pytest.mark.postgres

SECRET = "hunter2-and-more"


@pytest.mark.parametrize(
    "dsn",
    [
        f"postgresql://me:{SECRET}%ss@/ledger",
        f"postgresql://me:{SECRET}@host:notaport/ledger?nonsense=1",
        f"me {SECRET}",
    ],
)
async def test_what_is_no_address_is_told_without_its_password(dsn: str) -> None:
    with pytest.raises(LedgerError, match="is no address of a PostgreSQL database") as told:
        await PostgresLedger.open(dsn)
    assert SECRET not in repr(told.value)
    assert told.value.__cause__ is None


async def test_a_database_that_is_not_there_is_told_at_once_without_the_password(server: PostgresServer) -> None:
    dsn = server.dsn("nowhere").replace("delegate@", f"delegate:{SECRET}@")
    with pytest.raises(LedgerError, match=r"/nowhere could not be used: .*\"nowhere\" does not exist") as told:
        await PostgresLedger.open(dsn, patience_s=600)
    assert SECRET not in str(told.value)


async def test_a_host_that_does_not_answer_is_told_with_its_name(server: PostgresServer) -> None:
    with pytest.raises(
        LedgerError, match=r"postgresql://127\.0\.0\.1:1/team could not be used: .*could not be reached"
    ):
        await PostgresLedger.open(f"postgresql://me:{SECRET}@127.0.0.1:1/team")


async def test_tables_of_a_newer_version_are_left_alone(server: PostgresServer, dsn: str) -> None:
    await (await PostgresLedger.open(dsn)).aclose()
    with server.connected(dsn) as other:
        other.execute("INSERT INTO delegate_mcp.migrations (number, name) VALUES (1000, 'of tomorrow')")
        other.commit()
    with pytest.raises(LedgerError, match=r"format 1000 by a newer delegate-mcp.*Nothing was changed"):
        await PostgresLedger.open(dsn)


async def test_servers_that_open_an_empty_database_at_once_make_its_tables_once(dsn: str) -> None:
    ledgers = await asyncio.gather(*(PostgresLedger.open(dsn) for _ in range(5)))
    await ledgers[0].begin_call(call_start("a"))
    assert await ledgers[4].call("a") is not None
    for ledger in ledgers:
        await ledger.aclose()


async def test_a_user_who_may_not_make_the_tables_is_told_what_to_grant(server: PostgresServer, dsn: str) -> None:
    server.execute("postgres", "CREATE ROLE guest LOGIN")
    with pytest.raises(LedgerError, match=r"access was denied.*GRANT CREATE ON DATABASE"):
        await PostgresLedger.open(dsn.replace("delegate@", "guest@"))


async def test_a_user_who_may_only_read_and_write_the_tables_can_use_them(server: PostgresServer, dsn: str) -> None:
    await (await PostgresLedger.open(dsn)).aclose()
    with server.connected(dsn) as owner:
        owner.execute("CREATE ROLE writer LOGIN")
        owner.execute("GRANT USAGE ON SCHEMA delegate_mcp TO writer")
        owner.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA delegate_mcp TO writer")
        owner.commit()
    ledger = await PostgresLedger.open(dsn.replace("delegate@", "writer@"))
    await ledger.begin_call(call_start("a"))
    assert await ledger.call("a") is not None
    await ledger.aclose()


async def test_text_that_postgresql_cannot_hold_is_kept_as_far_as_it_can(dsn: str) -> None:
    ledger = await PostgresLedger.open(dsn, lambda: NOON)
    await ledger.begin_call(replace(call_start("a"), reason="nul \0, half \ud83d, whole \N{GRINNING FACE}"))
    await ledger.end_call(call_end("a", state="failed", error="nul \0, half \ud83d, whole \N{GRINNING FACE}"))
    call = await ledger.call("a")
    assert call is not None
    assert call.error == "nul \N{REPLACEMENT CHARACTER}, half ?, whole \N{GRINNING FACE}"
    await ledger.aclose()


def test_without_psycopg_it_is_said_what_to_install() -> None:
    code = "import sys; sys.modules['psycopg'] = None; import delegate_mcp.ledger.postgres"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "LedgerError: DELEGATE_MCP_LEDGER names" in ran.stderr
    assert "pip install 'delegate-mcp[postgres]'" in ran.stderr
