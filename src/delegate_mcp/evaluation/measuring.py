"""Prompts over models: answers, judgements, and what they come to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import mean

import anyio

from delegate_mcp.catalog.rubric import Measured
from delegate_mcp.domain.errors import DelegateError, LedgerError, NoCandidateError
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.evaluation import judging
from delegate_mcp.evaluation.asking import Asking, Reply
from delegate_mcp.evaluation.cases import Case, Judged
from delegate_mcp.reporting.sums import percentile
from delegate_mcp.routing.credible import bounds

LEAST = 5
"""Of fewer prompts no rubric is written."""
INSIDE = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A model at a kind of work."""

    model_id: ModelId
    task_type: str
    scores: tuple[float, ...]
    """Of each answer, 0 to 1."""
    latencies_ms: tuple[float, ...]
    cost_usd: float
    unmeasured: tuple[str, ...] = ()
    """Why nothing can be said of the other prompts."""

    @property
    def mean(self) -> float | None:
        """None of nothing."""
        return mean(self.scores) if self.scores else None

    @property
    def interval(self) -> tuple[float, float]:
        """Between which it lies, nine times of ten."""
        good = sum(self.scores)
        found = bounds(1 + good, 1 + len(self.scores) - good, INSIDE)
        return found.low, found.high

    @property
    def latency_ms(self) -> float | None:
        """The median."""
        return percentile(sorted(self.latencies_ms), 0.5)

    def measured(self, now: float) -> Measured | None:
        """The row of the rubric; None: too few prompts."""
        if self.mean is None or len(self.scores) < LEAST:
            return None
        day = datetime.fromtimestamp(now, UTC).date().isoformat()
        low, high = self.interval
        source = f"measured {day}, {len(self.scores)} prompts, {low:.2f} to {high:.2f}"
        return Measured(self.model_id, self.task_type, round(self.mean * 10), source)


@dataclass(slots=True, kw_only=True)
class Measuring:
    """One evaluation."""

    asking: Asking
    cases: Sequence[Case]
    models: Sequence[ModelId]
    judge: ModelId | None
    """Who judges where it may; None: see `judging`."""
    replies: dict[ModelId, list[Reply]] = field(default_factory=dict[ModelId, list[Reply]])
    left_out: dict[ModelId, str] = field(default_factory=dict[ModelId, str])
    """Models that could not be asked at all, and why."""
    judged: dict[tuple[ModelId, int], float | str] = field(default_factory=dict[tuple[ModelId, int], float | str])
    """By model and prompt: the judge's score, or why there is none."""
    _stopped: LedgerError | None = None

    async def run(self) -> list[Score]:
        """Ask, judge and sum up. LedgerError: what was settled is kept, and the next start goes on."""
        await self.choose_judges()
        async with anyio.create_task_group() as tasks:
            for model in self.models:
                if model not in self.left_out:
                    tasks.start_soon(self._ask, model)
        self._go_on()
        await self._judge()
        self._go_on()
        kinds = dict.fromkeys(case.kind for case in self.cases)
        return [self._score(model, kind) for model in self.replies for kind in kinds]

    async def _ask(self, model: ModelId) -> None:
        try:
            self.replies[model] = await self.asking.replies(str(model), [case.call(str(model)) for case in self.cases])
        except LedgerError as error:
            self._stopped = error
        except DelegateError as error:
            self.left_out[model] = _why(error)

    def _go_on(self) -> None:
        """A group of tasks would wrap what one of them raised."""
        if self._stopped is not None:
            raise self._stopped

    # --- Judges ------------------------------------------------------------------------------------------------------

    async def choose_judges(self) -> None:
        """Say who judges whom, before anybody is asked: a model is left out where nothing could be said of it."""
        to_judge = [case for case in self.cases if isinstance(case.check, Judged)]
        for private in {_private(case) for case in to_judge}:
            able = await judging.able_to_judge(self.asking.app, private=private)
            named = () if self.judge is None or private else (self.judge,)
            for model in self.models:
                found = judging.judge_for(model, (*named, *able))
                if found is not None:
                    self.judges.setdefault(_judged(model, private=private), str(found))
        for model in self.models:
            lacking = [case for case in to_judge if _judged(model, private=_private(case)) not in self.judges]
            if lacking and len(lacking) == len(self.cases):
                self.left_out[model] = judging.nobody(model, private=_private(lacking[0]))

    @property
    def judges(self) -> dict[str, str]:
        """Who judges whose answers."""
        return self.asking.noted.judges

    async def _judge(self) -> None:
        work: dict[str, list[tuple[ModelId, int]]] = {}
        for model, replies in self.replies.items():
            for number, (case, reply) in enumerate(zip(self.cases, replies, strict=True)):
                if isinstance(case.check, Judged) and reply.answer is not None:
                    judge = self.judges.get(_judged(model, private=_private(case)))
                    if judge is not None:
                        work.setdefault(judge, []).append((model, number))
                    else:
                        self.judged[model, number] = judging.nobody(model, private=_private(case))
        async with anyio.create_task_group() as tasks:
            for judge, rows in work.items():
                tasks.start_soon(self._judgements, judge, rows)

    async def _judgements(self, judge: str, rows: Sequence[tuple[ModelId, int]]) -> None:
        items = [
            judging.question(self.cases[number], self.replies[model][number].answer or "", judge)
            for model, number in rows
        ]
        try:
            replies = await self.asking.replies(f"judge {judge}", items)
        except LedgerError as error:
            self._stopped = error
            return
        except DelegateError as error:
            replies = [Reply(answer=None, error=_why(error))] * len(rows)
        for row, reply in zip(rows, replies, strict=True):
            said = None if reply.answer is None else judging.score_of(reply.answer)
            self.judged[row] = f"{judge} did not judge it: {reply.error}" if said is None else said

    # --- Sums --------------------------------------------------------------------------------------------------------

    def _score(self, model: ModelId, kind: str) -> Score:
        mine = [
            (reply, self._of(model, number, reply))
            for number, (case, reply) in enumerate(zip(self.cases, self.replies[model], strict=True))
            if case.kind == kind
        ]
        return Score(
            model_id=model,
            task_type=kind,
            scores=tuple(found for _, found in mine if not isinstance(found, str)),
            latencies_ms=tuple(reply.latency_ms for reply, _ in mine if reply.latency_ms is not None),
            cost_usd=sum(reply.cost_usd for reply, _ in mine),
            unmeasured=tuple(found for _, found in mine if isinstance(found, str)),
        )

    def _of(self, model: ModelId, number: int, reply: Reply) -> float | str:
        """The score of an answer, or why there is none."""
        if reply.answer is None:
            return 0.0 if reply.wrong else reply.error
        found = self.cases[number].check.score(reply.answer)
        return self.judged[model, number] if found is None else found


def _private(case: Case) -> bool:
    return case.task_type == "private"


def _judged(model: ModelId, *, private: bool) -> str:
    """As it is noted; what is private is judged on this machine."""
    return f"{model} private" if private else str(model)


def _why(error: DelegateError) -> str:
    """In a line; of a model that cannot be asked its own reason."""
    if isinstance(error, NoCandidateError) and error.passed_over:
        return error.passed_over[0].why
    return str(error).partition("\n")[0]


def rows_to_write(scores: Sequence[Score], now: float) -> list[Measured]:
    """The rubric that these scores make."""
    return [row for score in scores if (row := score.measured(now)) is not None]


def expected_calls(cases: Sequence[Case], models: Sequence[ModelId]) -> Mapping[str, int]:
    """How many calls each model would be asked, and how many the judges."""
    judged = sum(isinstance(case.check, Judged) for case in cases)
    return {**{str(model): len(cases) for model in models}, **({"judges": judged * len(models)} if judged else {})}
