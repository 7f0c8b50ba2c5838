"""Several models answer the same question, blind; what most of them say is the answer.

Where they differ in words a judge looks whether they differ in sense; where no more than half agree, each sees what the
others said and answers again, in three rounds at most. All of it is one call: its attempts, its deadline, its record.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import anyio

from delegate_mcp.dispatch import agreement
from delegate_mcp.dispatch.agreement import Group
from delegate_mcp.dispatch.attempt import anything
from delegate_mcp.dispatch.dispatcher import FREE, Dispatcher, nobody_listens
from delegate_mcp.dispatch.turn import LEAST_TIME_S, Course
from delegate_mcp.domain.brief import Brief, Message
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.outcome import Completion, Outcome
from delegate_mcp.domain.plan import Candidate, RoutePlan
from delegate_mcp.domain.usage import estimate_tokens

ROUNDS = 3
# The same model asked again must not say the same for want of chance.
_TEMPERATURE = 0.9
_LEAST_TOKENS = 256


@dataclass(slots=True)
class Voter:
    """One of those who are asked, and what it said last."""

    candidate: Candidate
    completion: Completion | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """Holds votes."""

    dispatcher: Dispatcher

    async def run(self, course: Course, plan: RoutePlan, votes: int) -> Outcome:
        """What most say. AllAttemptsFailedError and NoCandidateError as the dispatcher's, where nobody answers."""
        brief = course.brief
        asked = brief if brief.json_schema else _with(brief, agreement.CLOSING)
        voters, reserve = _chosen(plan.candidates, votes, asked.counted_tokens)
        await self._ask(course, [(voter, asked) for voter in voters])
        answered = await self._filled(course, voters, reserve, asked)
        if not answered:
            raise self.dispatcher.failure(course, plan)
        rounds = 1
        groups = await self._groups(course, brief, answered)
        while not agreement.majority(groups, len(answered)) and rounds < ROUNDS and self._time(course):
            rounds += 1
            said = [_text(voter) for voter in answered]
            again = [
                (voter, _after(asked, said[place], agreement.seen_by(place, said)))
                for place, voter in enumerate(answered)
            ]
            await self._ask(course, again)
            groups = await self._groups(course, brief, answered)
        winner = answered[groups[0].members[0]]
        if winner.completion is None:
            raise self.dispatcher.failure(course, plan)
        names = [_name(voter.candidate.model_id) for voter in answered]
        finals = [_final(voter, brief) for voter in answered]
        outcome = self.dispatcher.outcome(course, plan, winner.candidate, winner.completion)
        return replace(outcome, tally=agreement.tally(groups, names, finals, rounds=rounds, asked=votes))

    async def _ask(self, course: Course, asked: Sequence[tuple[Voter, Brief]]) -> None:
        """All of them at once. Who does not answer keeps what it said before."""

        async def ask(voter: Voter, brief: Brief) -> None:
            own = replace(course, brief=brief, keep=None)
            completion = await self.dispatcher.turns.take(own, voter.candidate, nobody_listens)
            voter.completion = completion or voter.completion

        async with anyio.create_task_group() as tasks:
            for voter, brief in asked:
                tasks.start_soon(ask, voter, brief)

    async def _filled(
        self, course: Course, voters: Sequence[Voter], reserve: list[Candidate], asked: Brief
    ) -> list[Voter]:
        """Those who answered, with others in the places of those who did not."""
        answered = [voter for voter in voters if voter.completion]
        while (missing := len(voters) - len(answered)) and reserve and self._time(course):
            more = [Voter(candidate) for candidate in reserve[:missing]]
            del reserve[:missing]
            await self._ask(course, [(voter, asked) for voter in more])
            answered += [voter for voter in more if voter.completion]
        return answered

    async def _groups(self, course: Course, brief: Brief, answered: Sequence[Voter]) -> tuple[Group, ...]:
        forms = [
            agreement.normal_form(_final(voter, brief), as_json=brief.json_schema is not None) for voter in answered
        ]
        groups = agreement.grouped(forms)
        plain = brief.json_schema is not None or agreement.plain(forms)
        if agreement.majority(groups, len(answered)) or plain or not self._time(course):
            return groups
        return await self._judged(course, brief, answered) or groups

    async def _judged(self, course: Course, brief: Brief, answered: Sequence[Voter]) -> tuple[Group, ...] | None:
        """What a judge says: the first who answered, at temperature 0. None where it says nothing of use."""
        text = agreement.question_for_judge(brief.prompt, [_text(voter) for voter in answered])
        question = replace(
            brief, messages=(Message("user", text),), input_tokens=estimate_tokens(text), json_schema=None, edit_in=None
        )
        judge = answered[0].candidate
        calm = replace(judge.options, temperature=0.0, web_search=False)
        own = replace(course, brief=question, accept=anything, keep=None, aside=True)
        completion = await self.dispatcher.turns.take(own, replace(judge, options=calm), nobody_listens)
        return agreement.judged(completion.text, len(answered)) if completion else None

    def _time(self, course: Course) -> bool:
        return not course.stopped and self.dispatcher.turns.left(course) > LEAST_TIME_S


def _chosen(candidates: Sequence[Candidate], votes: int, read: int) -> tuple[list[Voter], list[Candidate]]:
    """Who votes, and who is left to take a place: different vendors first, the same model at another service last.

    Paid ones only where no other is there.
    """
    free = [row for row in candidates if row.tier in FREE] or list(candidates)
    firsts: list[Candidate] = []
    others: list[Candidate] = []
    elsewhere: list[Candidate] = []
    vendors: set[str] = set()
    models: set[str] = set()
    for row in free:
        vendor, model = _vendor(row.model_id), row.model_id.bare
        (elsewhere if model in models else others if vendor in vendors else firsts).append(row)
        vendors.add(vendor)
        models.add(model)
    order = [*firsts, *others, *elsewhere]
    picked = order[:votes]
    again = [replace(row, options=replace(row.options, temperature=_TEMPERATURE)) for row in order]
    while picked and len(picked) < votes:  # too few models: the same ones once more, by chance differently
        picked += again[: votes - len(picked)]
    times = Counter(row.model_id for row in picked)
    return [Voter(_sharing(row, times[row.model_id], read)) for row in picked], order[votes:]


def _sharing(candidate: Candidate, times: int, read: int) -> Candidate:
    """One of several that ask the same model at once: its ceiling was made to fit a whole minute of that model."""
    if times == 1:
        return candidate
    ceiling = max(_LEAST_TOKENS, (candidate.options.max_output_tokens + read) // times - read)
    least = min(ceiling, candidate.options.max_output_tokens)
    return replace(candidate, options=replace(candidate.options, max_output_tokens=least))


def _vendor(model_id: ModelId) -> str:
    maker, slash, _ = model_id.model.rpartition("/")
    return maker.rpartition("/")[2].lower() if slash else model_id.provider


def _with(brief: Brief, words: str) -> Brief:
    """The brief with a sentence at the end of what is asked last."""
    *before, last = brief.messages
    messages = (*before, replace(last, text=f"{last.text}\n\n{words}"))
    return replace(brief, messages=messages, input_tokens=brief.input_tokens + estimate_tokens(words))


def _after(brief: Brief, own: str, others: str) -> Brief:
    """The brief as a talk that goes on: what it said, and what the others said."""
    closing = "" if brief.json_schema else f"\n\n{agreement.CLOSING}"
    more = (Message("assistant", own), Message("user", f"{others}{closing}"))
    tokens = sum(estimate_tokens(message.text) for message in more)
    return replace(brief, messages=(*brief.messages, *more), input_tokens=brief.input_tokens + tokens)


def _text(voter: Voter) -> str:
    return voter.completion.text if voter.completion else ""


def _final(voter: Voter, brief: Brief) -> str:
    return _text(voter) if brief.json_schema else agreement.final_answer(_text(voter))


def _name(model_id: ModelId) -> str:
    return model_id.model.rpartition("/")[2]
