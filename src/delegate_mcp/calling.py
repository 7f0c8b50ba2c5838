"""One call, from the request to the reply: intake, routing, dispatch, delivery, and its row in the ledger."""

import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from delegate_mcp.answering.answerer import Answerer
from delegate_mcp.catalog.price_list import PriceList
from delegate_mcp.config.settings import Settings
from delegate_mcp.delivery.failure_text import failure_text
from delegate_mcp.delivery.reply import Reply, build_reply
from delegate_mcp.delivery.save import Saved, save_answer
from delegate_mcp.delivery.size_budget import page
from delegate_mcp.delivery.untrusted import for_reader
from delegate_mcp.dispatch.calls import RunningCall
from delegate_mcp.dispatch.clock import Clock
from delegate_mcp.domain.brief import Brief
from delegate_mcp.domain.errors import DelegateError, InputError, LedgerError
from delegate_mcp.domain.outcome import Outcome
from delegate_mcp.domain.plan import RoutePlan
from delegate_mcp.domain.request import DelegateRequest
from delegate_mcp.domain.usage import ZERO
from delegate_mcp.intake.brief import prepare
from delegate_mcp.intake.sandbox import Roots
from delegate_mcp.ledger.base import CallEnd, CallStart, Ledger
from delegate_mcp.ledger.results import ResultStore, StoredCall
from delegate_mcp.reporting.accounting import Accounting, net_tokens, with_savings
from delegate_mcp.reporting.project import project_label
from delegate_mcp.reporting.sums import REFUSED
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
    answerer: Answerer
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
        try:
            brief = await self._prepare(request)
            known = await self.known()
            route = draft(brief, request, rules=self.rules, known=known)
        except InputError as error:
            await self._refuse(request, call.call_id, error)
            raise
        await self._begin(request, call.call_id, brief, route)
        end = CallEnd(call_id=call.call_id, ended_at=0.0, state="cancelled")
        told = ""
        try:
            require_candidates(route, known)
            course = self.answerer.course(
                call.call_id, request, brief, private=route.private, progress=call.progress.tell
            )
            outcome = await self.answerer.answer(course, request, route)
            reply = await self._deliver(request, brief, outcome)
            end = await self._accounting.answered(request, brief, outcome, reply.text, self.clock.now())
            return replace(reply, meta=with_savings(reply.meta, end.saved_usd, net_tokens(end)))
        except DelegateError as error:
            end, told = replace(end, state="failed", error=str(error)), failure_text(error)
            raise
        finally:
            with anyio.CancelScope(shield=True):
                if end.state != "ok":
                    end = await self._unanswered(request, end, told)
                await self.ledger.end_call(replace(end, ended_at=self.clock.now()))
                await self.changed()

    async def _prepare(self, request: DelegateRequest) -> Brief:
        task_type = canonical(request.task_type)
        if request.task_type.strip().lower() == AUTO:
            # Whether pages are fetched is decided before anything is known but the prompt.
            task_type = classify(request.prompt, request.files).task_type
        return await prepare(
            request,
            settings=self.settings,
            roots=self._fence(request),
            store=self.store,
            local_only=task_type == "private",
            with_pages=task_type == "research",
        )

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
                project=self._project(request),
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

    async def _refuse(self, request: DelegateRequest, call_id: str, error: DelegateError) -> None:
        """Put on record what could not be used: the director wrote it, and reads why not."""
        try:
            await self.ledger.begin_call(
                CallStart(
                    call_id=call_id,
                    started_at=self.clock.now(),
                    tool=request.tool,
                    task_type="unknown",
                    complexity="unknown",
                    rule=REFUSED,
                    reason="it could not be used as it was",
                    private=False,
                    connection=request.connection,
                    conversation=request.conversation or self.environ.get("CLAUDE_CODE_SESSION_ID"),
                    parent=None,
                    pid=os.getpid(),
                    input_tokens=0,
                    project=self._project(request),
                )
            )
            # The error itself names files and fields of the request, which are none of the ledger's business.
            why = f"the request could not be used ({type(error).__name__})"
            end = CallEnd(call_id=call_id, ended_at=self.clock.now(), state="failed", error=why)
            await self.ledger.end_call(await self._accounting.unanswered(request, end, failure_text(error), ZERO))
            await self.changed()
        except LedgerError as lost:  # the director is to read of its own mistake, not of this
            logger.warning("%s", lost)

    async def _unanswered(self, request: DelegateRequest, end: CallEnd, told: str) -> CallEnd:
        """The end of a call that brought nothing: what the director and its attempts spent is lost."""
        attempts = await self.ledger.attempts(end.call_id)
        cost = sum((attempt.cost_usd for attempt in attempts), ZERO)
        return await self._accounting.unanswered(request, end, told, cost)

    @property
    def _accounting(self) -> Accounting:
        return Accounting(self.prices, self.settings.budget.director_model)

    def _project(self, request: DelegateRequest) -> str | None:
        """The directory's label; where others read the ledger too, without its name."""
        roots = self._fence(request).roots
        return project_label(roots[0], named=self.settings.ledger is None) if roots else None


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
