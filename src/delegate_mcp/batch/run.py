"""One batch at work in this process: a few workers over a stream of items, each result kept before the next begins."""

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any

import anyio
from anyio import to_thread
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from delegate_mcp.batch.done import Done
from delegate_mcp.batch.folder import BatchFolder
from delegate_mcp.batch.item import Settling
from delegate_mcp.batch.pace import Pace
from delegate_mcp.batch.request import BatchSpec
from delegate_mcp.dispatch.clock import Clock
from delegate_mcp.domain.errors import LedgerError
from delegate_mcp.ledger.base import Ledger
from delegate_mcp.ledger.batches import BatchRow

LEASE_S = 20.0
"""A server that is silent for so long has lost its batch to whoever looks next."""
RENEW_S = 5.0
_READ_AT_ONCE = 64
_SLOW_S = 0.05


class LostBatchError(Exception):
    """Another server goes on with the batch; nobody outside this package meets it."""


@dataclass(slots=True, kw_only=True, eq=False)
class Run:
    """A batch whose lease this process holds."""

    spec: BatchSpec
    folder: BatchFolder
    row: BatchRow
    settling: Settling
    pace: Pace
    ledger: Ledger
    clock: Clock
    tell: Callable[["Run"], None]
    """Hears of every item that is settled."""
    renew_s: float
    done: Done | None = None
    _began: float = 0.0
    _before: int = 0
    _error: LedgerError | LostBatchError | None = None
    _slow: bool = False
    _one_at_a_time: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(1))

    async def work(self) -> Done:
        """Settle what is missing. LedgerError: the ledger or the disk gave out; LostBatchError: it is another's."""
        self.done = done = await to_thread.run_sync(self.folder.open_done, self.spec.total)
        self._began, self._before = self.clock.now(), done.settled
        self.tell(self)
        async with self._renewing() as stop:
            send, receive = anyio.create_memory_object_stream[tuple[int, Any]]()
            async with anyio.create_task_group() as workers, receive:
                workers.start_soon(self._read, done, send)
                for _ in range(min(self.pace.most, self.spec.total)):
                    workers.start_soon(self._settle, done, receive.clone(), stop)
        if self._error is not None:
            raise self._error
        return done

    def now(self) -> BatchRow:
        """How far it is, as the ledger is told."""
        now, done = self.clock.now(), self.done
        if done is None:
            return replace(self.row, lease_until=now + LEASE_S)
        rate = (done.settled - self._before) / max(now - self._began, 0.001)
        left = self.spec.total - done.settled
        waits_until = self.pace.waits_until
        return replace(
            self.row,
            answered=done.answered,
            failed=done.failed,
            lease_until=now + LEASE_S,
            expected_at=max(now + left / rate, waits_until or 0.0) if rate else waits_until,
            waits_until=waits_until,
        )

    async def _read(self, done: Done, send: MemoryObjectSendStream[tuple[int, Any]]) -> None:
        missing = self.folder.missing(done)
        async with send:
            while chunk := await to_thread.run_sync(_some, missing):
                for entry in chunk:
                    await send.send(entry)

    async def _settle(
        self, done: Done, receive: MemoryObjectReceiveStream[tuple[int, Any]], stop: anyio.CancelScope
    ) -> None:
        async with receive:
            async for index, item in receive:
                try:
                    await self.settling.settle(index, item, partial(self._keep, done))
                except LedgerError as error:
                    self._fail(error, stop)
                    return
                self.tell(self)

    async def _keep(self, done: Done, record: dict[str, Any]) -> None:
        """Append it at once, which takes less than handing it to a thread; nobody waits for a disk that is slow."""
        began = self.clock.steady()
        try:
            if not self._slow:
                done.append(record)
                self._slow = self.clock.steady() - began > _SLOW_S
                return
            with anyio.CancelScope(shield=True):  # what was answered is kept, whatever ends us
                await to_thread.run_sync(done.append, record, limiter=self._one_at_a_time)
        except OSError as error:
            raise LedgerError(
                f"Batch {self.spec.batch_id} stopped: its results cannot be kept ({error.strerror}). What was settled "
                "is kept; it goes on by itself once there is room."
            ) from error

    def _fail(self, error: LedgerError | LostBatchError, stop: anyio.CancelScope) -> None:
        self._error = self._error or error
        stop.cancel()

    @asynccontextmanager
    async def _renewing(self) -> AsyncGenerator[anyio.CancelScope]:
        """Tell the ledger every few seconds how far it is; stop where it is another's now."""
        async with anyio.create_task_group() as tasks:
            with anyio.CancelScope() as work:
                tasks.start_soon(self._renew, work)
                yield work
            tasks.cancel_scope.cancel()

    async def _renew(self, work: anyio.CancelScope) -> None:
        while True:
            await anyio.sleep(self.renew_s)
            try:
                held = await self.ledger.hold_batch(self.now(), self.clock.now())
            except LedgerError as error:
                return self._fail(error, work)
            if not held:
                return self._fail(LostBatchError(f"Batch {self.spec.batch_id} is another server's now."), work)


def _some(missing: Iterator[tuple[int, Any]]) -> list[tuple[int, Any]]:
    return list(islice(missing, _READ_AT_ONCE))
