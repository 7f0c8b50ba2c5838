"""Has an evaluation's calls made: a durable batch a model, so that one without quota holds up no other."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any

import anyio
from anyio import to_thread

from delegate_mcp.app import App
from delegate_mcp.batch.folder import BatchFolder
from delegate_mcp.batch.ids import item_call_id, new_batch_id
from delegate_mcp.batch.request import BatchRequest
from delegate_mcp.dispatch.calls import RunningCall
from delegate_mcp.domain.errors import ErrorKind
from delegate_mcp.domain.request import DelegateRequest
from delegate_mcp.evaluation.noted import Noted
from delegate_mcp.ledger.reports import CallRecord

TOOL = "evaluate"
LOOK_S = 1.0
"""So often it is looked how far a batch is, also where another server works on it."""
_SET_BACK_S = 86_400.0
"""A clock that was set meanwhile hides none of the calls."""
_WRONG = frozenset({ErrorKind.BAD_ANSWER, ErrorKind.REFUSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came of one call."""

    answer: str | None
    """None: there is none."""
    error: str = ""
    wrong: bool = False
    """It answered, and not as it was asked to."""
    latency_ms: float | None = None
    cost_usd: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """The calls of one evaluation."""

    app: App
    noted: Noted
    tell: Callable[[str, str], None]
    """Told now and then of whose calls and how many of them are done."""

    async def replies(self, whose: str, items: Sequence[Mapping[str, Any]]) -> list[Reply]:
        """What came of the calls, in order. DelegateError: none of them could be made."""
        batch_id = self.noted.batches.get(whose)
        if batch_id is None:
            batch_id = self.noted.batches[whose] = new_batch_id()
            await to_thread.run_sync(self.noted.write)
        folder = self.app.batches.folders.folder(batch_id)
        if await to_thread.run_sync(folder.spec) is None:
            await to_thread.run_sync(folder.remove)
            await self._begun(whose, batch_id, items)
        else:
            await self._gone_on(whose, batch_id, folder)
        return await self._read(batch_id, folder)

    async def _begun(self, whose: str, batch_id: str, items: Sequence[Mapping[str, Any]]) -> None:
        asked = DelegateRequest(prompt="", tool=TOOL, connection=TOOL)
        ask = BatchRequest(asked=asked, items=items, calls=True, batch_id=batch_id)
        await self._done(whose, await self.app.start_batch(ask))

    async def _gone_on(self, whose: str, batch_id: str, folder: BatchFolder) -> None:
        while await to_thread.run_sync(folder.outcome) is None:
            if (call := await self.app.running(batch_id)) is not None:
                await self._done(whose, call)
            else:
                await self.app.clock.sleep(LOOK_S)

    async def _done(self, whose: str, call: RunningCall[Any]) -> None:
        while not call.done.is_set():
            with anyio.move_on_after(LOOK_S):
                await call.done.wait()
            self.tell(whose, call.progress.label)
        call.outcome()

    async def _read(self, batch_id: str, folder: BatchFolder) -> list[Reply]:
        spec = await to_thread.run_sync(folder.spec)
        began = 0.0 if spec is None else min(spec.created_at, self.app.clock.now())
        records = await self.app.ledger.records(began - _SET_BACK_S, inf)
        calls = {row.call.call_id: row for row in records if row.call.tool == TOOL}
        lines = await to_thread.run_sync(partial(folder.results.read_text, encoding="utf-8"))
        return [_reply(line, _calls_of(batch_id, line["index"], calls)) for line in map(json.loads, lines.splitlines())]


def _calls_of(batch_id: str, index: int, calls: Mapping[str, CallRecord]) -> list[CallRecord]:
    """The calls that an item took."""
    found: list[CallRecord] = []
    while (row := calls.get(item_call_id(batch_id, index, len(found) + 1))) is not None:
        found.append(row)
    return found


def _reply(line: Mapping[str, Any], calls: Sequence[CallRecord]) -> Reply:
    cost = float(sum(row.cost_usd for row in calls))
    if not line["ok"]:
        wrong = bool(calls) and any(attempt.error_kind in _WRONG for attempt in calls[-1].attempts)
        return Reply(answer=None, error=line["error"], wrong=wrong, cost_usd=cost)
    last = calls[-1].call if calls else None
    took = None if last is None or last.ended_at is None else 1000 * (last.ended_at - last.started_at)
    return Reply(answer=line["answer"], latency_ms=took, cost_usd=cost)
