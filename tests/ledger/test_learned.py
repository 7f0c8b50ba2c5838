"""What every ledger promises of what use has shown."""

from dataclasses import replace

import pytest

from delegate_mcp.domain.standing import VERDICT_WEIGHT, WORTH, Piece, Standing, Tally
from delegate_mcp.ledger.base import Ledger
from tests.fakes.ledger_rows import GEMINI, GROQ, HERE, NOON, call_end, call_start

GOOD = Piece(model_id=GROQ, task_type="quick", worth_good=1.0, presence_good=0.9, presence_bad=0.1)
BAD = Piece(model_id=GROQ, task_type="quick", worth_bad=1.0)
AWAY = Piece(model_id=GEMINI, task_type="quick", presence_bad=1.0)


async def answered(ledger: Ledger, call_id: str, at: float = NOON) -> None:
    await ledger.begin_call(call_start(call_id, at))
    await ledger.end_call(call_end(call_id))


async def learn(ledger: Ledger, pieces: tuple[Piece, ...], at: float) -> None:
    """What a call of its own has shown."""
    call_id = f"c{at:.0f}"
    await ledger.begin_call(call_start(call_id, at))
    await ledger.learn(call_id, pieces, at)


def near(standing: Standing) -> tuple[object, ...]:
    """Numbers that came through a database."""
    tallies = (standing.worth, standing.presence)
    return tuple(pytest.approx(number) for tally in tallies for number in (tally.good, tally.bad, tally.at))


def numbers(standing: Standing) -> tuple[float, ...]:
    return tuple(number for t in (standing.worth, standing.presence) for number in (t.good, t.bad, t.at))


async def test_what_is_learned_adds_up_by_model_and_task_type_and_fades(ledger: Ledger) -> None:
    assert await ledger.standings() == {}
    await learn(ledger, (GOOD, AWAY, GOOD, replace(BAD, task_type="coding")), NOON)
    await learn(ledger, (BAD,), NOON + WORTH.half_life_s)
    expected = Standing().with_(GOOD, NOON).with_(GOOD, NOON).with_(BAD, NOON + WORTH.half_life_s)
    found = await ledger.standings()
    assert set(found) == {(GROQ, "quick"), (GROQ, "coding"), (GEMINI, "quick")}
    assert numbers(found[GROQ, "quick"]) == near(expected)
    assert found[GEMINI, "quick"].presence == Tally(0, 1, NOON)
    assert found[GEMINI, "quick"].worth == Tally()


async def test_what_a_call_has_shown_counts_once_however_often_it_is_told(ledger: Ledger) -> None:
    await answered(ledger, "a")
    await ledger.learn("a", (GOOD, AWAY), NOON)
    first = await ledger.standings()
    await ledger.learn("a", (GOOD, AWAY), NOON)  # the database went away before it could say that it was done
    assert await ledger.standings() == first
    await ledger.learn("never recorded", (GOOD,), NOON)
    assert await ledger.standings() == first
    await answered(ledger, "b")
    await ledger.learn("b", (GOOD,), NOON)
    assert (await ledger.standings())[GROQ, "quick"].worth.good > first[GROQ, "quick"].worth.good


YEAR_S = 365 * 86_400.0


async def test_what_was_learned_while_a_clock_was_ahead_fades_from_the_next_word_on(ledger: Ledger) -> None:
    await learn(ledger, (AWAY,), NOON + YEAR_S)
    await learn(ledger, (GOOD,), NOON)  # another model's: the clock is right again
    found = (await ledger.standings())[GEMINI, "quick"].presence
    assert (found.bad, found.at) == (1.0, NOON)
    await learn(ledger, (AWAY,), NOON + YEAR_S + 1)
    await answered(ledger, "a", NOON + 1)
    await ledger.judge("a", "good", "", NOON + 2)
    assert (await ledger.standings())[GEMINI, "quick"].presence.at == NOON + 2


async def test_clocks_that_differ_by_minutes_turn_nothing_back(ledger: Ledger) -> None:
    await learn(ledger, (AWAY,), NOON + 200)
    await learn(ledger, (GOOD,), NOON)
    assert (await ledger.standings())[GEMINI, "quick"].presence.at == NOON + 200


async def test_a_verdict_counts_for_who_answered_and_is_kept_with_why(ledger: Ledger) -> None:
    await answered(ledger, "a")
    row = await ledger.judge("a", "bad", "it made the name up" + "x" * 300, NOON + 5)
    assert row is not None
    assert (row.model_id, row.task_type, row.verdict, row.at) == (GROQ, "quick", "bad", NOON + 5)
    assert len(row.why) == 200
    assert await ledger.verdicts() == (row,)
    assert (await ledger.standings())[GROQ, "quick"].worth == Tally(0, VERDICT_WEIGHT, NOON + 5)
    (record,) = await ledger.records(0, NOON + 1)
    assert record.verdict == "bad"


async def test_a_later_verdict_takes_the_place_of_the_earlier(ledger: Ledger) -> None:
    await answered(ledger, "a")
    await ledger.judge("a", "bad", "wrong", NOON)
    await ledger.judge("a", "bad", "wrong, and rude", NOON + 1)  # says nothing new
    assert (await ledger.standings())[GROQ, "quick"].worth.bad == pytest.approx(VERDICT_WEIGHT)
    await ledger.judge("a", "good", "I had misread it", NOON + 2)
    worth = (await ledger.standings())[GROQ, "quick"].worth
    assert (worth.good, worth.bad) == (pytest.approx(VERDICT_WEIGHT), pytest.approx(0, abs=1e-4))
    assert [(row.verdict, row.why) for row in await ledger.verdicts()] == [("good", "I had misread it")]


async def test_only_an_answer_can_be_judged(ledger: Ledger) -> None:
    await ledger.begin_call(call_start("runs"))
    await ledger.begin_call(call_start("failed"))
    await ledger.end_call(call_end("failed", state="failed", candidate=None, tier=None, error="nobody answered"))
    for call_id in ("runs", "failed", "nobody"):
        assert await ledger.judge(call_id, "good", "", NOON) is None
    assert await ledger.verdicts() == ()
    assert await ledger.standings() == {}


async def test_verdicts_come_the_oldest_first(ledger: Ledger) -> None:
    for call_id in ("a", "b", "c"):
        await answered(ledger, call_id)
    for call_id, at in (("c", NOON), ("a", NOON + 1), ("b", NOON + 2)):
        await ledger.judge(call_id, "good", "", at)
    assert [row.call_id for row in await ledger.verdicts()] == ["c", "a", "b"]


async def test_a_call_keeps_the_arm_of_its_experiment(ledger: Ledger) -> None:
    await ledger.begin_call(replace(call_start("a"), arm="fast:b"))
    await ledger.begin_call(call_start("b", pid=HERE))
    first, second = await ledger.call("a"), await ledger.call("b")
    assert first is not None
    assert second is not None
    assert (first.arm, second.arm) == ("fast:b", "")
    assert [row.call.arm for row in await ledger.records(0, NOON + 1)] == ["fast:b", ""]


async def test_a_call_keeps_that_another_than_its_arm_answered(ledger: Ledger) -> None:
    for call_id, beyond in (("a", True), ("b", False)):
        await ledger.begin_call(replace(call_start(call_id), arm="fast:b"))
        await ledger.end_call(replace(call_end(call_id), beyond_arm=beyond))
    assert [row.call.beyond_arm for row in await ledger.records(0, NOON + 1)] == [True, False]


async def test_forgetting_calls_forgets_what_was_learned_of_them(ledger: Ledger) -> None:
    await answered(ledger, "a")
    await ledger.judge("a", "good", "as it should be", NOON)
    await ledger.forget_calls(NOON + 600)
    assert await ledger.verdicts() == ()
    assert await ledger.standings() == {}


async def test_old_records_go_with_their_verdicts_and_what_nothing_was_added_to_since(ledger: Ledger) -> None:
    for call_id, at in (("old", NOON), ("new", NOON + 100)):
        await answered(ledger, call_id, at)
        await ledger.judge(call_id, "good", "", at)
    await learn(ledger, (AWAY,), NOON)
    assert await ledger.prune(NOON + 50, NOON + 50) == 1
    assert [row.call_id for row in await ledger.verdicts()] == ["new"]
    assert set(await ledger.standings()) == {(GROQ, "quick")}
