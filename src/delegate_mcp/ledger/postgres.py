"""The ledger in one PostgreSQL database, for a team with several machines.

Every method is one transaction: writes in the order of the calls on a thread and a connection of their own, reads on
others beside them; a third connection hears of what other servers write. Once handed over, a write is done even if the
task that waits for it is cancelled, and done again if the database went away in the midst of it. Runs on asyncio, on
any event loop: no socket of PostgreSQL's is on it.

Times are the callers'. The team's machines must agree on the time (NTP): a notice tells of one that is off.
"""

import asyncio
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from decimal import Decimal
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
from delegate_mcp.ledger.rows import attempt_of, batch_of, call_of, end_fields, totals_of
from delegate_mcp.ledger.snapshot import LedgerSnapshot, OpenBreaker
from delegate_mcp.ledger.statements import SERVER_ENDED, UNLEASED_S, this_machine
from delegate_mcp.platforms import pid_alive

try:
    from delegate_mcp.ledger import postgres_places
    from delegate_mcp.ledger.postgres_errors import wrong_clock
    from delegate_mcp.ledger.postgres_lane import Lane, closed
    from delegate_mcp.ledger.postgres_listening import Listening
    from delegate_mcp.ledger.postgres_session import Session
    from delegate_mcp.ledger.postgres_statements import Row, Transaction, one
except ImportError as error:
    raise LedgerError(
        "DELEGATE_MCP_LEDGER names a PostgreSQL database, but psycopg, which speaks to it, cannot be loaded. Install "
        "it with `pip install 'delegate-mcp[postgres]'`, or unset DELEGATE_MCP_LEDGER to keep the ledger in a file."
    ) from error

T = TypeVar("T")

LISTEN_S = 2.0
"""So long `open` waits until others are heard."""


class PostgresLedger:
    """`Ledger` over one database. Made by `open`."""

    def __init__(
        self,
        dsn: str,
        clock: Callable[[], float],
        alive: Callable[[int], bool],
        patience_s: float,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._clock = clock
        self._alive = alive
        self._loop = loop
        self._name = secrets.token_hex(8)
        self._closing = threading.Event()
        self._writes = Lane("writes", Session(dsn, patience_s=patience_s, closing=self._closing))
        self._reads = Lane("reads", Session(dsn, patience_s=patience_s, closing=self._closing, reads=True))
        self._listening = Listening(dsn, self._name, patience_s, self._hear)
        self._news = asyncio.Event()
        self._heard = self._seen = 0
        self._notices: tuple[str, ...] = ()

    @classmethod
    async def open(
        cls,
        dsn: str,
        clock: Callable[[], float] = time.time,
        *,
        alive: Callable[[int], bool] = pid_alive,
        patience_s: float = 10.0,
        machine_clock: Callable[[], float] = time.time,
    ) -> Self:
        """Open the database, its tables made and brought to this version where needed. LedgerError where it cannot be.

        `dsn` is `postgresql://user:password@host:5432/database`, with whatever else libpq takes; `alive` tells whether
        a process of this machine runs; `patience_s` is how long the database may be away (a restart, a failover) or
        another server hold a lock, before what waits for it is given up; `machine_clock` is what is compared with the
        database's clock.
        """
        ledger = cls(dsn, clock, alive, patience_s, asyncio.get_running_loop())
        try:
            await ledger._begin(machine_clock)
        except BaseException:
            await ledger.aclose()
            raise
        return ledger

    async def begin_call(self, call: CallStart) -> None:
        """Record a call as running; one that runs already gets this route in the place of its own."""
        fields = {**asdict(call), "machine": this_machine()}
        await self._write(lambda tx: tx.send("begin_call", fields))

    async def reserve(self, ask: Reserve) -> Refusal | None:
        """Record an attempt as under way with its place in every window, or refuse it whole."""
        heard = self._heard

        def look_and_take(tx: Transaction) -> Refusal | None:
            refusal = postgres_places.reserve(tx, ask)
            if refusal is None:  # who was refused has changed nothing for others, and is not to wake them
                self._tell(tx)
            return refusal

        refusal = await self._writes.run(look_and_take)
        if refusal is not None:  # what is written from the look on may make room
            self._seen = heard
        return refusal

    async def settle(self, end: Settle) -> None:
        """Put what was used in the place of what was reserved, with what the answer told. The first end stands."""
        await self._write(lambda tx: postgres_places.settle(tx, end))

    async def half_open(self, breaker: OpenBreaker, now: float) -> bool:
        """Let one attempt try that provider before the breaker's time is over."""
        return await self._write(lambda tx: places.half_open(tx, breaker, now))

    async def leave(self, ticket_id: str) -> None:
        """Step out of the line."""
        await self._write(lambda tx: places.leave(tx, ticket_id))

    async def first_token_p95_ms(self, model_id: ModelId) -> float | None:
        """The 95th percentile of the time to the first token of its last answers; None where they are too few."""
        which = {"provider": model_id.provider, "model": model_id.model, "answers": ANSWERS_LEARNED_FROM}
        return first_token_p95_ms([row["first_token_ms"] for row in await self._rows("first_tokens", which)])

    async def changed(self, look_s: float = 0.0) -> None:  # noqa: ARG002 - the database tells by itself
        """Return when another server has written since this last returned, or since a `reserve` was last refused."""
        seen = self._seen  # its own: others wait beside it
        while self._heard == seen:
            if self._closing.is_set():
                raise closed()
            await self._news.wait()
        self._seen = self._heard

    async def end_call(self, end: CallEnd) -> None:
        """Record how a call ended. The first end stands."""
        await self._write(lambda tx: _end_call(tx, end))

    async def call(self, call_id: str) -> CallRow | None:
        """One call, or None. A running call whose server is gone reads as failed."""
        rows = await self._rows("call", {"call_id": call_id})
        return self._as_it_is(rows[0]) if rows else None

    async def attempts(self, call_id: str) -> tuple[Attempt, ...]:
        """The attempts of a call that ended, in order."""
        return tuple(attempt_of(row) for row in await self._rows("attempts", {"call_id": call_id}))

    async def recent_calls(self, limit: int) -> tuple[CallRow, ...]:
        """The newest calls first."""
        return tuple(self._as_it_is(row) for row in await self._rows("recent_calls", {"limit": limit}))

    async def snapshot(self, now: float, day_starts: Mapping[str, float]) -> LedgerSnapshot:
        """Use, limits and cooldowns; a provider that `day_starts` does not name has its day from midnight UTC."""
        return await self._reads.run(lambda tx: postgres_places.snapshot(tx, now, day_starts))

    async def totals(self, since: float, connection: str | None = None) -> Totals:
        """Sums over the calls that began at or after `since`, of one connection where named."""
        of = {"since": since, "connection": connection}
        return await self._reads.run(
            lambda tx: totals_of(tx.send("calls_by_tier", of), tx.send("attempts_by_tier", of))
        )

    async def records(self, since: float, until: float) -> tuple[CallRecord, ...]:
        """The calls of a period with all that was counted of them, the oldest first."""
        span = {"since": since, "until": until}
        return await self._reads.run(
            lambda tx: records_of(
                tx.send("records", span).fetchall(), tx.send("attempts_of_records", span), self._as_it_is
            )
        )

    async def charge(self, call_id: str, *, written: int, read: int, usd: Decimal) -> Decimal | None:
        """Count more of the director's tokens with a call; what it saved after that, or None: no such call."""
        fields = charge_fields(call_id, written=written, read=read, usd=usd)

        def count(tx: Transaction) -> Decimal | None:
            tx.send("charge", fields)
            return saved_of(tx.send("saved_by", fields).fetchone())

        return await self._write(count)

    async def forget_calls(self, now: float) -> int:
        """Remove the records of calls that ended, everybody's; how many calls that were."""
        return await self._write(lambda tx: forget(tx, now))

    async def prune(self, before: float, due_before: float) -> int:
        """Remove the records of the oldest calls that began before, some at a time; how many calls that were."""
        return await self._writes.run(lambda tx: prune(tx, before, due_before))

    async def begin_batch(self, row: BatchRow) -> None:
        """Record a batch; one that is there stays as it is."""
        await self._writes.run(lambda tx: tx.send("begin_batch", asdict(row)))

    async def hold_batch(self, row: BatchRow, now: float, dead: str = "") -> bool:
        """Take or renew a batch; whether it is the row's owner's now."""
        fields = {**asdict(row), "now": now, "dead": dead}
        return bool(await self._writes.run(lambda tx: tx.send("hold_batch", fields).fetchall()))

    async def batch(self, batch_id: str) -> BatchRow | None:
        """One batch, or None."""
        rows = await self._rows("batch", {"batch_id": batch_id})
        return batch_of(rows[0]) if rows else None

    async def learn(self, call_id: str, pieces: Sequence[Piece], now: float) -> None:
        """Add what a call has shown, once; what is older fades."""
        await self._writes.run(lambda tx: learned.learn(tx, call_id, pieces, now))

    async def standings(self) -> dict[tuple[ModelId, str], Standing]:
        """All that is known, by model and task type."""
        return learned.standings_of(await self._rows("standings", {}))

    async def judge(self, call_id: str, verdict: Verdict, why: str, now: float) -> VerdictRow | None:
        """Keep a verdict in the place of an earlier one; None: nobody answered that call."""
        return await self._writes.run(lambda tx: learned.judge(tx, call_id, verdict, why, now))

    async def verdicts(self) -> tuple[VerdictRow, ...]:
        """All that are kept, the oldest first."""
        return tuple(map(learned.verdict_of, await self._rows("verdicts", {})))

    async def aclose(self) -> None:
        """Finish what is being written and close; what waits for a database that is away is given up."""
        self._closing.set()
        self._news.set()
        await asyncio.to_thread(self._listening.stop)
        await asyncio.shield(asyncio.gather(self._writes.aclose(), self._reads.aclose()))

    def notices(self) -> Sequence[str]:
        """What a person must know about this ledger; empty otherwise."""
        return self._notices

    async def _begin(self, machine_clock: Callable[[], float]) -> None:
        self._listening.start()
        await self._writes.open()
        before = machine_clock()
        row = await self._reads.run(lambda tx: one(tx.send("clock")))
        skew = (before + machine_clock()) / 2 - row["now"]
        self._notices = wrong_clock(skew)
        await asyncio.to_thread(self._listening.ready.wait, LISTEN_S)

    async def _write(self, work: Callable[[Transaction], T]) -> T:
        """Have it done, and the others told of it."""

        def work_and_tell(tx: Transaction) -> T:
            done = work(tx)
            self._tell(tx)
            return done

        return await self._writes.run(work_and_tell)

    async def _rows(self, name: str, values: Mapping[str, Any]) -> list[Row]:
        return await self._reads.run(lambda tx: tx.send(name, values).fetchall())

    def _tell(self, tx: Transaction) -> None:
        """Wake the others when this transaction is committed."""
        tx.send("notify", {"whose": self._name})

    def _hear(self) -> None:
        """On the listening thread: somebody else has written."""
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._heard += 1
        self._news.set()
        self._news.clear()

    def _as_it_is(self, row: Row) -> CallRow:
        call = call_of(row)
        if call.state != "running":
            return call
        lease = max(row["lease_until"] or 0.0, call.started_at + UNLEASED_S)
        lives = row["machine"] != this_machine() or self._alive(call.pid)  # of another machine only the lease tells
        if lives and self._clock() < lease:
            return call
        return replace(call, state="failed", error=SERVER_ENDED)


def _end_call(tx: Transaction, end: CallEnd) -> None:
    places.ensure_call(tx, end.call_id, end.ended_at)
    tx.send("end_call", end_fields(end))
