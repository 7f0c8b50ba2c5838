"""What every ledger promises of batches."""

from dataclasses import replace

import pytest

from delegate_mcp.ledger.base import Ledger
from delegate_mcp.ledger.batches import BatchRow
from tests.fakes.ledger_rows import NOON

OURS = BatchRow(batch_id="b1", state="running", created_at=NOON, total=10, owner="here:1", lease_until=NOON + 20.0)
THEIRS = replace(OURS, owner="there:2", lease_until=NOON + 40.0)


async def test_a_batch_reads_as_it_was_told(ledger: Ledger) -> None:
    assert await ledger.batch("b1") is None
    await ledger.begin_batch(OURS)
    assert await ledger.batch("b1") == OURS
    further = replace(OURS, answered=4, failed=1, expected_at=NOON + 50.5, waits_until=NOON + 30, lease_until=NOON + 25)
    assert await ledger.hold_batch(further, NOON + 5)
    assert await ledger.batch("b1") == further


async def test_a_batch_that_is_begun_again_stays_as_it_is(ledger: Ledger) -> None:
    await ledger.begin_batch(OURS)
    await ledger.begin_batch(THEIRS)
    assert await ledger.batch("b1") == OURS


@pytest.mark.parametrize(
    ("at", "dead", "taken"), [(5, "", False), (5, "here:1", True), (5, "x:9", False), (20, "", True)]
)
async def test_a_batch_is_taken_from_nobody_but_the_dead_and_the_silent(
    ledger: Ledger, at: float, dead: str, *, taken: bool
) -> None:
    await ledger.begin_batch(OURS)
    assert await ledger.hold_batch(THEIRS, NOON + at, dead) is taken
    row = await ledger.batch("b1")
    assert row is not None
    assert row.owner == ("there:2" if taken else "here:1")
    if taken:  # and whoever had it learns so
        assert not await ledger.hold_batch(replace(OURS, answered=9), NOON + at)


async def test_a_batch_that_is_over_is_nobodys_to_take(ledger: Ledger) -> None:
    await ledger.begin_batch(OURS)
    over = replace(OURS, state="done", ended_at=NOON + 9, answered=10)
    assert await ledger.hold_batch(over, NOON + 9)
    assert not await ledger.hold_batch(THEIRS, NOON + 100)
    assert await ledger.batch("b1") == over


async def test_an_unknown_batch_cannot_be_held(ledger: Ledger) -> None:
    assert not await ledger.hold_batch(OURS, NOON)


async def test_forgetting_calls_forgets_batches_that_are_over(ledger: Ledger) -> None:
    await ledger.begin_batch(OURS)
    await ledger.begin_batch(replace(OURS, batch_id="b2"))
    await ledger.hold_batch(replace(OURS, state="done"), NOON)
    await ledger.forget_calls(NOON)
    assert await ledger.batch("b1") is None
    assert await ledger.batch("b2") is not None
