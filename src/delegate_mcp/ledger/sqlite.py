"""The ledger in one SQLite file, for all server processes of a user.

Every method is one transaction, run in the order of the calls on a thread of the ledger's own, so the event loop never
waits for a disk. Once handed over, a write is done even if the task that waits for it is cancelled. Runs on asyncio.
"""

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Self, TypeVar

from delegate_mcp.domain.errors import ErrorKind, LedgerError
from delegate_mcp.domain.outcome import Attempt
from delegate_mcp.ledger.base import (
    AttemptEnd,
    AttemptStart,
    CallEnd,
    CallRow,
    CallStart,
    LedgerSnapshot,
    Totals,
)
from delegate_mcp.ledger.days import day_start
from delegate_mcp.ledger.quota import MINUTE_S
from delegate_mcp.ledger.sqlite_file import LedgerFile
from delegate_mcp.ledger.sqlite_rows import (
    attempt_fields,
    attempt_of,
    call_of,
    cooldown_of,
    learned_of,
    nano_usd,
    totals_of,
    usage_fields,
    use_of,
)
from delegate_mcp.platforms import pid_alive

T = TypeVar("T")

HOUR_S = 3600
UNLEASED_S = 3600.0
"""So long a call without a lease may be under way (planning, waiting for room) while its process lives."""
SERVER_ENDED = "its server ended"


def _named_statements() -> dict[str, str]:
    text = files("delegate_mcp.ledger").joinpath("sqlite.sql").read_text(encoding="utf-8")
    parts = (part.partition("\n") for part in text.split("-- name: ")[1:])
    return {name.strip(): body for name, _, body in parts}


SQL = _named_statements()


class SqliteLedger:
    """`Ledger` over one file. Made by `open`."""

    def __init__(
        self, file: LedgerFile, thread: ThreadPoolExecutor, clock: Callable[[], float], alive: Callable[[int], bool]
    ) -> None:
        self._file = file
        self._thread = thread
        self._clock = clock
        self._alive = alive

    @classmethod
    async def open(
        cls,
        path: Path,
        clock: Callable[[], float] = time.time,
        *,
        alive: Callable[[int], bool] = pid_alive,
        busy_s: float = 5.0,
        vfs: str | None = None,
    ) -> Self:
        """Open the file, made and brought to this version where needed; a broken one is moved aside.

        `alive` tells whether a process runs; `busy_s` is how long another process may hold the file; `vfs` is the
        SQLite file layer, the platform's own by default.
        """
        thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        try:
            file = await asyncio.wrap_future(thread.submit(LedgerFile, path, clock, busy_s, vfs))
        except BaseException:
            thread.shutdown(wait=False)
            raise
        return cls(file, thread, clock, alive)

    async def begin_call(self, call: CallStart) -> None:
        """Record a call as running."""
        await self._write(lambda db: db.execute(SQL["begin_call"], asdict(call)))

    async def begin_attempt(self, attempt: AttemptStart) -> None:
        """Record an attempt as under way and reserve one request and its tokens."""
        await self._write(lambda db: _begin_attempt(db, attempt))

    async def end_attempt(self, end: AttemptEnd) -> None:
        """Settle an attempt to what it used, with the limits and the cooldown that came of it. The first end stands."""
        await self._write(lambda db: _end_attempt(db, end))

    async def end_call(self, end: CallEnd) -> None:
        """Record how a call ended. The first end stands."""
        await self._write(lambda db: _end_call(db, end))

    async def call(self, call_id: str) -> CallRow | None:
        """One call, or None. A running call whose server is gone reads as failed."""
        row = await self._read(lambda db: db.execute(SQL["call"], {"call_id": call_id}).fetchone())
        return None if row is None else self._as_it_is(row)

    async def attempts(self, call_id: str) -> tuple[Attempt, ...]:
        """The attempts of a call that ended, in order."""
        rows = await self._read(lambda db: db.execute(SQL["attempts"], {"call_id": call_id}).fetchall())
        return tuple(attempt_of(row) for row in rows)

    async def recent_calls(self, limit: int) -> tuple[CallRow, ...]:
        """The newest calls first."""
        rows = await self._read(lambda db: db.execute(SQL["recent_calls"], {"limit": limit}).fetchall())
        return tuple(self._as_it_is(row) for row in rows)

    async def snapshot(self, now: float, day_starts: Mapping[str, float]) -> LedgerSnapshot:
        """Use, limits and cooldowns; a provider that `day_starts` does not name has its day from midnight UTC."""
        return await self._read(lambda db: _snapshot(db, now, day_starts))

    async def totals(self, since: float, connection: str | None = None) -> Totals:
        """Sums over the calls that began at or after `since`, of one connection where named."""
        return await self._read(lambda db: _totals(db, since, connection))

    async def aclose(self) -> None:
        """Finish what is being written and close."""
        try:
            closed = self._thread.submit(self._file.close)
        except RuntimeError:  # closed before
            return
        self._thread.shutdown(wait=False)
        await asyncio.shield(asyncio.wrap_future(closed))

    def notices(self) -> Sequence[str]:
        """What a person must know about this ledger; empty otherwise."""
        return tuple(self._file.notices)

    async def _write(self, work: Callable[[sqlite3.Connection], object]) -> None:
        await self._on_thread(lambda: self._file.write(work))

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await self._on_thread(lambda: self._file.read(work))

    async def _on_thread(self, job: Callable[[], T]) -> T:
        try:
            future = self._thread.submit(job)
        except RuntimeError as error:
            raise LedgerError("The ledger is closed: the server is shutting down. This entry is not in it.") from error
        return await asyncio.shield(asyncio.wrap_future(future))

    def _as_it_is(self, row: sqlite3.Row) -> CallRow:
        call = call_of(row)
        if call.state != "running":
            return call
        lease = max(row["lease_until"] or 0.0, call.started_at + UNLEASED_S)
        if self._alive(call.pid) and self._clock() < lease:  # a process id may be given anew, a lease can not
            return call
        return replace(call, state="failed", error=SERVER_ENDED)


def _begin_attempt(db: sqlite3.Connection, attempt: AttemptStart) -> None:
    _ensure_call(db, attempt.call_id, attempt.started_at)
    db.execute(SQL["begin_attempt"], {**asdict(attempt), **_model(attempt)})


def _end_attempt(db: sqlite3.Connection, end: AttemptEnd) -> None:
    attempt, key = end.attempt, {"call_id": end.call_id, "number": end.attempt.number}
    found = db.execute(SQL["find_attempt"], key).fetchone()
    if found is None:
        began = end.ended_at - attempt.latency_ms / 1000
        start = AttemptStart(
            call_id=end.call_id,
            number=attempt.number,
            model_id=attempt.model_id,
            tier=attempt.tier,
            started_at=began,
            reserved_tokens=0,
            lease_until=end.ended_at,
        )
        _begin_attempt(db, start)
    elif found["outcome"] == "running":
        began = found["started_at"]
    else:
        return
    model = _model(attempt)
    db.execute(SQL["settle_attempt"], {**key, "ended_at": end.ended_at, **attempt_fields(attempt)})
    db.execute(SQL["count_use"], {**model, "hour": int(began // HOUR_S), "tokens": attempt.usage.total})
    for told in end.rate_limits:
        db.execute(SQL["learn_limit"], {**model, **asdict(told), "seen_at": end.ended_at})
    if end.cooldown_until is not None:
        why = attempt.error_kind or ErrorKind.RATE_LIMITED
        db.execute(SQL["cool_down"], {**model, "until": end.cooldown_until, "why": why})


def _end_call(db: sqlite3.Connection, end: CallEnd) -> None:
    _ensure_call(db, end.call_id, end.ended_at)
    fields = {
        "call_id": end.call_id,
        "ended_at": end.ended_at,
        "state": end.state,
        "provider": end.candidate and end.candidate.provider,
        "model": end.candidate and end.candidate.model,
        "tier": end.tier,
        "cost_nano_usd": nano_usd(end.cost_usd),
        "saved_nano_usd": nano_usd(end.saved_usd),
        "director_input_tokens": end.director_input_tokens,
        "director_output_tokens": end.director_output_tokens,
        "error": end.error,
        **usage_fields(end.usage),
    }
    db.execute(SQL["end_call"], fields)


def _ensure_call(db: sqlite3.Connection, call_id: str, at: float) -> None:
    db.execute(SQL["ensure_call"], {"call_id": call_id, "at": at, "pid": os.getpid()})


def _model(attempt: AttemptStart | Attempt) -> dict[str, str]:
    return {"provider": attempt.model_id.provider, "model": attempt.model_id.model}


def _snapshot(db: sqlite3.Connection, now: float, day_starts: Mapping[str, float]) -> LedgerSnapshot:
    times = {"now": now, "minute_start": now - MINUTE_S}
    return LedgerSnapshot(
        taken_at=now,
        use=use_of(
            db.execute(SQL["use_in_minute"], times),
            db.execute(SQL["reserved"], times),
            _use_in_day(db, now, day_starts),
        ),
        limits=tuple(learned_of(row) for row in db.execute(SQL["limits"])),
        cooldowns=tuple(cooldown_of(row) for row in db.execute(SQL["cooldowns"], times)),
    )


def _use_in_day(db: sqlite3.Connection, now: float, day_starts: Mapping[str, float]) -> list[sqlite3.Row]:
    """Rows that add up to each provider's day: whole hours from their sums, the hour of a start from its attempts."""
    utc = day_start(now, "utc")
    first_hour = min((utc, *day_starts.values())) // HOUR_S
    rows = [
        row
        for row in db.execute(SQL["use_by_hour"], {"hour": first_hour})
        if row["hour"] * HOUR_S >= day_starts.get(row["provider"], utc)
    ]
    for provider, start in day_starts.items():
        if start % HOUR_S:
            span: dict[str, Any] = {"provider": provider, "start": start, "end": (start // HOUR_S + 1) * HOUR_S}
            rows += db.execute(SQL["use_between"], span)
    return rows


def _totals(db: sqlite3.Connection, since: float, connection: str | None) -> Totals:
    of_whom = "" if connection is None else "_of_connection"
    bounds = {"since": since, "connection": connection}
    return totals_of(
        db.execute(SQL[f"calls_by_tier{of_whom}"], bounds), db.execute(SQL[f"attempts_by_tier{of_whom}"], bounds)
    )
