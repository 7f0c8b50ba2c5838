"""One item of a batch, from its first call to its result: what waits, what is tried again, what has failed."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any, Protocol

from anyio import to_thread

from delegate_mcp.batch.ids import item_call_id
from delegate_mcp.batch.pace import Pace
from delegate_mcp.batch.request import BatchSpec
from delegate_mcp.delivery.reply import Reply
from delegate_mcp.delivery.untrusted import for_reader
from delegate_mcp.dispatch.attempt import Keep
from delegate_mcp.dispatch.calls import RunningCall
from delegate_mcp.dispatch.clock import Clock
from delegate_mcp.domain.errors import AllAttemptsFailedError, DelegateError, ErrorKind, LedgerError, NoCandidateError
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.outcome import Completion
from delegate_mcp.domain.plan import PassedOver, RoutePlan
from delegate_mcp.domain.request import DelegateRequest
from delegate_mcp.ledger.base import Ledger
from delegate_mcp.ledger.results import ResultStore
from delegate_mcp.routing.known import Known

Put = Callable[[dict[str, Any]], Awaitable[None]]
"""Keeps an item's result on disk; the first one stands. LedgerError: the disk does not take it."""

TRIES = 3
"""So often an item is asked for until it has failed; waiting for room is none."""
_PAUSE_S = 2.0
"""Before the second try; each further pause is twice as long."""
_PASSING = {ErrorKind.OVERLOADED, ErrorKind.TIMEOUT, ErrorKind.NETWORK, ErrorKind.RATE_LIMITED}
_SHORT_ITEM = 200
_MESSAGE_CHARS = 120


class Asking(Protocol):
    """What a batch needs of `Calling`."""

    @property
    def known(self) -> Callable[[], Awaitable[Known]]:
        """All that the planner looks at."""
        ...

    async def plan(self, request: DelegateRequest) -> RoutePlan:
        """Who would be asked."""
        ...

    async def run(self, request: DelegateRequest, call: RunningCall[Reply], keep: Keep | None = None) -> Reply:
        """Ask until somebody answers; `keep` is given the answer before its attempt is settled."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """Settles the items of one batch."""

    spec: BatchSpec
    asking: Asking
    ledger: Ledger
    store: ResultStore
    pace: Pace
    clock: Clock
    resumed: bool
    """Another server worked on the batch before: what it was answered last may be kept already."""

    async def settle(self, index: int, item: Any, put: Put) -> None:
        """Put down the item's result, as a line of the results holds it. Only a LedgerError or a cancel comes through.

        An answer is put down before the attempt that brought it is settled: what was settled is never asked again.
        """
        head: dict[str, Any] = {"index": index}
        if isinstance(item, int | float) or len(_shown(item)) <= _SHORT_ITEM:
            head["item"] = item
        try:
            await self._answer(head, self.spec.request(item), put)
        except LedgerError:
            raise
        except DelegateError as error:
            await put(head | {"ok": False, "error": _told(error), "model": None})

    async def _answer(self, head: dict[str, Any], request: DelegateRequest, put: Put) -> None:
        number, tries, index = 1, 0, head["index"]
        if self.resumed:
            number, kept = await self._before(index)
            if kept is not None:
                return await put(head | kept)

        async def keep(who: ModelId, completion: Completion) -> None:
            await put(head | self._result(for_reader(completion.text), str(who)))

        while True:
            call = RunningCall[Reply](item_call_id(self.spec.batch_id, index, number))
            try:
                async with self.pace.place(partial(self._room_at, request)):
                    reply = await self.asking.run(request, call, keep)
            except NoCandidateError as error:
                if not any(passed.temporary for passed in error.passed_over):
                    raise
                self.pace.no_room(_earliest(error.passed_over))
            except AllAttemptsFailedError as error:
                tries += await self._failed(error, tries + 1)
            else:
                self.pace.answered()
                # What nobody was asked for (a repeated answer) was not put down yet.
                return await put(head | self._result(reply.answer, _model(reply.meta.get("delegate", {}))))
            number += 1

    async def _failed(self, error: AllAttemptsFailedError, tries: int) -> int:
        """Pause before the item is asked for again; whether this was a try. Raises the error after the last one."""
        kinds = {attempt.error_kind for attempt in error.attempts}
        if kinds == {ErrorKind.RATE_LIMITED}:  # the ledger now knows until when
            self.pace.no_room(None)
            return 0
        if tries >= TRIES or ErrorKind.BAD_REQUEST in kinds:
            raise error
        if not kinds or kinds & _PASSING:
            self.pace.overloaded()
            await self.clock.sleep(_PAUSE_S * 2 ** (tries - 1))
        return 1

    async def _room_at(self, request: DelegateRequest) -> float | None:
        """None: somebody can be asked, or nobody ever can (the call says so itself). Else when there is room again."""
        plan = await self.asking.plan(request)
        waiting = [passed for passed in plan.passed_over if passed.temporary]
        if plan.candidates or not waiting:
            return None
        until = _earliest(waiting)
        return inf if until is None else until

    async def _before(self, index: int) -> tuple[int, dict[str, Any] | None]:
        """The number of the item's next call, and the answer of an earlier one that was kept and not noted any more."""
        number = 1
        while (row := await self.ledger.call(call_id := item_call_id(self.spec.batch_id, index, number))) is not None:
            stored = await to_thread.run_sync(self.store.read, call_id) if row.state == "ok" else None
            if stored is not None:
                return number, self._result(stored.answer, stored.model)
            number += 1
        return number, None

    def _result(self, answer: str, model: str | None) -> dict[str, Any]:
        return {"ok": True, "answer": answer if self.spec.json_schema is None else _value(answer), "model": model}


def _value(answer: str) -> Any:
    """The JSON that was checked against the schema as a value of the line, not as text within it."""
    try:
        return json.loads(answer)
    except ValueError:
        return answer


def _shown(item: Any) -> str:
    return item if isinstance(item, str) else json.dumps(item, ensure_ascii=False, default=str)


def _model(facts: dict[str, Any]) -> str | None:
    route: dict[str, str] | None = facts.get("route")
    return f"{route['provider']}:{route['model']}" if route else None


def _earliest(passed_over: Sequence[PassedOver]) -> float | None:
    return min((row.until for row in passed_over if row.temporary and row.until is not None), default=None)


def _told(error: DelegateError) -> str:
    """Why an item failed: the kinds of failure, then in brackets who failed how."""
    if isinstance(error, AllAttemptsFailedError) and error.attempts:
        kinds = dict.fromkeys(str(attempt.error_kind or "cancelled").replace("_", " ") for attempt in error.attempts)
        last = error.attempts[-1]
        said = " ".join(for_reader(last.message or "").split())[:_MESSAGE_CHARS]
        return f"{', '.join(kinds)} ({last.model_id}: {said})"
    if isinstance(error, NoCandidateError):
        return error.what
    return str(error) or type(error).__name__
