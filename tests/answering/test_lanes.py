"""Questions about many parts at once: spread over the models that have room, waited for, and never lost."""

from dataclasses import replace
from typing import Any

import anyio.lowlevel

from delegate_mcp.answering.lanes import Lanes
from delegate_mcp.answering.material import Part, Piece
from delegate_mcp.answering.sizes import Reader
from delegate_mcp.domain.brief import Brief, Message
from delegate_mcp.domain.errors import ErrorKind, ProviderError
from delegate_mcp.domain.limit import Limit
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.outcome import Completion
from delegate_mcp.domain.usage import Usage
from delegate_mcp.providers.base import Ask, Report
from tests.dispatch.test_dispatcher import BRIEF, GEMINI, GROQ, ONE_A_MINUTE, Bench, candidate
from tests.fakes.provider import Handler, answers, fails

TEXT = "some words to read\n" * 60


def some_parts(number: int) -> list[Part]:
    return [Part(place, (Piece("file", f"f{place}", TEXT),)) for place in range(1, number + 1)]


def lanes_of(
    bench: Bench, told: list[str] | None = None, *, on_limit: Any = "degrade", seconds: float = 200.0
) -> Lanes:
    def tell(label: str, _: int) -> None:
        if told is not None:
            told.append(label)

    course = bench.dispatcher.course(
        "c000000000001", BRIEF, private=False, on_limit=on_limit, accept=lambda _: None, progress=tell
    )
    course.deadline = bench.time.at + seconds

    def brief_of(part: Part) -> Brief:
        return replace(BRIEF, messages=(Message("user", part.text),))

    return Lanes(dispatcher=bench.dispatcher, course=course, brief_of=brief_of)


def reader(model_id: ModelId, *limits: Limit) -> Reader:
    return Reader(candidate(model_id, limits=limits), 2_000)


def numbers(lanes: Lanes) -> list[int]:
    return sorted(part.number for part, _ in lanes.answered)


async def after_others(_: Ask, report: Report) -> Completion:
    await anyio.lowlevel.checkpoint()
    report(1)
    return Completion(text="a", finish_reason="stop", usage=Usage(10, 5))


async def test_all_parts_are_answered_over_all_models_and_progress_is_told() -> None:
    bench = Bench({"groq": [after_others], "gemini": [after_others]})
    told: list[str] = []
    lanes = lanes_of(bench, told)
    assert await lanes.ask(some_parts(7), [reader(GROQ), reader(GEMINI)]) == []
    assert numbers(lanes) == [1, 2, 3, 4, 5, 6, 7]
    assert bench.providers["groq"].asks
    assert bench.providers["gemini"].asks
    assert told[0] == "part 1 of 7"
    assert "part 7 of 7" in told
    assert len({attempt.number for attempt in lanes.course.attempts}) == 7
    assert await bench.reserved() == 0


async def test_a_model_without_room_gives_its_part_to_another_instead_of_waiting_with_it() -> None:
    bench = Bench({"groq": [answers("a")], "gemini": [answers("b")]})
    lanes = lanes_of(bench)
    assert await lanes.ask(some_parts(6), [reader(GROQ, *ONE_A_MINUTE), reader(GEMINI)]) == []
    assert numbers(lanes) == [1, 2, 3, 4, 5, 6]
    assert len(bench.providers["groq"].asks) == 1


async def test_where_nobody_has_room_the_minute_is_waited_for() -> None:
    bench = Bench({"groq": [answers("a")]})
    lanes = lanes_of(bench)
    assert await lanes.ask(some_parts(3), [reader(GROQ, *ONE_A_MINUTE)]) == []
    assert numbers(lanes) == [1, 2, 3]
    assert sum(bench.time.slept) >= 119


async def test_what_the_time_does_not_admit_is_left_unread() -> None:
    bench = Bench({"groq": [answers("a")]})
    lanes = lanes_of(bench, seconds=30.0)
    unread = await lanes.ask(some_parts(4), [reader(GROQ, *ONE_A_MINUTE)])
    assert len(lanes.answered) == 1
    assert len(unread) == 3
    assert bench.time.slept == []


async def test_on_limit_fail_stops_at_the_first_refusal() -> None:
    bench = Bench({"groq": [answers("a")]})
    lanes = lanes_of(bench, on_limit="fail")
    await lanes.ask(some_parts(4), [reader(GROQ, *ONE_A_MINUTE)])
    assert lanes.stopped
    assert len(lanes.answered) == 1
    assert bench.time.slept == []
    assert lanes.course.turned_away


async def test_a_refusal_of_the_service_is_waited_for_too() -> None:
    bench = Bench({"groq": [fails(ErrorKind.RATE_LIMITED, retry_after_s=20.0), answers("a")]})
    lanes = lanes_of(bench)
    assert await lanes.ask(some_parts(1), [reader(GROQ)]) == []
    assert bench.time.slept


def chokes_over(words: int) -> Handler:
    async def answer(ask: Ask, report: Report) -> Completion:
        if ask.messages[-1].text.count("read") > words:
            raise ProviderError(ErrorKind.TOO_LARGE, "too long")
        report(1)
        return Completion(text="read it", finish_reason="stop", usage=Usage(10, 5))

    return answer


async def test_a_part_that_is_too_large_after_all_is_read_in_halves() -> None:
    bench = Bench({"groq": [chokes_over(40)]})
    lanes = lanes_of(bench)
    (part,) = some_parts(1)
    assert await lanes.ask([part], [reader(GROQ)]) == []
    assert "".join(piece.text for part, _ in sorted(lanes.answered, key=lambda row: row[0].pieces[0].first_line)
                   for piece in part.pieces) == TEXT  # fmt: skip
    assert {part.number for part, _ in lanes.answered} == {1}


async def test_what_one_model_cannot_answer_another_is_asked() -> None:
    bench = Bench({"groq": [fails(ErrorKind.BAD_ANSWER)], "gemini": [answers("b")]})
    lanes = lanes_of(bench)
    assert await lanes.ask(some_parts(4), [reader(GROQ), reader(GEMINI)]) == []
    assert numbers(lanes) == [1, 2, 3, 4]


async def test_a_model_that_keeps_failing_is_given_up_and_the_parts_are_left_unread() -> None:
    bench = Bench({"groq": [fails(ErrorKind.REFUSED)]})
    lanes = lanes_of(bench)
    assert len(await lanes.ask(some_parts(40), [reader(GROQ)])) == 40
    assert 0 < len(bench.providers["groq"].asks) <= 6


async def test_a_key_that_is_not_accepted_is_not_waited_for() -> None:
    bench = Bench({"groq": [fails(ErrorKind.AUTH)]})
    lanes = lanes_of(bench)
    assert len(await lanes.ask(some_parts(4), [reader(GROQ)])) == 4
    assert sum(bench.time.slept) <= 20 * 4


async def test_a_request_that_is_wrong_stops_all() -> None:
    bench = Bench({"groq": [fails(ErrorKind.BAD_REQUEST)]})
    lanes = lanes_of(bench)
    await lanes.ask(some_parts(40), [reader(GROQ)])
    assert lanes.stopped
    assert len(bench.providers["groq"].asks) <= 4
