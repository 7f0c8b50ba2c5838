"""Transactions that are done one after another, on a thread and a connection of their own. Runs on asyncio."""

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from delegate_mcp.domain.errors import LedgerError
from delegate_mcp.ledger.postgres_session import Session, Work

T = TypeVar("T")

_CLOSE_S = 1.5


def closed() -> LedgerError:
    """What a ledger says that was closed."""
    return LedgerError("The ledger is closed: the server is shutting down. This entry is not in it.")


class Lane:
    """What is handed over is done, in that order, even if the task that waits for it is cancelled."""

    def __init__(self, name: str, session: Session) -> None:
        self._session = session
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"ledger-{name}")

    async def open(self) -> None:
        """Connect. LedgerError where that cannot be."""
        await self._done(self._submit(self._session.open))

    async def run(self, work: Work[T]) -> T:
        """Do `work` in one transaction. LedgerError where it cannot be done."""
        return await self._done(self._submit(self._session.run, work))

    async def aclose(self) -> None:
        """Finish what was handed over and close; a connection that hangs is left to the process's end."""
        try:
            closing = self._thread.submit(self._session.close)
        except RuntimeError:  # closed before
            return
        self._thread.shutdown(wait=False)
        await asyncio.wait([asyncio.wrap_future(closing)], timeout=_CLOSE_S)

    def _submit(self, job: Any, *arguments: Any) -> Future[Any]:
        try:
            return self._thread.submit(job, *arguments)
        except RuntimeError as error:
            raise closed() from error

    async def _done(self, future: Future[T]) -> T:
        return await asyncio.shield(asyncio.wrap_future(future))
