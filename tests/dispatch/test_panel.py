"""Several models answer the same question; what most of them say is the answer."""

from dataclasses import replace

import pytest

from delegate_mcp.dispatch.attempt import Keep
from delegate_mcp.dispatch.panel import Panel
from delegate_mcp.domain.errors import AllAttemptsFailedError, ErrorKind
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.outcome import Completion, Outcome
from delegate_mcp.domain.plan import Candidate, RoutePlan
from delegate_mcp.domain.usage import Usage
from delegate_mcp.providers.base import Ask, Report
from tests.dispatch.test_dispatcher import BRIEF, Bench, candidate
from tests.fakes.provider import Handler, answers, fails

ONE, TWO, THREE, FOUR = (ModelId(name, f"maker-{name}/model-{name}") for name in ("one", "two", "three", "four"))


def says(*texts: str) -> Handler:
    """One text after another; the last again and again."""
    left = list(texts)

    async def answer(_: Ask, report: Report) -> Completion:
        report(1)
        return Completion(text=left.pop(0) if len(left) > 1 else left[0], finish_reason="stop", usage=Usage(10, 5))

    return answer


def bench_of(**handlers: Handler) -> Bench:
    return Bench({name: [handler] for name, handler in handlers.items()})


def anything(_: Completion) -> str | None:
    return None


def unheard(_: str, __: int) -> None:
    pass


async def vote(bench: Bench, *rows: Candidate, votes: int = 3, keep: Keep | None = None) -> Outcome:
    plan = RoutePlan(
        task_type="reasoning", complexity="simple", confidence=1.0, rule="test", reason="a test", candidates=rows
    )
    course = bench.dispatcher.course(
        "c000000000001", BRIEF, private=False, on_limit="degrade", accept=anything, progress=unheard
    )
    course.keep = keep
    return await Panel(bench.dispatcher).run(course, plan, votes)


def rows(*model_ids: ModelId) -> list[Candidate]:
    return [candidate(model_id) for model_id in model_ids]


async def test_what_most_say_is_the_answer_and_the_dissent_is_told() -> None:
    bench = bench_of(one=says("I think\nANSWER: 41"), two=says("So\nANSWER: 42"), three=says("ANSWER: **42.0**"))
    outcome = await vote(bench, *rows(ONE, TWO, THREE))
    assert outcome.completion.text == "So\nANSWER: 42"
    assert outcome.candidate.model_id == TWO
    assert outcome.tally == "2 of 3 agree. Dissent: model-one: 41"
    assert [attempt.number for attempt in outcome.attempts] == [1, 2, 3]
    assert outcome.usage == Usage(30, 15)


async def test_they_answer_blind_and_know_how_to_close() -> None:
    bench = bench_of(one=says("ANSWER: a"), two=says("ANSWER: a"))
    await vote(bench, *rows(ONE, TWO), votes=2)
    for name in ("one", "two"):
        (ask,) = bench.providers[name].asks
        assert [message.role for message in ask.messages] == ["user"]
        assert ask.messages[0].text.startswith("hello\n\nEnd with one line `ANSWER: `")


async def test_the_same_model_at_another_service_votes_last() -> None:
    twin = ModelId("two", "model-one:free")
    bench = bench_of(one=says("ANSWER: a"), two=says("ANSWER: a"), three=says("ANSWER: a"))
    outcome = await vote(bench, *rows(ONE, twin, THREE), votes=2)
    assert [attempt.model_id for attempt in outcome.attempts] == [ONE, THREE]


async def test_without_a_majority_each_sees_the_others_and_answers_again() -> None:
    bench = bench_of(one=says("ANSWER: 1", "ANSWER: 3"), two=says("ANSWER: 2", "ANSWER: 3"), three=says("ANSWER: 3"))
    outcome = await vote(bench, *rows(ONE, TWO, THREE))
    assert outcome.tally == "3 of 3 agree after 2 rounds."
    again = bench.providers["one"].asks[1].messages
    assert [message.role for message in again] == ["user", "assistant", "user"]
    assert "ANSWER: 2" in again[2].text
    assert "ANSWER: 3" in again[2].text
    assert "ANSWER: 1" not in again[2].text


async def test_after_three_rounds_the_largest_group_stands() -> None:
    bench = bench_of(one=says("ANSWER: 1"), two=says("ANSWER: 2"), three=says("ANSWER: 3"))
    outcome = await vote(bench, *rows(ONE, TWO, THREE))
    assert outcome.tally == "1 of 3 agree after 3 rounds. Dissent: model-two: 2; model-three: 3"
    assert [len(bench.providers[name].asks) for name in ("one", "two", "three")] == [3, 3, 3]


async def test_a_judge_tells_the_same_in_other_words() -> None:
    bench = bench_of(
        one=says("ANSWER: a small red house", '{"groups": [[1, 2], [3]]}'),
        two=says("ANSWER: a house, red and small"),
        three=says("ANSWER: a castle"),
    )
    outcome = await vote(bench, *rows(ONE, TWO, THREE))
    assert outcome.tally == "2 of 3 agree. Dissent: model-three: a castle"
    judge = bench.providers["one"].asks[1]
    assert judge.options.temperature == 0.0
    assert "a castle" in judge.messages[0].text


async def test_who_fails_is_replaced_by_the_next_model() -> None:
    bench = bench_of(
        one=fails(ErrorKind.REFUSED), two=answers("ANSWER: a"), three=answers("ANSWER: a"), four=answers("ANSWER: b")
    )
    outcome = await vote(bench, *rows(ONE, TWO, THREE, FOUR))
    assert outcome.tally == "2 of 3 agree. Dissent: model-four: b"


async def test_where_nobody_answers_the_error_lists_every_failure() -> None:
    bench = bench_of(one=fails(ErrorKind.REFUSED), two=fails(ErrorKind.REFUSED))
    with pytest.raises(AllAttemptsFailedError) as caught:
        await vote(bench, *rows(ONE, TWO))
    assert {attempt.model_id for attempt in caught.value.attempts} == {ONE, TWO}


async def test_different_vendors_vote_first() -> None:
    bench = bench_of(one=answers("ANSWER: a"), two=answers("ANSWER: a"))
    same = ModelId("one", "maker-one/other-model")
    await vote(bench, *rows(ONE, same, TWO), votes=2)
    assert [ask.model for ask in bench.providers["one"].asks] == [ONE.model]
    assert len(bench.providers["two"].asks) == 1


async def test_too_few_models_are_asked_once_more_at_another_temperature() -> None:
    bench = bench_of(one=answers("ANSWER: a"))
    outcome = await vote(bench, *rows(ONE))
    assert outcome.tally == "3 of 3 agree."
    assert [ask.options.temperature for ask in bench.providers["one"].asks] == [None, 0.9, 0.9]


async def test_paid_models_do_not_vote_where_free_ones_are_there() -> None:
    bench = bench_of(one=answers("ANSWER: a"), two=answers("ANSWER: a"))
    paid = replace(candidate(TWO), tier="subscription")
    await vote(bench, paid, candidate(ONE), votes=2)
    assert not bench.providers["two"].asks


async def test_a_vote_is_not_the_answer_that_is_kept() -> None:
    bench = bench_of(one=answers("ANSWER: a"), two=answers("in other words"), three=answers("ANSWER: a"))
    kept: list[str] = []

    async def keep(_: ModelId, completion: Completion) -> None:
        kept.append(completion.text)

    await vote(bench, *rows(ONE, TWO, THREE), keep=keep)
    assert kept == []
