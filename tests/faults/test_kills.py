"""kill -9 of servers under load, as `make bench` does it two hundred times."""

from pathlib import Path

import pytest

from bench import kills
from bench.busy_host import Told

pytestmark = pytest.mark.faults

# Enough that some servers are killed at work and some while they start.
KILLS = 6


async def test_after_kill_9_under_load_the_ledger_opens_and_agrees_with_what_was_served(tmp_path: Path) -> None:
    seen = await kills.run(tmp_path, kills=KILLS, servers=2, seed=3)
    assert seen.unopened == []
    assert seen.told.errors == []
    assert seen.kills_at_work > 0
    assert seen.lost > 0
    assert seen.told.answers > 0
    assert seen.beyond == 0, seen
    assert seen.overdue == 0, seen


def test_a_lost_record_is_seen() -> None:
    seen = kills.Seen(served=10, received=10, counted=6, told=Told(answers=6), lost=3, rows={"ok": 6, "running": 4})
    assert seen.beyond == 1  # ten served, six counted, and only three were under way at kills


def test_an_answer_that_is_not_in_the_ledger_is_seen() -> None:
    seen = kills.Seen(served=10, received=10, counted=8, told=Told(answers=9), lost=5, rows={"ok": 8, "running": 2})
    assert seen.beyond == 1


def test_a_request_that_was_sent_without_a_reservation_is_seen() -> None:
    seen = kills.Seen(served=9, received=10, counted=9, told=Told(answers=9), lost=5, rows={"ok": 9})
    assert seen.beyond == 1


def test_a_reservation_beyond_its_lease_is_seen() -> None:
    assert kills.Seen(reserved_now=5, reserved_at_most=5).overdue == 0
    assert kills.Seen(reserved_now=5, reserved_at_most=4).overdue == 1
    assert kills.Seen(reserved_after=2).overdue == 2
