"""One call, from the request to the reply: intake, routing, dispatch, delivery, and its row in the ledger."""

import logging
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from delegate_mcp.answering.answerer import Answerer
from delegate_mcp.answering.cache import AnswerCache
from delegate_mcp.answering.digest import Digesting
from delegate_mcp.answering.informing import Informing
from delegate_mcp.answering.lessons import Lessons
from delegate_mcp.answering.proving import Proving, Written
from delegate_mcp.catalog.price_list import PriceList
from delegate_mcp.config.settings import Settings
from delegate_mcp.delivery.failure_text import failure_reply, failure_text
from delegate_mcp.delivery.reply import Reply, build_reply
from delegate_mcp.delivery.size_budget import page
from delegate_mcp.delivery.untrusted import for_reader
from delegate_mcp.dispatch.attempt import Keep
from delegate_mcp.dispatch.calls import RunningCall
from delegate_mcp.dispatch.clock import Clock
from delegate_mcp.dispatch.turn import Course
from delegate_mcp.domain.brief import Brief
from delegate_mcp.domain.errors import DelegateError, InputError, LedgerError, UnprovenError
from delegate_mcp.domain.outcome import Attempt, Outcome
from delegate_mcp.domain.plan import RoutePlan
from delegate_mcp.domain.request import AUTO, DelegateRequest
from delegate_mcp.domain.usage import ZERO
from delegate_mcp.intake.brief import prepare
from delegate_mcp.intake.requested import check_request
from delegate_mcp.intake.sandbox import Roots
from delegate_mcp.ledger.base import CallEnd, CallStart, Ledger
from delegate_mcp.ledger.results import ResultStore, StoredCall
from delegate_mcp.reporting.accounting import Accounting, net_tokens, with_savings
from delegate_mcp.reporting.project import project_of
from delegate_mcp.reporting.sums import REFUSED
from delegate_mcp.routing.classifier import classify
from delegate_mcp.routing.known import Known
from delegate_mcp.routing.planner import draft
from delegate_mcp.routing.rules import Rules
from delegate_mcp.routing.task_types import canonical

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calling:
    """What a call goes through."""

    settings: Settings
    roots: Roots
    rules: Rules
    ledger: Ledger
    store: ResultStore
    informing: Informing
    digesting: Digesting
    cache: AnswerCache
    answerer: Answerer
    proving: Proving
    lessons: Lessons
    prices: PriceList
    clock: Clock
    tasks: TaskGroup
    known: Callable[[], Awaitable[Known]]
    """All that the planner looks at, at this moment."""
    changed: Callable[[], Awaitable[None]]
    """Told when the budget has changed."""

    async def plan(self, request: DelegateRequest, known: Known | None = None) -> RoutePlan:
        """Who would be asked, and why; nothing is, and no page is fetched. `known`: as of before."""
        brief = self.informing.expected(await self._prepare(request, pages=False))
        return draft(brief, await self._joining(request), rules=self.rules, known=known or await self.known())

    async def run(self, request: DelegateRequest, call: RunningCall[Reply], keep: Keep | None = None) -> Reply:
        """Ask until somebody answers. Raises DelegateError; whatever comes, the ledger has the call's end.

        `keep` is given the answer before the attempt that brought it is settled.
        """
        try:
            brief = await self._prepare(request)
            expected = self.informing.expected(brief)
            request = await self._joining(request)
            route = draft(expected, request, rules=self.rules, known=await self.known())
        except InputError as error:
            await self._refuse(request, call.call_id, error)
            raise
        request = replace(request, arm=route.arm)
        if request.thread is not None and request.verdict is not None:
            self.lessons.judged(request.thread, request.verdict)
        await self._begin(request, call.call_id, expected, route)
        course: Course | None = None
        end = CallEnd(call_id=call.call_id, ended_at=0.0, state="cancelled")
        told = ""
        failure: DelegateError | None = None
        try:
            course = self.answerer.course(
                call.call_id, request, brief, private=route.private, progress=call.progress.tell, keep=keep
            )
            brief, informed = await self.informing.informed(course, request, brief, route)
            if informed is not route:
                route = informed
                await self._begin(request, call.call_id, brief, route)
            ask = partial(self.answerer.answer, course, request, route)
            outcome = await self.cache.answer(course, request, route, ask)
            written = await self.proving.prove(course, request, outcome, self._fence(request))
            reply, written = await self._deliver(course, request, brief, written)
            end = await self._accounting.answered(request, brief, written.outcome, reply.text, self.clock.now())
            return replace(reply, meta=with_savings(reply.meta, end.saved_usd, net_tokens(end)))
        except DelegateError as error:
            if isinstance(error, UnprovenError):
                self._keep_answer(request, brief, error.outcome, failure_reply(error))
            end, told, failure = replace(end, state="failed", error=str(error)), failure_text(error), error
            raise
        finally:
            with anyio.CancelScope(shield=True):
                if end.state != "ok":
                    end = await self._unanswered(request, end, told)
                if failure is not None:
                    failure.saved_usd = end.saved_usd
                await self.ledger.end_call(replace(end, ended_at=self.clock.now()))
                if course is not None:
                    self.lessons.ended(course, route.task_type)
                await self.changed()

    async def _joining(self, request: DelegateRequest) -> DelegateRequest:
        """The request, open to the experiments that there are; a thread stays with the arm that it got first."""
        if not self.settings.experiments:
            return request
        before = None if request.thread is None else await self.ledger.call(request.thread)
        return replace(request, arm=(before.arm if before else "") or None)

    async def _prepare(self, request: DelegateRequest, *, pages: bool = True) -> Brief:
        task_type = canonical(request.task_type)
        if request.task_type.strip().lower() == AUTO:
            # Whether pages are fetched is decided before anything is known but the prompt.
            task_type = classify(request.prompt, request.files).task_type
        roots = self._fence(request)
        check_request(request)
        if request.edit or request.check is not None:
            await anyio.to_thread.run_sync(self.proving.vet, request, roots)
        return await prepare(
            request,
            settings=self.settings,
            roots=roots,
            store=self.store,
            local_only=task_type == "private",
            with_pages=task_type == "research",
            fetches=pages,
        )

    def _fence(self, request: DelegateRequest) -> Roots:
        return self.roots if request.roots is None else replace(self.roots, roots=request.roots)

    async def _begin(self, request: DelegateRequest, call_id: str, brief: Brief, route: RoutePlan) -> None:
        start = replace(
            self._unread(request, call_id),
            task_type=route.task_type,
            complexity=route.complexity,
            rule=route.rule,
            reason=route.reason,
            private=route.private,
            parent=request.thread,
            input_tokens=brief.input_tokens,
            arm=route.arm,
        )
        await self.ledger.begin_call(start)

    def _unread(self, request: DelegateRequest, call_id: str) -> CallStart:
        """A call of which nothing is known but who asks."""
        return CallStart(
            call_id=call_id,
            started_at=self.clock.now(),
            tool=request.tool,
            task_type="unknown",
            complexity="unknown",
            rule=REFUSED,
            reason="it could not be used as it was",
            private=False,
            connection=request.connection,
            conversation=request.conversation,
            parent=None,
            pid=os.getpid(),
            input_tokens=0,
            project=self._project(request),
        )

    async def _deliver(
        self, course: Course, request: DelegateRequest, brief: Brief, written: Written
    ) -> tuple[Reply, Written]:
        """The reply, and what it tells of with all that was asked for it."""
        outcome = written.outcome
        answer = for_reader(outcome.completion.text)
        shown = page(answer, 0, request.max_result_tokens or self.settings.results.tokens_for(request.tool))
        if not written.saved and not written.edited:
            digest = await self.digesting.of(course, request, answer, shown.text)
            outcome = replace(outcome, attempts=_all(outcome, course)) if digest else outcome
        else:
            digest = None
        reply = build_reply(
            outcome,
            answer,
            page=shown,
            saved=written.saved,
            files=brief.files,
            notes=(*outcome.completion.notes, *brief.notes),
            not_saved=written.not_saved,
            edited=written.edited,
            proof=written.proof,
            edit_tokens=request.max_result_tokens,
            digest=digest,
        )
        self._keep_answer(request, brief, outcome, reply)
        return reply, replace(written, outcome=outcome)

    def _keep_answer(self, request: DelegateRequest, brief: Brief, outcome: Outcome, reply: Reply) -> None:
        """Let delegate_result and threads find the whole answer, whatever the director reads of it."""
        stored = _stored(request, brief, outcome, reply, self.clock.now())
        self.store.hold(stored)
        self.tasks.start_soon(self._keep, stored)

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
            await self.ledger.begin_call(self._unread(request, call_id))
            # The error itself names files and fields of the request, which are none of the ledger's business.
            why = f"the request could not be used ({type(error).__name__})"
            end = CallEnd(call_id=call_id, ended_at=self.clock.now(), state="failed", error=why)
            end = await self._accounting.unanswered(request, end, failure_text(error), ZERO)
            error.saved_usd = end.saved_usd
            await self.ledger.end_call(end)
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
        return project_of(self._fence(request).roots, named=self.settings.ledger is None)


def _all(outcome: Outcome, course: Course) -> tuple[Attempt, ...]:
    """The attempts of a call after its answer too."""
    known = {attempt.number: attempt for attempt in (*course.attempts, *outcome.attempts)}
    return tuple(known[number] for number in sorted(known))


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
        images=brief.messages[-1].images,
        answer=for_reader(outcome.completion.text),
        saved_at=now,
        meta=reply.meta.get("delegate", {}),
    )
