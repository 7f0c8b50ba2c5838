"""The ledger in one SQLite file, for all server processes of a user.

Every method is one transaction, in the order of the calls. A write that need not wait for another process is done at
once: it takes a fraction of a millisecond, less than handing it over. All else runs on a thread of the ledger's own, so
the event loop waits for no other process and no slow disk. Once begun, a write is done even if the task that waits for
it is cancelled. Runs on asyncio.
"""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Self, TypeVar

from delegate_mcp.domain.errors import LedgerError
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.outcome import Attempt
from delegate_mcp.domain.standing import Piece, Standing, Verdict
from delegate_mcp.ledger import learned, places
from delegate_mcp.ledger.base import CallEnd, CallRow, CallStart, Refusal, Reserve, Settle, Totals
from delegate_mcp.ledger.batches import BatchRow
from delegate_mcp.ledger.evidence import VerdictRow
from delegate_mcp.ledger.health import ANSWERS_LEARNED_FROM, first_token_p95_ms
from delegate_mcp.ledger.pruning import forget, prune
from delegate_mcp.ledger.report_rows import charge_fields, records_of, saved_of
from delegate_mcp.ledger.reports import CallRecord
from delegate_mcp.ledger.rows import (
    attempt_of,
    call_of,
    end_fields,
)
from delegate_mcp.ledger.snapshot import LedgerSnapshot, OpenBreaker
from delegate_mcp.ledger.sqlite_batches import batch, begin_batch, hold_batch
from delegate_mcp.ledger.sqlite_file import LedgerFile
from delegate_mcp.ledger.sqlite_reading import snapshot, totals
from delegate_mcp.ledger.sqlite_statements import SQL, Transaction
from delegate_mcp.ledger.statements import SERVER_ENDED, UNLEASED_S
from delegate_mcp.platforms import pid_alive

T = TypeVar("T")

Sleep = Callable[[float], Awaitable[object]]

POLL_S = 1.0
SLOW_S, CAUTIOUS_S = 0.05, 5.0
"""After a write that took so long, all of them go to the thread for a while: the disk is busy."""


class SqliteLedger:
    """`Ledger` over one file. Made by `open`."""

    def __init__(
        self,
        file: LedgerFile,
        *,
        thread: ThreadPoolExecutor,
        clock: Callable[[], float],
        alive: Callable[[int], bool],
        sleep: Sleep,
        seen: tuple[int, int],
    ) -> None:
        self._file = file
        self._thread = thread
        self._clock = clock
        self._alive = alive
        self._sleep = sleep
        self._seen = seen
        self._last: Future[Any] | None = None
        """What the thread was given last: while it is not done, the file is the thread's."""
        self._cautious_until = 0.0

    @classmethod
    async def open(
        cls,
        path: Path,
        clock: Callable[[], float] = time.time,
        *,
        alive: Callable[[int], bool] = pid_alive,
        sleep: Sleep = asyncio.sleep,
        busy_s: float = 5.0,
        vfs: str | None = None,
    ) -> Self:
        """Open the file, made and brought to this version where needed; a broken one is moved aside.

        `alive` tells whether a process runs; `sleep` waits between two looks of `changed`; `busy_s` is how long
        another process may hold the file; `vfs` is the SQLite file layer, the platform's own by default.
        """
        thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        try:
            file = await asyncio.wrap_future(thread.submit(LedgerFile, path, clock, busy_s, vfs))
            seen = await asyncio.wrap_future(thread.submit(file.read, file.version))
        except BaseException:
            thread.shutdown(wait=False)
            raise
        return cls(file, thread=thread, clock=clock, alive=alive, sleep=sleep, seen=seen)

    async def begin_call(self, call: CallStart) -> None:
        """Record a call as running; one that runs already gets this route in the place of its own."""
        await self._write(lambda db: db.execute(SQL["begin_call"], asdict(call)))

    async def reserve(self, ask: Reserve) -> Refusal | None:
        """Record an attempt as under way with its place in every window, or refuse it whole."""
        return await self._write(lambda db: self._look_and_take(db, ask))

    async def settle(self, end: Settle) -> None:
        """Put the true usage in the place of a reservation, or release it. The first end stands."""
        await self._write(lambda db: places.settle(Transaction(db), end))

    async def half_open(self, breaker: OpenBreaker, now: float) -> bool:
        """Let one attempt try that provider before the breaker's time is over."""
        return await self._write(lambda db: places.half_open(Transaction(db), breaker, now))

    async def leave(self, ticket_id: str) -> None:
        """Step out of the line."""
        await self._write(lambda db: places.leave(Transaction(db), ticket_id))

    async def first_token_p95_ms(self, model_id: ModelId) -> float | None:
        """The 95th percentile of the time to the first token of its last 100 answers; None below 20 of them."""
        asked = {"provider": model_id.provider, "model": model_id.model, "answers": ANSWERS_LEARNED_FROM}
        rows = await self._read(lambda db: db.execute(SQL["first_tokens"], asked).fetchall())
        return first_token_p95_ms([row["first_token_ms"] for row in rows])

    async def changed(self, look_s: float = POLL_S) -> None:
        """Return when another connection has written since this ledger's last refusal, or since the last return.

        SQLite sends no notices: its count of others' writes is read again and again.
        """
        seen = self._seen
        while (version := await self._read(self._file.version)) == seen:
            await self._sleep(look_s)
        self._seen = version

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
        return await self._read(lambda db: snapshot(db, now, day_starts))

    async def totals(self, since: float, connection: str | None = None) -> Totals:
        """Sums over the calls that began at or after `since`, of one connection where named."""
        return await self._read(lambda db: totals(db, since, connection))

    async def records(self, since: float, until: float) -> tuple[CallRecord, ...]:
        """The calls of a period with all that was counted of them, the oldest first."""
        return await self._read(lambda db: self._records(db, {"since": since, "until": until}))

    async def charge(self, call_id: str, *, written: int, read: int, usd: Decimal) -> Decimal | None:
        """Count more of the director's tokens with a call; what it saved after that, or None: no such call."""
        fields = charge_fields(call_id, written=written, read=read, usd=usd)
        return await self._write(lambda db: _charge(db, fields))

    async def forget_calls(self, now: float) -> int:
        """Remove the records of calls that ended, from the file's free pages too; how many calls that were."""
        return await self._write(lambda db: _forget(db, now))

    async def prune(self, before: float, due_before: float) -> int:
        """Remove the records of the oldest calls that began before, some at a time; how many calls that were."""
        return await self._write(lambda db: prune(Transaction(db), before, due_before))

    async def begin_batch(self, row: BatchRow) -> None:
        """Record a batch; one that is there stays as it is."""
        await self._write(lambda db: begin_batch(db, row))

    async def hold_batch(self, row: BatchRow, now: float, dead: str = "") -> bool:
        """Take or renew a batch; whether it is the row's owner's now."""
        return await self._write(lambda db: hold_batch(db, row, now, dead))

    async def batch(self, batch_id: str) -> BatchRow | None:
        """One batch, or None."""
        return await self._read(lambda db: batch(db, batch_id))

    async def learn(self, call_id: str, pieces: Sequence[Piece], now: float) -> None:
        """Add what a call has shown, once; what is older fades."""
        await self._write(lambda db: learned.learn(Transaction(db), call_id, pieces, now))

    async def standings(self) -> dict[tuple[ModelId, str], Standing]:
        """All that is known, by model and task type."""
        return await self._read(lambda db: learned.standings_of(db.execute(SQL["standings"])))

    async def judge(self, call_id: str, verdict: Verdict, why: str, now: float) -> VerdictRow | None:
        """Keep a verdict in the place of an earlier one; None: nobody answered that call."""
        return await self._write(lambda db: learned.judge(Transaction(db), call_id, verdict, why, now))

    async def verdicts(self) -> tuple[VerdictRow, ...]:
        """All that are kept, the oldest first."""
        return await self._read(lambda db: tuple(map(learned.verdict_of, db.execute(SQL["verdicts"]))))

    async def aclose(self) -> None:
        """Finish what is being written and close."""
        try:
            closed = self._last = self._thread.submit(self._file.close)
        except RuntimeError:  # closed before
            return
        self._thread.shutdown(wait=False)
        await asyncio.shield(asyncio.wrap_future(closed))

    def notices(self) -> Sequence[str]:
        """What a person must know about this ledger; empty otherwise."""
        return tuple(self._file.notices)

    def _look_and_take(self, db: sqlite3.Connection, ask: Reserve) -> Refusal | None:
        refusal = places.reserve(Transaction(db), ask)
        if refusal is not None:  # what is written from here on may make room
            self._seen = self._file.version(db)
        return refusal

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        began = time.monotonic()
        if began >= self._cautious_until and (self._last is None or self._last.done()):
            done = self._file.write_at_once(work)
            if (ended := time.monotonic()) - began > SLOW_S:
                self._cautious_until = ended + CAUTIOUS_S
            if done is not None:
                return done[0]
        return await self._on_thread(lambda: self._file.write(work))

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await self._on_thread(lambda: self._file.read(work))

    async def _on_thread(self, job: Callable[[], T]) -> T:
        try:
            future = self._last = self._thread.submit(job)
        except RuntimeError as error:
            raise LedgerError("The ledger is closed: the server is shutting down. This entry is not in it.") from error
        return await asyncio.shield(asyncio.wrap_future(future))

    def _records(self, db: sqlite3.Connection, span: Mapping[str, float]) -> tuple[CallRecord, ...]:
        return records_of(
            db.execute(SQL["records"], span), db.execute(SQL["attempts_of_records"], span), self._as_it_is
        )

    def _as_it_is(self, row: sqlite3.Row) -> CallRow:
        call = call_of(row)
        if call.state != "running":
            return call
        lease = max(row["lease_until"] or 0.0, call.started_at + UNLEASED_S)
        if self._alive(call.pid) and self._clock() < lease:  # a process id may be given anew, a lease can not
            return call
        return replace(call, state="failed", error=SERVER_ENDED)


def _end_call(db: sqlite3.Connection, end: CallEnd) -> None:
    places.ensure_call(Transaction(db), end.call_id, end.ended_at)
    db.execute(SQL["end_call"], end_fields(end))


def _charge(db: sqlite3.Connection, fields: Mapping[str, Any]) -> Decimal | None:
    db.execute(SQL["charge"], fields)
    return saved_of(db.execute(SQL["saved_by"], fields).fetchone())


def _forget(db: sqlite3.Connection, now: float) -> int:
    db.execute("PRAGMA secure_delete = ON")  # what is removed is overwritten
    return forget(Transaction(db), now)
