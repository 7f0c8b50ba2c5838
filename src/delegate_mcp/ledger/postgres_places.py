"""Places over PostgreSQL: what concerns a provider is done by one transaction at a time.

It holds the provider's lock from before it looks until what it wrote can be seen.
"""

import zlib
from collections.abc import Mapping

from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.ledger import places, reading
from delegate_mcp.ledger.base import Refusal, Reserve, Settle
from delegate_mcp.ledger.days import day_start
from delegate_mcp.ledger.postgres_statements import Transaction
from delegate_mcp.ledger.snapshot import LedgerSnapshot
from delegate_mcp.ledger.statements import HOUR_S

_PROVIDERS, _MONEY = 1684825971, 1684825972
"""The two families of advisory locks: one lock a provider, one for what paid models cost."""


def reserve(tx: Transaction, ask: Reserve) -> Refusal | None:
    """Take a place in every window, or none; a refused call with a ticket stands in line."""
    if ask.daily_usd is not None:
        tx.send("lock", {"family": _MONEY, "key": 0})  # before the provider's, always: no two can wait for each other
    _lock(tx, ask.model_id)
    key = {"call_id": ask.call_id, "number": ask.number}
    if tx.again and tx.send("find_attempt", key).fetchone() is not None:
        return None  # it was taken, only its answer was lost
    return places.reserve(tx, ask)


def settle(tx: Transaction, end: Settle) -> None:
    """Put what was used in the place of what was reserved, and keep what the answer tells. The first end stands."""
    _lock(tx, end.attempt.model_id)
    places.settle(tx, end)


def snapshot(tx: Transaction, now: float, day_starts: Mapping[str, float]) -> LedgerSnapshot:
    """What the planner and the budget see; a provider that `day_starts` does not name has its day from midnight UTC."""
    utc = day_start(now, "utc")
    days = {
        "providers": list(day_starts),
        "starts": list(day_starts.values()),
        "utc_start": utc,
        "first_hour": int(min((utc, *day_starts.values())) // HOUR_S),
    }
    return reading.snapshot(tx, now, tx.send("use_in_day", days))


def _lock(tx: Transaction, model_id: ModelId) -> None:
    key = zlib.crc32(model_id.provider.encode()) - 2**31  # PostgreSQL's integers have a sign
    tx.send("lock", {"family": _PROVIDERS, "key": key})
