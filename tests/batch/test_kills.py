"""kill -9 of a real server in the midst of a batch, as `make bench` does it with ten thousand items."""

from pathlib import Path

import pytest

from bench import batch

ITEMS, KILLS, AT_ONCE = 160, 3, 16


@pytest.mark.faults
async def test_a_batch_whose_server_is_killed_three_times_is_whole_and_nothing_kept_is_done_twice(
    tmp_path: Path,
) -> None:
    seen = await batch.run(tmp_path, items=ITEMS, kills=KILLS)
    assert len(seen.kept) == KILLS
    assert all(0 < len(kept) < ITEMS for _, kept in seen.kept)
    assert seen.again == 0
    assert seen.missing == 0
    assert 0 <= seen.beyond <= KILLS * AT_ONCE
    assert f"{ITEMS} of {ITEMS} items answered." in seen.last_reply


def test_an_item_that_is_asked_for_again_is_seen() -> None:
    seen = batch.Seen(items=2, requests=[0, 1, 0], kept=[(2, frozenset({0}))])
    assert seen.again == 1
    assert seen.beyond == 1


def test_an_item_that_is_missing_or_elsewhere_is_seen() -> None:
    rows = [{"index": 0, "ok": True}, {"index": 2, "ok": True}]
    assert batch.Seen(items=3, rows=rows).missing == 2
