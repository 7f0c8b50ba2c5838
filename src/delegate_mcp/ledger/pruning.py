"""Old records are removed: rarely, a few at a time, so that nobody waits for it and nothing need be agreed on.

A record is due once it is older than it is kept, and it is removed a day later with all that are due by then. So the
processes and machines of a ledger do it once a day between them, whoever looks first.
"""

import logging
from collections.abc import Awaitable, Callable

from delegate_mcp.domain.errors import LedgerError
from delegate_mcp.ledger.base import PRUNED_AT_ONCE, Ledger
from delegate_mcp.ledger.days import day_start
from delegate_mcp.ledger.quota import MINUTE_S
from delegate_mcp.ledger.statements import HOUR_S, Statements

DAY_S = 86_400.0
SETTLED_S = 60.0
"""A process that lives shorter than this (a command) leaves it to the others."""
PAUSE_S = 1.0
STUCK_S = 60 * DAY_S
"""A call that is still under way so long after it was due was left by a process that died."""
logger = logging.getLogger(__name__)


def prune(db: Statements, before: float, due_before: float) -> int:
    """Remove the records of some calls that began before, where the oldest is due; how many calls that were."""
    oldest = [row["call_id"] for row in db.send("oldest_calls", _span(before) | {"most": PRUNED_AT_ONCE})]
    if not oldest or not list(db.send("oldest_calls", _span(due_before) | {"most": 1})):
        return 0
    for call_id in oldest:
        db.send("drop_attempts_of", {"call_id": call_id})
        db.send("drop_verdict", {"call_id": call_id})
        db.send("drop_call", {"call_id": call_id})
    db.send("drop_hours", {"hour": int(before // HOUR_S)})
    db.send("drop_batches", {"before": before})
    db.send("drop_standings", {"before": before})
    return len(oldest)


def forget(db: Statements, now: float) -> int:
    """Remove the records of all calls that ended; how many calls that were."""
    db.send("forget_attempts", {"minute_start": now - MINUTE_S, "day_start": day_start(now, "utc")})
    forgotten = len(list(db.send("forget_calls", {})))
    for name in ("words_of_attempts", "words_of_calls", "batches", "verdicts", "standings"):
        db.send(f"forget_{name}", {})
    return forgotten


def _span(before: float) -> dict[str, float]:
    return {"before": before, "stuck_before": before - STUCK_S}


async def keep_records_for(
    ledger: Ledger, seconds: float, now: Callable[[], float], sleep: Callable[[float], Awaitable[None]]
) -> None:
    """Remove what is older, once a day until cancelled."""
    await sleep(SETTLED_S)
    while True:
        before = now() - seconds
        try:
            removed = await ledger.prune(before, before - DAY_S)
            while removed == PRUNED_AT_ONCE:
                await sleep(PAUSE_S)
                removed = await ledger.prune(before, before)
        except LedgerError as error:
            logger.warning("Old records were not removed: %s", error)
        await sleep(DAY_S)
