"""Old records are removed: rarely, a few at a time."""

from dataclasses import replace

import pytest

from delegate_mcp.domain.errors import LedgerError
from delegate_mcp.ledger.base import PRUNED_AT_ONCE, Ledger
from delegate_mcp.ledger.pruning import DAY_S, PAUSE_S, SETTLED_S, STUCK_S, keep_records_for
from tests.fakes.ledger_rows import GROQ, HERE, MIDNIGHT, NOON, asked, call_end, call_start, ended
from tests.fakes.memory_ledger import MemoryLedger
from tests.ledger.test_batches import OURS

KEPT_S = 400 * DAY_S


async def make(ledger: Ledger, call_id: str, at: float, *, ends: bool = True) -> None:
    await ledger.begin_call(call_start(call_id, at))
    await ledger.reserve(asked(call_id, at=at))
    if ends:
        await ledger.settle(ended(call_id, at=at + 1))
        await ledger.end_call(call_end(call_id, at + 2))


async def left(ledger: Ledger) -> list[str]:
    return [record.call.call_id for record in await ledger.records(0, NOON + 1)]


async def test_what_is_older_goes_with_its_attempts_and_the_rest_stays(ledger: Ledger) -> None:
    await make(ledger, "old", NOON - 10 * DAY_S)
    await make(ledger, "due", NOON - 3.5 * DAY_S)
    await make(ledger, "young", NOON - 2 * DAY_S)
    assert await ledger.prune(NOON - 3 * DAY_S, NOON - 4 * DAY_S) == 2
    assert await left(ledger) == ["young"]
    assert await ledger.attempts("old") == ()
    assert len(await ledger.attempts("young")) == 1
    assert (await ledger.totals(0)).tiers[0].attempts == 1
    use = (await ledger.snapshot(NOON, {"groq": MIDNIGHT - 20 * DAY_S})).use[GROQ]
    assert use.requests_day == 1  # what no day counts any more is not summed up for it either


async def test_nothing_is_removed_before_the_oldest_is_a_day_over(ledger: Ledger) -> None:
    await make(ledger, "due", NOON - 3.5 * DAY_S)
    assert await ledger.prune(NOON - 3 * DAY_S, NOON - 4 * DAY_S) == 0
    assert await left(ledger) == ["due"]


async def test_the_oldest_are_removed_first_and_few_at_once(ledger: Ledger) -> None:
    for number in range(PRUNED_AT_ONCE + 2):
        await ledger.begin_call(call_start(f"c{number}", NOON - 10 * DAY_S + number))
        await ledger.end_call(call_end(f"c{number}", NOON - 9 * DAY_S))
    assert await ledger.prune(NOON, NOON) == PRUNED_AT_ONCE
    assert await left(ledger) == [f"c{PRUNED_AT_ONCE}", f"c{PRUNED_AT_ONCE + 1}"]
    assert await ledger.prune(NOON, NOON) == 2


async def test_a_call_under_way_stays_until_its_server_must_have_died(ledger: Ledger) -> None:
    await make(ledger, "long", NOON - 10 * DAY_S, ends=False)
    assert await ledger.prune(NOON, NOON) == 0
    assert await ledger.prune(NOON - 10 * DAY_S + STUCK_S + 1, NOON - 10 * DAY_S + STUCK_S + 1) == 1
    assert await left(ledger) == []


async def test_batches_that_are_over_go_and_one_that_runs_stays(ledger: Ledger) -> None:
    await make(ledger, "old", NOON - 10 * DAY_S)
    over = replace(OURS, state="done", ended_at=NOON - 9 * DAY_S)
    lately = replace(OURS, batch_id="b3", state="done", ended_at=NOON - DAY_S)
    for row in (over, replace(OURS, batch_id="b2"), lately):
        await ledger.begin_batch(row)
    assert await ledger.prune(NOON - 2 * DAY_S, NOON - 2 * DAY_S) == 1
    assert [name for name in ("b1", "b2", "b3") if await ledger.batch(name)] == ["b2", "b3"]


class Ended(Exception):  # noqa: N818 - the end of the test
    pass


class Nights:
    """Sleeps that return at once, so many of them."""

    def __init__(self, most: int) -> None:
        self.seconds: list[float] = []
        self._most = most

    async def sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)
        if len(self.seconds) == self._most:
            raise Ended


async def test_it_looks_once_a_day_and_goes_on_in_steps_where_there_is_much() -> None:
    ledger = MemoryLedger(lambda: NOON, (HERE,).__contains__)
    for number in range(2 * PRUNED_AT_ONCE + 1):
        await ledger.begin_call(call_start(f"c{number}", NOON - KEPT_S - 2 * DAY_S))
        await ledger.end_call(call_end(f"c{number}", NOON - KEPT_S - 2 * DAY_S))
    await ledger.begin_call(call_start("young", NOON - KEPT_S + 1))
    nights = Nights(5)
    with pytest.raises(Ended):
        await keep_records_for(ledger, KEPT_S, lambda: NOON, nights.sleep)
    assert await left(ledger) == ["young"]
    assert nights.seconds == [SETTLED_S, PAUSE_S, PAUSE_S, DAY_S, DAY_S]


async def test_a_ledger_that_cannot_be_written_is_tried_again_the_next_day(caplog: pytest.LogCaptureFixture) -> None:
    ledger = MemoryLedger(lambda: NOON, (HERE,).__contains__)
    await ledger.aclose()
    with pytest.raises(LedgerError):
        await ledger.prune(NOON, NOON)
    nights = Nights(3)
    with pytest.raises(Ended):
        await keep_records_for(ledger, KEPT_S, lambda: NOON, nights.sleep)
    assert nights.seconds == [SETTLED_S, DAY_S, DAY_S]
    assert "Old records were not removed" in caplog.text
