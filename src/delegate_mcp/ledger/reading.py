"""What the planner and the budget see, read in one transaction of a database."""

from collections.abc import Iterable

from delegate_mcp.domain.times import CLOCKS_DIFFER_S
from delegate_mcp.ledger.health import GONE_S, cooldown_as_of, gone_as_of
from delegate_mcp.ledger.quota import MINUTE_S
from delegate_mcp.ledger.rows import (
    Row,
    breaker_of,
    cooldown_of,
    learned_of,
    model_id_of,
    off_of,
    tombstone_of,
    use_of,
)
from delegate_mcp.ledger.snapshot import LedgerSnapshot
from delegate_mcp.ledger.statements import HOUR_S, Statements


def snapshot(db: Statements, now: float, used_in_day: Iterable[Row]) -> LedgerSnapshot:
    """Use, limits, cooldowns and who waits; `used_in_day` are rows that add up to each provider's day."""
    minute = now - MINUTE_S
    minute_times = {"minute_start": minute, "minute_hour": int(minute // HOUR_S), "ahead": now + CLOCKS_DIFFER_S}
    times = {"now": now, **minute_times, "gone_since": now - GONE_S}
    used = db.send("use_in_minute", times), db.send("reserved", times)
    limits, cooldowns, breakers = db.send("limits", {}), db.send("cooldowns", times), db.send("open_breakers", {})
    off, gone, waiting = db.send("providers_off", {}), db.send("gone", times), db.send("waiting", times)
    return LedgerSnapshot(
        taken_at=now,
        use=use_of(*used, used_in_day),
        limits=tuple(learned_of(row) for row in limits),
        cooldowns=tuple(cold for row in cooldowns if (cold := cooldown_as_of(cooldown_of(row), now))),
        breakers=tuple(breaker_of(row, now) for row in breakers),
        off=tuple(off_of(row) for row in off),
        gone=tuple(grave for row in gone if (grave := gone_as_of(tombstone_of(row), now))),
        waiting={model_id_of(row): row["calls"] for row in waiting},
    )
