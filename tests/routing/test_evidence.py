"""What a call that ended shows of the models that were asked for it."""

import pytest

from delegate_mcp.domain.errors import ErrorKind
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.outcome import Attempt
from delegate_mcp.domain.standing import VERDICT_WEIGHT, Piece
from delegate_mcp.routing.evidence import Ended, pieces_of

A, B = ModelId("groq", "a"), ModelId("gemini", "b")


def attempt(model: ModelId = A, kind: ErrorKind | None = None, *, ms: float = 0.0, aside: bool = False) -> Attempt:
    outcome = "ok" if kind is None else "failed"
    return Attempt(number=1, model_id=model, tier="free", outcome=outcome, error_kind=kind, latency_ms=ms, aside=aside)


def shown(*attempts: Attempt, schema: bool = False, proved: tuple[tuple[ModelId, bool], ...] = ()) -> tuple[Piece, ...]:
    call = Ended(task_type="quick", attempts=attempts, deadline_s=100.0, schema=schema, proved=proved)
    return pieces_of(call)


def of(model: ModelId = A, **counts: float) -> Piece:
    return Piece(model_id=model, task_type="quick", **counts)


def test_a_plain_answer_shows_that_the_model_is_there_less_the_time_it_took() -> None:
    assert shown(attempt(ms=25_000)) == (of(presence_good=0.75, presence_bad=0.25),)
    assert shown(attempt(ms=900_000)) == (of(presence_good=0, presence_bad=1),)


def test_a_schema_that_is_met_shows_its_worth_too() -> None:
    assert shown(attempt(), schema=True) == (of(worth_good=1, presence_good=1),)


@pytest.mark.parametrize("kind", ErrorKind)
def test_each_kind_of_failure_shows_what_it_says_of_the_model(kind: ErrorKind) -> None:
    expected = {
        ErrorKind.BAD_ANSWER: (of(worth_bad=1),),
        ErrorKind.REFUSED: (of(worth_bad=1),),
        ErrorKind.NETWORK: (of(presence_bad=1),),
        ErrorKind.TIMEOUT: (of(presence_bad=1),),
        ErrorKind.OVERLOADED: (of(presence_bad=1),),
    }
    assert shown(attempt(kind=kind)) == expected.get(kind, ())


def test_a_cancel_shows_nothing() -> None:
    assert shown(Attempt(number=1, model_id=A, tier="free", outcome="cancelled", latency_ms=9.0)) == ()


def test_our_own_questions_are_other_work() -> None:
    assert shown(attempt(aside=True), attempt(B, ErrorKind.BAD_ANSWER, aside=True), schema=True) == ()


def test_each_try_of_a_check_counts_for_who_wrote_it() -> None:
    found = shown(attempt(), attempt(B), proved=((A, False), (B, True)))
    assert found[2:] == (of(worth_bad=1), of(B, worth_good=1))


def test_every_attempt_of_a_call_counts_for_its_own_model() -> None:
    found = shown(attempt(kind=ErrorKind.TIMEOUT), attempt(kind=ErrorKind.TIMEOUT), attempt(B))
    assert found == (of(presence_bad=1), of(presence_bad=1), of(B, presence_good=1))


def test_a_verdict_weighs_more_than_an_answer() -> None:
    assert Piece.of_verdict("good", A, "quick") == of(worth_good=VERDICT_WEIGHT)
    assert Piece.of_verdict("bad", A, "quick") == of(worth_bad=VERDICT_WEIGHT)
