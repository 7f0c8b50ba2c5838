"""One candidate's turn in a call: a place in its windows, the attempt, and one more try where that may help."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import count

from delegate_mcp.config.settings import CallSettings
from delegate_mcp.dispatch.attempt import Accept, Attempter, Keep, Limits, Price, Service, anything
from delegate_mcp.dispatch.clock import Clock
from delegate_mcp.dispatch.line import WAITABLE, Lines
from delegate_mcp.dispatch.reactions import REACTIONS, jitter_s
from delegate_mcp.dispatch.refusals import told
from delegate_mcp.domain.brief import Brief
from delegate_mcp.domain.errors import ErrorKind, ProviderError
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.outcome import Attempt, Completion
from delegate_mcp.domain.plan import Candidate, PassedOver
from delegate_mcp.domain.request import OnLimit
from delegate_mcp.domain.usage import ZERO, Usage
from delegate_mcp.ledger.base import Ledger, Refusal, Reserve
from delegate_mcp.providers.base import Ask, Provider

# Less time than this is not worth an attempt.
LEAST_TIME_S = 0.5
# A reservation outlives its attempt's own limit by this much, so that a slow end does not free it early.
LEASE_MARGIN_S = 30.0


@dataclass(frozen=True, slots=True)
class TurnedBack:
    """An answer that was not accepted."""

    who: ModelId
    completion: Completion
    problem: str


@dataclass(slots=True, kw_only=True)
class Course:
    """How one call goes: what was tried so far, and who had no place for it."""

    call_id: str
    brief: Brief
    on_limit: OnLimit
    accept: Accept
    progress: Callable[[str, int], None]
    """Who is at it (or what is waited for), and the output tokens so far."""
    deadline: float
    """On the steady clock."""
    provider: Callable[[str], Provider]
    attempts: list[Attempt] = field(default_factory=list[Attempt])
    turned_away: list[PassedOver] = field(default_factory=list[PassedOver])
    stopped: bool = False
    """Nobody else is to be asked."""
    turned_back: list[TurnedBack] | None = None
    """Where it is kept what was not accepted, the first such answer ends the asking; None: the next is asked."""
    keep: Keep | None = None
    """Given the call's answer before its attempt is settled. Not for what is asked on the way to it."""
    aside: bool = False
    """A question of our own on the way to the answer: it shows nothing of who is good at the call's work."""
    proved: list[tuple[ModelId, bool]] = field(default_factory=list[tuple[ModelId, bool]])
    """Whose answers were put to the proof, and whether they stood."""
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    """Of the attempts; shared by courses that are one call."""

    def question(self, brief: Brief, accept: Accept = anything) -> "Course":
        """The course of a question of our own: in the same record and time, and its end changes nothing of the call."""
        return replace(
            self,
            brief=brief,
            on_limit="degrade",
            accept=accept,
            turned_away=[],
            stopped=False,
            keep=None,
            aside=True,
        )

    def next_number(self) -> int:
        """The number of the attempt that begins now."""
        return next(self.numbers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """Gives candidates their turns."""

    ledger: Ledger
    lines: Lines
    services: Mapping[str, Service]
    clock: Clock
    settings: CallSettings
    price: Price
    daily_usd: Decimal | None
    """Cap on what paid models may cost a day; None: they are off."""

    def left(self, course: Course) -> float:
        """Seconds until the call's deadline."""
        return course.deadline - self.clock.steady()

    async def take(self, course: Course, candidate: Candidate, spoke: Callable[[], None]) -> Completion | None:
        """The candidate's answer, or None: the course then holds what came in its place."""
        if await self._unpriced(course, candidate):
            return None
        may_retry = True
        while self.left(course) > LEAST_TIME_S:
            number = course.next_number()
            refusal = await self._place(course, candidate, number)
            if refusal is not None:
                course.turned_away.append(told(refusal, candidate, self.clock.now()))
                course.stopped = course.on_limit == "fail" and refusal.why in WAITABLE
                return None
            try:
                result = await self._attempt(course, candidate, number, spoke)
            finally:
                self.lines.stir(candidate.model_id.provider)
            if isinstance(result, Completion):
                return result
            if result.kind is ErrorKind.RATE_LIMITED and course.on_limit != "degrade":
                course.stopped = course.on_limit == "fail"
                if course.stopped:
                    return None
                continue  # it waits: the ledger now knows until when
            reaction = REACTIONS[result.kind].then
            course.stopped = reaction == "stop" or bool(course.turned_back)
            pause = jitter_s()
            if reaction != "retry" or not may_retry or self.left(course) <= pause + LEAST_TIME_S:
                return None
            may_retry = False
            await self.clock.sleep(pause)
        return None

    async def _unpriced(self, course: Course, candidate: Candidate) -> bool:
        """Whether it is paid and nobody knows what it costs: no cap could hold it."""
        unpriced = candidate.tier == "paid" and await self.price(candidate, Usage(1, 1)) is None
        if unpriced:
            why = "paid, and its price is not known, so that no cap could hold it"
            course.turned_away.append(PassedOver(str(candidate.model_id), why))
        return unpriced

    async def _place(self, course: Course, candidate: Candidate, number: int) -> Refusal | None:
        """Reserve; where the caller asked to wait, stand in line for it."""
        ask = await self._asking(course, candidate, number)
        refusal = await self.ledger.reserve(ask)
        if refusal is None or course.on_limit != "wait" or refusal.why not in WAITABLE:
            return refusal
        if refusal.until is not None and refusal.until - self.clock.now() >= self.left(course):
            return refusal

        def tell(seconds: float) -> None:
            course.progress(f"waiting {seconds:.0f} s for room at {candidate.model_id}", 0)

        tell(max(0.0, (refusal.until or self.clock.now()) - self.clock.now()))
        return await self.lines.wait(ask, renew=self._renewed(course), deadline=course.deadline, tell=tell)

    async def _asking(self, course: Course, candidate: Candidate, number: int) -> Reserve:
        ceiling = candidate.options.max_output_tokens
        worst = Usage(course.brief.counted_tokens, ceiling)
        now = self.clock.now()
        return Reserve(
            call_id=course.call_id,
            number=number,
            model_id=candidate.model_id,
            tier=candidate.tier,
            now=now,
            tokens=worst.total,
            lease_until=now + self.left(course) + LEASE_MARGIN_S,
            limits=candidate.limits,
            reset=candidate.reset,
            usd=await self.price(candidate, worst) or ZERO,
            daily_usd=self.daily_usd if candidate.tier == "paid" else None,
            key_mark=self._service(candidate).key_mark,
        )

    def _renewed(self, course: Course) -> Callable[[Reserve], Reserve]:
        def renew(ask: Reserve) -> Reserve:
            now = self.clock.now()
            return replace(ask, now=now, lease_until=now + self.left(course) + LEASE_MARGIN_S)

        return renew

    async def _attempt(
        self, course: Course, candidate: Candidate, number: int, spoke: Callable[[], None]
    ) -> Completion | ProviderError:
        left = max(self.left(course), LEAST_TIME_S)
        service = self._service(candidate)
        attempter = Attempter(
            call_id=course.call_id,
            ledger=self.ledger,
            clock=self.clock,
            price=self.price,
            accept=_accepting(course, candidate.model_id),
            input_tokens=course.brief.counted_tokens,
            record=course.attempts.append,
            aside=course.aside,
            keep=course.keep,
        )

        def heard(tokens: int) -> None:
            spoke()
            course.progress(str(candidate.model_id), tokens)

        course.progress(str(candidate.model_id), 0)
        return await attempter.run(
            number,
            candidate,
            provider=course.provider(candidate.model_id.provider),
            service=service,
            ask=Ask(
                model=candidate.model_id.model,
                messages=course.brief.messages,
                options=candidate.options,
                json_schema=course.brief.json_schema,
                edit_in=course.brief.edit_in,
                connect_timeout_s=min(self.settings.connect_s, left),
                deadline_s=left,
            ),
            limits=Limits(
                first_token_s=left if service.patient else min(self.settings.first_token_s, left),
                idle_s=left if service.pauses else self.settings.idle_s,
                total_s=left,
            ),
            spoke=heard,
        )

    def _service(self, candidate: Candidate) -> Service:
        return self.services.get(candidate.model_id.provider, Service())


def _accepting(course: Course, who: ModelId) -> Accept:
    """The course's own way to accept, which notes what it turns back where that is kept."""

    def accept(completion: Completion) -> str | None:
        problem = course.accept(completion)
        if problem is not None and course.turned_back is not None:
            course.turned_back.append(TurnedBack(who, completion, problem))
        return problem

    return accept
