"""One call, from the request to the reply: intake, routing, dispatch, delivery, and its row in the ledger."""

import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from delegate_mcp.catalog.price_list import PriceList
from delegate_mcp.config.settings import Settings
from delegate_mcp.delivery.reply import Reply, build_reply
from delegate_mcp.delivery.save import Saved, save_answer
from delegate_mcp.delivery.schema_check import parse_answer
from delegate_mcp.delivery.size_budget import page
from delegate_mcp.delivery.untrusted import for_reader
from delegate_mcp.dispatch.calls import RunningCall
from delegate_mcp.dispatch.clock import Clock
from delegate_mcp.dispatch.dispatcher import Dispatcher
from delegate_mcp.dispatch.panel import Panel
from delegate_mcp.domain.brief import Brief
from delegate_mcp.domain.errors import DelegateError, InputError, LedgerError
from delegate_mcp.domain.outcome import Completion, Outcome
from delegate_mcp.domain.plan import RoutePlan
from delegate_mcp.domain.request import DelegateRequest
from delegate_mcp.domain.usage import ZERO, estimate_tokens
from delegate_mcp.intake.brief import prepare
from delegate_mcp.intake.sandbox import Roots
from delegate_mcp.ledger.base import CallEnd, CallStart, Ledger
from delegate_mcp.ledger.results import ResultStore, StoredCall
from delegate_mcp.privacy.gate import guard
from delegate_mcp.routing.classifier import classify
from delegate_mcp.routing.known import Known
from delegate_mcp.routing.planner import draft, require_candidates
from delegate_mcp.routing.rules import Rules
from delegate_mcp.routing.task_types import AUTO, canonical

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calling:
    """What a call goes through."""

    settings: Settings
    environ: Mapping[str, str]
    roots: Roots
    rules: Rules
    ledger: Ledger
    store: ResultStore
    dispatcher: Dispatcher
    prices: PriceList
    clock: Clock
    tasks: TaskGroup
    known: Callable[[], Awaitable[Known]]
    """All that the planner looks at, at this moment."""
    changed: Callable[[], Awaitable[None]]
    """Told when the budget has changed."""

    async def plan(self, request: DelegateRequest) -> RoutePlan:
        """Who would be asked, and why; nothing is."""
        return draft(await self._prepare(request), request, rules=self.rules, known=await self.known())

    async def run(self, request: DelegateRequest, call: RunningCall[Reply]) -> Reply:
        """Ask until somebody answers. Raises DelegateError; whatever comes, the ledger has the call's end."""
        brief = await self._prepare(request)
        known = await self.known()
        route = draft(brief, request, rules=self.rules, known=known)
        await self._begin(request, call.call_id, brief, route)
        end = CallEnd(call_id=call.call_id, ended_at=0.0, state="cancelled")
        try:
            require_candidates(route, known)
            ask = partial(Panel(self.dispatcher).run, votes=request.votes) if request.votes > 1 else self.dispatcher.run
            outcome = await ask(
                call.call_id,
                brief,
                route,
                on_limit=request.on_limit,
                accept=_accepts(brief),
                progress=call.progress.tell,
            )
            outcome = _canonical(outcome, brief)
            reply = await self._deliver(request, brief, outcome)
            end = await self._account(request, brief, outcome, reply)
            return replace(reply, meta=_with_savings(reply.meta, end.saved_usd))
        except DelegateError as error:
            end = replace(end, state="failed", error=str(error))
            raise
        finally:
            with anyio.CancelScope(shield=True):
                await self.ledger.end_call(replace(end, ended_at=self.clock.now()))
                await self.changed()

    async def _prepare(self, request: DelegateRequest) -> Brief:
        task_type = canonical(request.task_type)
        if request.task_type.strip().lower() == AUTO:
            # Pages are fetched before anything is known but the prompt.
            task_type = classify(request.prompt, request.files).task_type
        brief = await prepare(
            request,
            settings=self.settings,
            roots=self._fence(request),
            store=self.store,
            local_only=task_type == "private",
            with_pages=task_type == "research",
        )
        return await anyio.to_thread.run_sync(guard, brief, self.settings.privacy)

    def _fence(self, request: DelegateRequest) -> Roots:
        return self.roots if request.roots is None else replace(self.roots, roots=request.roots)

    async def _begin(self, request: DelegateRequest, call_id: str, brief: Brief, route: RoutePlan) -> None:
        await self.ledger.begin_call(
            CallStart(
                call_id=call_id,
                started_at=self.clock.now(),
                tool=request.tool,
                task_type=route.task_type,
                complexity=route.complexity,
                rule=route.rule,
                reason=route.reason,
                private=route.private,
                connection=request.connection,
                conversation=request.conversation or self.environ.get("CLAUDE_CODE_SESSION_ID"),
                parent=request.thread,
                pid=os.getpid(),
                input_tokens=brief.input_tokens,
            )
        )

    async def _deliver(self, request: DelegateRequest, brief: Brief, outcome: Outcome) -> Reply:
        answer = for_reader(outcome.completion.text)
        saved: Saved | None = None
        not_saved: str | None = None
        if request.save_to is not None:
            try:
                resolve = self._fence(request).resolve_write
                save = partial(
                    save_answer, outcome.completion.text, request.save_to, resolve=resolve, call_id=outcome.call_id
                )
                saved = await anyio.to_thread.run_sync(save)
            except InputError as error:
                not_saved = str(error)
        shown = page(answer, 0, self.settings.results.max_tokens)
        reply = build_reply(
            outcome,
            answer,
            page=shown,
            saved=saved,
            files=brief.files,
            notes=(*outcome.completion.notes, *brief.notes),
            not_saved=not_saved,
        )
        stored = _stored(request, brief, outcome, reply, self.clock.now())
        self.store.hold(stored)
        self.tasks.start_soon(self._keep, stored)
        return reply

    async def _keep(self, stored: StoredCall) -> None:
        """Put the whole answer on disk beside the reply, not before it: the disk is slower than the ledger."""
        try:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(self.store.write, stored)
        except LedgerError as error:
            logger.warning("%s", error)

    async def _account(self, request: DelegateRequest, brief: Brief, outcome: Outcome, reply: Reply) -> CallEnd:
        read = estimate_tokens(reply.text)
        prices, director = await self.prices.get(), self.settings.budget.director_model
        # Done by itself, the director would have read the brief and written the answer; now it wrote the call and
        # read the reply.
        spared = prices.saved_usd(director, brief.input_tokens, outcome.completion.usage.output_tokens)
        spent = prices.saved_usd(director, read, request.director_input_tokens)
        return CallEnd(
            call_id=outcome.call_id,
            ended_at=self.clock.now(),
            state="ok",
            candidate=outcome.candidate.model_id,
            tier=outcome.candidate.tier,
            usage=outcome.usage,
            cost_usd=outcome.cost_usd,
            saved_usd=(spared or ZERO) - (spent or ZERO) - outcome.cost_usd,
            director_input_tokens=request.director_input_tokens,
            director_output_tokens=read,
        )


def _accepts(brief: Brief) -> Callable[[Completion], str | None]:
    """Why an answer is none: JSON was asked for and did not come."""
    if brief.json_schema is None:
        return lambda _: None
    schema = brief.json_schema

    def problem(completion: Completion) -> str | None:
        found = parse_answer(completion.text, schema)[1]
        return "the JSON was cut at the output limit" if found and completion.finish_reason == "length" else found

    return problem


def _canonical(outcome: Outcome, brief: Brief) -> Outcome:
    """The outcome with its JSON alone, without fences or words around it."""
    if brief.json_schema is None:
        return outcome
    text, _ = parse_answer(outcome.completion.text, brief.json_schema)
    return replace(outcome, completion=replace(outcome.completion, text=text or outcome.completion.text))


def _with_savings(meta: Mapping[str, Any], saved: Decimal) -> dict[str, Any]:
    return {**meta, "delegate": {**meta.get("delegate", {}), "saved_usd": f"{saved.normalize():f}"}}


def _stored(request: DelegateRequest, brief: Brief, outcome: Outcome, reply: Reply, now: float) -> StoredCall:
    """The call as it is kept for delegate_result and for threads."""
    return StoredCall(
        call_id=outcome.call_id,
        parent=request.thread,
        private=outcome.plan.private,
        tool=request.tool,
        task_type=outcome.plan.task_type,
        model=str(outcome.candidate.model_id),
        prompt=brief.prompt,
        sent_text=brief.messages[-1].text,
        answer=reply.answer,
        saved_at=now,
        meta=reply.meta.get("delegate", {}),
    )
