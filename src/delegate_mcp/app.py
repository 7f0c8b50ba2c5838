"""The app: what tools, resources and commands may use, and the one way from a request to a reply."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from delegate_mcp.batch.batches import Batches
from delegate_mcp.batch.ids import is_batch_id
from delegate_mcp.batch.request import BatchRequest
from delegate_mcp.calling import Calling
from delegate_mcp.catalog.catalog import Catalog
from delegate_mcp.catalog.price_list import PriceList
from delegate_mcp.config.settings import Settings
from delegate_mcp.delivery.reply import Reply, build_result_reply
from delegate_mcp.delivery.size_budget import page
from delegate_mcp.delivery.waiting import running_reply
from delegate_mcp.discovery.health import LATELY_S, health
from delegate_mcp.discovery.lists import ModelLists
from delegate_mcp.discovery.shown import models_catalog
from delegate_mcp.discovery.tending import look_around, tend
from delegate_mcp.dispatch.calls import Calls, RunningCall
from delegate_mcp.dispatch.clock import Clock
from delegate_mcp.domain.brief import Brief, Message
from delegate_mcp.domain.call_id import new_call_id
from delegate_mcp.domain.errors import CallNotFoundError, LedgerError
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.plan import RoutePlan
from delegate_mcp.domain.request import AUTO, DelegateRequest
from delegate_mcp.domain.usage import estimate_tokens
from delegate_mcp.intake.sandbox import Roots
from delegate_mcp.ledger.base import Ledger
from delegate_mcp.ledger.budget import current_budget
from delegate_mcp.ledger.days import DayReset, day_start, day_starts
from delegate_mcp.ledger.results import ResultStore
from delegate_mcp.ledger.snapshot import LedgerSnapshot, OpenBreaker
from delegate_mcp.providers.discovery import Discovery
from delegate_mcp.providers.registry import ProviderRow
from delegate_mcp.reporting.accounting import Accounting, with_savings
from delegate_mcp.routing.known import Known
from delegate_mcp.routing.learned_rows import learned_rows
from delegate_mcp.routing.recommending import recommendation
from delegate_mcp.routing.task_types import BY_NAME, canonical

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """Everything that is open, and what can be done with it."""

    settings: Settings
    settings_file: Path
    roots: Roots
    rows: Sequence[ProviderRow]
    catalog: Catalog
    discovery: Discovery
    lists: ModelLists
    ledger: Ledger
    store: ResultStore
    calling: Calling
    calls: Calls[Reply]
    batches: Batches
    prices: PriceList
    clock: Clock
    conversation: str | None
    """That of the host that started this process (CLAUDE_CODE_SESSION_ID); None: it told none."""
    close: Callable[[], Awaitable[None]]
    """Closes providers, local hosts and the ledger."""

    # --- One call ----------------------------------------------------------------------------------------------------

    def start(self, request: DelegateRequest) -> RunningCall[Reply]:
        """Begin a call in the background; the caller waits for it, or comes back with its id."""
        return self.calls.start(new_call_id(), partial(self.calling.run, self._begun(request)))

    async def start_batch(self, ask: BatchRequest) -> RunningCall[Reply]:
        """Begin a batch in the background. InputError: its items cannot be used."""
        return await self.batches.begin(replace(ask, asked=self._begun(ask.asked)))

    def _begun(self, request: DelegateRequest) -> DelegateRequest:
        """The request with its conversation, and what is loaded beside the first.

        Who makes private calls only has no service contacted for anything.
        """
        self.prices.load_soon(self.calls.tasks)
        if canonical(request.task_type) != "private":
            self.lists.wanted.set()
        return replace(request, conversation=request.conversation or self.conversation)

    # --- Calls that were made ----------------------------------------------------------------------------------------

    async def running(self, call_id: str) -> RunningCall[Reply] | None:
        """The call of that id, where it is under way in this process.

        Somebody who asks for a batch that its server left need not come again until it is looked for.
        """
        if is_batch_id(call_id) and call_id not in self.calls.running:
            await self.batches.take_over()
        return self.calls.running.get(call_id)

    async def still_running(self, call: RunningCall[Reply]) -> Reply:
        """What the director reads when its host's patience ends before the call does."""
        if is_batch_id(call.call_id):
            reply = self.batches.still_running(call.call_id)
        else:
            reply = running_reply(call.call_id, call.progress.label, call.progress.tokens)
        await self._charge(call.call_id, written=0, read=estimate_tokens(reply.text))
        return reply

    async def fetched(self, call_id: str, reply: Reply, *, written: int, counted: bool) -> Reply:
        """The reply to who came back for it, its savings less what that cost; `counted`: the call's end counts it."""
        saved = await self._charge(call_id, written=written, read=0 if counted else estimate_tokens(reply.text))
        return reply if saved is None else replace(reply, meta=with_savings(reply.meta, saved))

    async def _charge(self, call_id: str, *, written: int, read: int) -> Decimal | None:
        """Count what the director spends on a call beyond its reply; what the call saved after that."""
        usd = await Accounting(self.prices, self.settings.budget.director_model).worth(written=written, read=read)
        try:
            return await self.ledger.charge(call_id, written=written, read=read, usd=usd)
        except LedgerError as error:  # it must cost nobody an answer
            logger.warning("%s", error)
            return None

    @property
    def page_tokens(self) -> int:
        """What `delegate_result` gives at once."""
        return self.settings.results.tokens_for("delegate_result")

    async def result(self, call_id: str, offset: int) -> Reply:
        """A part of an answer that is kept. CallNotFoundError says what became of it otherwise."""
        if is_batch_id(call_id):
            return await self.batches.result(call_id, offset)
        stored = await anyio.to_thread.run_sync(self.store.read, call_id)
        if stored is not None:
            return build_result_reply(
                stored, page(stored.answer, offset, self.settings.results.tokens_for("delegate_result"))
            )
        row = await self.ledger.call(call_id)
        if row is None:
            raise CallNotFoundError(
                f"No call {call_id!r} is known. Take the id from the bracketed last line of a reply."
            )
        if row.state == "running":
            raise CallNotFoundError(f"Call {call_id} is under way in another server process; ask again in a while.")
        if row.state == "ok":
            raise CallNotFoundError(
                f"Call {call_id} was answered, but its answer is no longer kept (results.keep_days). Ask anew."
            )
        raise CallNotFoundError(f"Call {call_id} {row.state}: {row.error or 'it left no answer'} Ask anew.")

    # --- What is usable, and what is left ----------------------------------------------------------------------------

    async def plan(self, request: DelegateRequest, known: Known | None = None) -> RoutePlan:
        """Who would be asked, and why; nothing is. `known`: what the planner looks at, where it need not look anew."""
        return await self.calling.plan(request, known)

    async def budget(self, connection: str) -> dict[str, Any]:
        """`budget://current`."""
        snapshot = await self.health()
        return current_budget(
            snapshot=snapshot,
            today=await self.ledger.totals(day_start(snapshot.taken_at, "utc")),
            connection=await self.ledger.totals(0.0, connection),
            catalog=self.catalog,
            day_resets=self._day_resets(),
            availability=await self.discovery.look(),
            budget=self.settings.budget,
        )

    async def health(self) -> LedgerSnapshot:
        """Cooldowns, open breakers, keys that were refused and models that are gone, as all processes know them."""
        now = self.clock.now()
        return await self.ledger.snapshot(now, day_starts(now, self._day_resets()))

    async def models(self) -> dict[str, Any]:
        """`models://catalog`."""
        availability = await self.discovery.look()
        found, lists = await self.lists.found(availability), await self.lists.known()
        return models_catalog(
            self.rows, rated=self.catalog, found=found, availability=availability, lists=lists, now=self.clock.now()
        )

    async def refresh_models(self) -> None:
        """Ask the services for their lists of models now; paid ones wait for their time."""
        availability = await self.discovery.look(fresh=True)
        await look_around(self.lists, availability, await self.health(), self._half_open, asked=True)

    async def recommend(self, task: str) -> dict[str, Any]:
        """`models://recommend/{task}`: the models that fit a task type, or a prompt, best; where none does, why not."""
        request = DelegateRequest(prompt=task, tool="recommend", task_type=canonical(task) or AUTO)
        plan, known = await self.plan(request), await self.calling.known()
        brief = Brief(
            messages=(Message("user", task),), prompt=task, input_tokens=estimate_tokens(task), private=plan.private
        )
        found = recommendation(brief, request, self.calling.rules, known)
        if found["top"]:
            return found
        return found | {"passed_over": [{"model": item.model, "why": item.why} for item in plan.passed_over]}

    async def learned(self) -> list[dict[str, Any]]:
        """What use has taught of each model, by task type."""
        known = await self.calling.known()

        def quality(model_id: ModelId, task_type: str) -> int | None:
            model, kind = known.model(model_id), BY_NAME.get(task_type)
            return None if model is None or kind is None else model.quality_for(kind.like or task_type)

        return learned_rows(
            await self.ledger.standings(), await self.ledger.verdicts(), quality, known.snapshot.taken_at
        )

    async def models_health(self) -> dict[str, Any]:
        """`models://health`."""
        known, lists = await self.calling.known(), await self.lists.known()
        now = known.snapshot.taken_at
        return health(
            self.rows,
            availability=known.availability,
            snapshot=known.snapshot,
            records=await self.ledger.records(now - LATELY_S, now + 1),
            lists=lists,
            next_list={name: self.lists.next_at(name) for name in lists},
            catalog=self.catalog,
            off=frozenset(row.name for row in self.rows if known.off(row.name)),
        )

    async def tend_models(self) -> None:
        """While a server runs: keep the lists of models young, and look whether a service that failed is back."""
        if self.settings.discovery.background:
            await tend(
                self.lists,
                look=self.discovery.look,
                snapshot=self.health,
                half_open=self._half_open,
                sleep=self.clock.sleep,
            )

    async def _half_open(self, breaker: OpenBreaker) -> None:
        await self.ledger.half_open(breaker, self.clock.now())

    def _day_resets(self) -> dict[str, DayReset]:
        return {row.name: row.day_reset for row in self.rows}

    # --- The end -----------------------------------------------------------------------------------------------------

    async def aclose(self) -> None:
        """Cancel the calls under way, wait until each has settled its records, and close what they used."""
        self.batches.closing = True
        await self.calls.end()
        await self.calling.lessons.written()
        await self.close()
