"""The cache of identical calls: where the same was asked before, nobody is asked again.

Only work whose answer is the same each time has a place here: the task types of `routing/task_types.py` that say so,
calls with a `json_schema`, and rules that ask with temperature 0. Never votes, edits, checked answers or what the web
knows today; private calls only where the settings say so. The privacy gate has passed the brief before it is looked up.
"""

import hashlib
import json
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import anyio
from anyio import to_thread
from anyio.abc import TaskGroup

from delegate_mcp import __version__
from delegate_mcp.answering.kept_answers import KeptAnswer, KeptAnswers
from delegate_mcp.dispatch.clock import Clock
from delegate_mcp.dispatch.turn import Course
from delegate_mcp.domain.brief import Brief
from delegate_mcp.domain.errors import LedgerError
from delegate_mcp.domain.outcome import Completion, Outcome, Repeated
from delegate_mcp.domain.plan import Candidate, RoutePlan
from delegate_mcp.domain.request import DelegateRequest
from delegate_mcp.routing import task_types
from delegate_mcp.routing.classifier import classify
from delegate_mcp.routing.rules import Rules

logger = logging.getLogger(__name__)
_WAITING = "waiting for an identical call under way"

Flight = tuple[str, str]
"""The key of a call under way and its `on_limit`: who would take less than the first waits for has no part in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerCache:
    """Answers of this person's calls, for as long as they may stand."""

    store: KeptAnswers
    keep_s: float
    """0: no answer stands for another call."""
    private: bool
    """Whether those of private calls may."""
    rules: Rules
    clock: Clock
    tasks: TaskGroup
    flights: dict[Flight, anyio.Event] = field(default_factory=dict[Flight, anyio.Event])

    async def answer(
        self, course: Course, request: DelegateRequest, plan: RoutePlan, ask: Callable[[], Awaitable[Outcome]]
    ) -> Outcome:
        """What was answered to an identical call, else what `ask` brings, which is then kept."""
        if not self._may_repeat(request, course.brief, plan):
            return await ask()
        key = await to_thread.run_sync(partial(_key, request, course.brief, plan, self.rules))
        async with self._alone((key, request.on_limit), course):
            oldest = self.clock.now() - self.keep_s
            kept = None if request.fresh else await to_thread.run_sync(self.store.read, key, oldest)
            if kept is not None:
                return _repeated(kept, course, plan)
            outcome = await ask()
            if _lasts(outcome):
                kept = self._kept(outcome)
                self.store.hold(key, kept)
                self.tasks.start_soon(self._write, key, kept)
            return outcome

    def _may_repeat(self, request: DelegateRequest, brief: Brief, plan: RoutePlan) -> bool:
        if self.keep_s <= 0 or plan.arm or (plan.private and not self.private):
            return False
        if max(request.votes, plan.votes) > 1:
            return False
        if request.edit or request.check is not None or request.edit_in is not None:
            return False
        kind = plan.task_type if plan.task_type != "private" else _kind(brief)
        asked = [candidate.options for candidate in plan.candidates]
        same = task_types.BY_NAME[kind].same_answer
        if same == "never" or any(options.web_search for options in asked):
            return False
        if same == "always" or brief.json_schema is not None:
            return True
        return bool(asked) and all(options.temperature == 0 for options in asked)

    @asynccontextmanager
    async def _alone(self, flight: Flight, course: Course) -> AsyncGenerator[None]:
        """One identical call at a time in this process; the others wait for what it brings, within their deadline."""
        while (first := self.flights.get(flight)) is not None:
            course.progress(_WAITING, 0)
            with anyio.move_on_after(course.deadline - self.clock.steady()) as patience:
                await first.wait()
            if patience.cancelled_caught:
                break
        done = self.flights[flight] = anyio.Event()
        try:
            yield
        finally:
            if self.flights.get(flight) is done:
                del self.flights[flight]
            done.set()

    def _kept(self, outcome: Outcome) -> KeptAnswer:
        return KeptAnswer(
            text=outcome.completion.text,
            model=outcome.candidate.model_id,
            tier=outcome.candidate.tier,
            usage=outcome.completion.usage,
            notes=outcome.completion.notes,
            call_id=outcome.call_id,
            answered_at=self.clock.now(),
        )

    async def _write(self, key: str, kept: KeptAnswer) -> None:
        try:
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(self.store.write, key, kept)
        except LedgerError as error:
            logger.warning("%s", error)


def _kind(brief: Brief) -> str:
    """The work of a private call, which is routed by being private."""
    return classify(brief.prompt, [sent.path for sent in brief.files]).task_type


def _key(request: DelegateRequest, brief: Brief, plan: RoutePlan, rules: Rules) -> str:
    """The digest of all that an answer hangs on: every word that is sent, and which models may answer.

    The rule is part of it with its whole row and what the environment puts before it, so that who changes one is
    answered anew; so is our version.
    """
    rule = next((repr(row) for row in rules.rows.values() if row.name == plan.rule), plan.rule)
    told = {
        "version": __version__,
        "messages": [(message.role, message.text) for message in brief.messages],
        "images": [hashlib.sha256(image.data).hexdigest() for image in brief.images],
        "schema": None if brief.json_schema is None else dict(brief.json_schema),
        "models": (plan.task_type, plan.complexity, plan.private, rule, repr(rules.overrides), request.model),
    }
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _lasts(outcome: Outcome) -> bool:
    """A whole answer, to all that was to be read, of a model that was meant to give it."""
    completion = outcome.completion
    if outcome.parts is not None and outcome.parts.unread:
        return False
    return completion.finish_reason == "stop" and not completion.sources and not outcome.candidate.demo


def _repeated(kept: KeptAnswer, course: Course, plan: RoutePlan) -> Outcome:
    return Outcome(
        call_id=course.call_id,
        completion=Completion(text=kept.text, finish_reason="stop", usage=kept.usage, notes=kept.notes),
        candidate=Candidate(kept.model, kept.tier, "answered an identical call"),
        plan=plan,
        attempts=tuple(course.attempts),  # old turns of a thread may have been condensed for it
        repeated=Repeated(kept.call_id, kept.answered_at),
    )
