"""One attempt: its limits on silence, and a provider that fails in a way it should not."""

import logging

import anyio
import anyio.lowlevel
import pytest

from delegate_mcp.config.settings import CallSettings
from delegate_mcp.dispatch.attempt import Service
from delegate_mcp.domain.errors import ErrorKind, LedgerError
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.outcome import Completion
from delegate_mcp.providers.base import Ask, Report
from tests.dispatch.test_dispatcher import GEMINI, GROQ, Bench, candidate
from tests.fakes.provider import Silent, answers, fails


async def test_a_model_of_this_machine_that_stops_in_the_middle_of_its_answer_is_not_waited_for() -> None:
    settings = CallSettings(idle_s=0.01)
    stops = Silent(words=3)
    bench = Bench({"groq": [stops], "gemini": [answers("second")]}, settings=settings, service=Service(patient=True))
    with anyio.fail_after(60):
        outcome = await bench.run(candidate(GROQ), candidate(GEMINI))
    assert outcome.completion.text == "second"
    assert [attempt.error_kind for attempt in outcome.attempts] == [ErrorKind.TIMEOUT, ErrorKind.TIMEOUT, None]


async def test_a_cli_may_be_silent_in_the_middle_of_its_answer() -> None:
    settings = CallSettings(idle_s=1e-9)
    works = Silent(words=3)
    bench = Bench({"groq": [works]}, settings=settings, service=Service(patient=True, pauses=True))
    texts: list[str] = []

    async def run() -> None:
        texts.append((await bench.run(candidate(GROQ))).completion.text)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        await works.asked.wait()
        for _ in range(20):  # more than it takes for the limit that must not hold to end it
            await anyio.lowlevel.checkpoint()
        works.go_on.set()
    assert texts == ["late"]


async def test_a_defect_is_logged_in_a_line_and_its_traceback_only_for_who_looks_for_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def breaks(_: Ask, _report: Report) -> Completion:
        raise KeyError("choices")

    bench = Bench({"groq": [breaks], "gemini": [answers("second")]})
    with caplog.at_level(logging.DEBUG, "delegate_mcp"):
        outcome = await bench.run(candidate(GROQ), candidate(GEMINI))
    assert outcome.attempts[0].error_kind is ErrorKind.BAD_ANSWER
    told = [(record.levelname, record.exc_info is not None) for record in caplog.records]
    assert told == [("WARNING", False), ("DEBUG", True)]
    assert caplog.records[0].getMessage() == "groq failed in a way it should not: KeyError"


async def test_an_answer_is_given_to_who_keeps_it_before_its_attempt_is_settled() -> None:
    bench = Bench({"groq": [fails(ErrorKind.REFUSED)], "gemini": [answers("kept")]})
    kept: list[tuple[str, ModelId, int]] = []

    async def keep(who: ModelId, completion: Completion) -> None:
        kept.append((completion.text, who, await bench.reserved()))

    outcome = await bench.run(candidate(GROQ), candidate(GEMINI), keep=keep)
    assert kept == [("kept", GEMINI, 1)]
    assert outcome.completion.text == "kept"
    assert await bench.reserved() == 0


async def test_an_answer_that_cannot_be_kept_ends_the_call_and_is_counted_all_the_same() -> None:
    bench = Bench({"groq": [answers("lost")], "gemini": [answers("never asked for")]})

    async def keep(_: ModelId, __: Completion) -> None:
        raise LedgerError("The disk is full.")

    with pytest.raises(LedgerError):
        await bench.run(candidate(GROQ), candidate(GEMINI), keep=keep)
    use = (await bench.snapshot()).use
    assert list(use) == [GROQ]
    assert (use[GROQ].requests_minute, use[GROQ].tokens_minute, use[GROQ].reserved_requests) == (1, 15, 0)
