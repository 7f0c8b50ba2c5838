"""The dispatcher over a plain ledger and told providers: what a call does at limits, failures and silences."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import anyio
import pytest

from delegate_mcp.config.settings import CallSettings
from delegate_mcp.dispatch.attempt import Keep, Service
from delegate_mcp.dispatch.dispatcher import Dispatcher
from delegate_mcp.dispatch.lateness import Lateness
from delegate_mcp.dispatch.line import Lines
from delegate_mcp.dispatch.turn import Turns
from delegate_mcp.domain.brief import Brief, Message
from delegate_mcp.domain.errors import AllAttemptsFailedError, ErrorKind, NoCandidateError
from delegate_mcp.domain.limit import Limit
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.outcome import Outcome
from delegate_mcp.domain.plan import AskOptions, Candidate, RoutePlan, Tier
from delegate_mcp.domain.usage import Usage
from delegate_mcp.ledger.snapshot import LedgerSnapshot
from tests.fakes.clock import ManualTime
from tests.fakes.memory_ledger import MemoryLedger
from tests.fakes.provider import FakeProvider, Handler, Silent, answers, fails

GROQ, GEMINI = ModelId("groq", "fast"), ModelId("gemini", "lite")
BRIEF = Brief(messages=(Message("user", "hello"),), prompt="hello", input_tokens=10)
CEILING = 90
ONE_A_MINUTE = (Limit("requests", "minute", 1),)


def candidate(model_id: ModelId, *, tier: Tier = "free", limits: tuple[Limit, ...] = ()) -> Candidate:
    return Candidate(model_id, tier, "for the test", AskOptions(max_output_tokens=CEILING), limits=limits)


@dataclass
class Bench:
    """A dispatcher with everything it stands on."""

    handlers: Mapping[str, list[Handler]]
    time: ManualTime = field(default_factory=ManualTime)
    settings: CallSettings = field(default_factory=CallSettings)
    daily_usd: Decimal | None = None
    price: Decimal | None = Decimal(0)
    service: Service = field(default_factory=Service)
    ledger: MemoryLedger = field(init=False)
    dispatcher: Dispatcher = field(init=False)
    providers: dict[str, FakeProvider] = field(init=False)
    told: list[str] = field(default_factory=list[str])
    calls: int = 0

    def __post_init__(self) -> None:
        self.ledger = MemoryLedger(lambda: self.time.at)
        self.providers = {name: FakeProvider(name, list(given)) for name, given in self.handlers.items()}
        self.dispatcher = self.another_process()

    def another_process(self) -> Dispatcher:
        """A dispatcher of its own over the same ledger."""
        clock = self.time.clock

        async def price(_: Candidate, usage: Usage) -> Decimal | None:
            return None if self.price is None else self.price * usage.total

        turns = Turns(
            ledger=self.ledger,
            lines=Lines(self.ledger, clock),
            services=dict.fromkeys(self.handlers, self.service),
            clock=clock,
            settings=self.settings,
            price=price,
            daily_usd=self.daily_usd,
        )
        lateness = Lateness(self.ledger, clock, least_s=0.01)
        return Dispatcher(turns=turns, lateness=lateness, providers=self.get, local_providers=self.get)

    def get(self, name: str) -> FakeProvider:
        return self.providers[name]

    async def run(
        self,
        *candidates: Candidate,
        on_limit: Any = "degrade",
        dispatcher: Dispatcher | None = None,
        keep: Keep | None = None,
    ) -> Outcome:
        self.calls += 1
        plan = RoutePlan(
            task_type="quick",
            complexity="simple",
            confidence=1.0,
            rule="rules.toml:quick",
            reason="a test",
            candidates=candidates,
        )
        asked = dispatcher or self.dispatcher
        course = asked.course(
            f"c{self.calls:012d}",
            BRIEF,
            private=False,
            on_limit=on_limit,
            accept=lambda _: None,
            progress=lambda label, _: self.told.append(label),
        )
        course.keep = keep
        return await asked.run(course, plan)

    async def snapshot(self) -> LedgerSnapshot:
        return await self.ledger.snapshot(self.time.at, {})

    async def reserved(self) -> int:
        return sum(use.reserved_requests for use in (await self.snapshot()).use.values())


async def test_a_candidate_without_room_is_not_asked_and_the_next_answers_as_degraded() -> None:
    bench = Bench({"groq": [answers("first")], "gemini": [answers("second")]})
    pair = candidate(GROQ, limits=ONE_A_MINUTE), candidate(GEMINI)
    assert (await bench.run(*pair)).completion.text == "first"
    outcome = await bench.run(*pair)
    assert outcome.completion.text == "second"
    assert len(bench.providers["groq"].asks) == 1
    passed = outcome.plan.passed_over[0]
    assert (passed.model, passed.temporary) == ("groq:fast", True)
    assert "requests this minute are used" in passed.why
    assert [attempt.model_id for attempt in outcome.attempts] == [GEMINI]


async def test_where_nobody_has_room_the_error_says_when_and_nothing_was_sent() -> None:
    bench = Bench({"groq": [answers("first")]})
    only = candidate(GROQ, limits=ONE_A_MINUTE)
    await bench.run(only)
    bench.time.at += 20
    with pytest.raises(NoCandidateError) as caught:
        await bench.run(only)
    assert "40 s" in caught.value.advice
    assert len(bench.providers["groq"].asks) == 1


async def test_on_limit_fail_asks_nobody_else() -> None:
    bench = Bench({"groq": [answers("first")], "gemini": [answers("second")]})
    pair = candidate(GROQ, limits=ONE_A_MINUTE), candidate(GEMINI)
    await bench.run(*pair)
    with pytest.raises(NoCandidateError, match="60 s"):
        await bench.run(*pair, on_limit="fail")
    assert not bench.providers["gemini"].asks


async def test_on_limit_wait_waits_for_room_and_tells_how_long_before() -> None:
    bench = Bench({"groq": [answers("now")], "gemini": [answers("second")]})
    pair = candidate(GROQ, limits=ONE_A_MINUTE), candidate(GEMINI)
    await bench.run(*pair)
    outcome = await bench.run(*pair, on_limit="wait")
    assert outcome.candidate.model_id == GROQ
    assert any("waiting 60 s for room at groq:fast" in label for label in bench.told)
    assert sum(bench.time.slept) >= 60
    assert len(bench.time.slept) <= 120  # it sleeps, it does not spin


async def test_a_wait_beyond_the_deadline_degrades_at_once() -> None:
    bench = Bench({"groq": [answers("x")], "gemini": [answers("second")]}, settings=CallSettings(deadline_s=30))
    pair = candidate(GROQ, limits=ONE_A_MINUTE), candidate(GEMINI)
    await bench.run(*pair)
    outcome = await bench.run(*pair, on_limit="wait")
    assert outcome.completion.text == "second"
    assert bench.time.slept == []


async def test_waiting_calls_of_two_processes_are_served_first_come_first_served() -> None:
    bench = Bench({"groq": [answers("x")]}, settings=CallSettings(deadline_s=3000))
    only = candidate(GROQ, limits=ONE_A_MINUTE)
    processes = bench.dispatcher, bench.another_process()
    await bench.run(only)
    served: list[int] = []

    async def wait(number: int) -> None:
        await bench.run(only, on_limit="wait", dispatcher=processes[number % 2])
        served.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(6):
            tasks.start_soon(wait, number)
    # Each process keeps its own order; between them a call never waits for one that came later in the same process.
    assert [n for n in served if n % 2 == 0] == [0, 2, 4]
    assert [n for n in served if n % 2 == 1] == [1, 3, 5]


async def test_a_rate_limit_that_the_service_tells_is_waited_out_too() -> None:
    bench = Bench({"groq": [fails(ErrorKind.RATE_LIMITED, retry_after_s=7), answers("now")]})
    outcome = await bench.run(candidate(GROQ), on_limit="wait")
    assert [attempt.error_kind for attempt in outcome.attempts] == [ErrorKind.RATE_LIMITED, None]
    assert sum(bench.time.slept) >= 7


@pytest.mark.parametrize("kind", [ErrorKind.OVERLOADED, ErrorKind.NETWORK, ErrorKind.TIMEOUT])
async def test_what_may_pass_is_tried_once_more_then_the_next_is_asked(kind: ErrorKind) -> None:
    bench = Bench({"groq": [fails(kind)], "gemini": [answers("second")]})
    outcome = await bench.run(candidate(GROQ), candidate(GEMINI))
    assert [attempt.model_id for attempt in outcome.attempts] == [GROQ, GROQ, GEMINI]
    assert len(bench.time.slept) == 1


@pytest.mark.parametrize("kind", [ErrorKind.AUTH, ErrorKind.MODEL_GONE, ErrorKind.REFUSED, ErrorKind.TOO_LARGE])
async def test_what_will_not_pass_goes_to_the_next_at_once(kind: ErrorKind) -> None:
    bench = Bench({"groq": [fails(kind)], "gemini": [answers("second")]})
    outcome = await bench.run(candidate(GROQ), candidate(GEMINI))
    assert [attempt.model_id for attempt in outcome.attempts] == [GROQ, GEMINI]
    assert bench.time.slept == []


async def test_a_bad_request_of_ours_is_not_repeated_elsewhere() -> None:
    bench = Bench({"groq": [fails(ErrorKind.BAD_REQUEST)], "gemini": [answers("second")]})
    with pytest.raises(AllAttemptsFailedError):
        await bench.run(candidate(GROQ), candidate(GEMINI))
    assert not bench.providers["gemini"].asks


async def test_a_provider_that_keeps_failing_is_passed_over_by_all_and_probed_later() -> None:
    bench = Bench({"groq": [fails(ErrorKind.OVERLOADED)], "gemini": [answers("second")]})
    pair = candidate(GROQ), candidate(GEMINI)
    for _ in range(5):
        await bench.run(*pair)
    asked = len(bench.providers["groq"].asks)
    await bench.run(*pair, dispatcher=bench.another_process())
    assert len(bench.providers["groq"].asks) == asked
    bench.providers["groq"].handlers = [answers("well again")]
    bench.time.at += 31
    assert (await bench.run(*pair)).completion.text == "well again"


async def test_a_defect_of_a_backend_does_not_lose_the_call() -> None:
    async def broken(*_: Any) -> Any:
        raise RuntimeError("a bug")

    bench = Bench({"groq": [broken], "gemini": [answers("second")]})
    outcome = await bench.run(candidate(GROQ), candidate(GEMINI))
    assert outcome.attempts[0].error_kind is ErrorKind.BAD_ANSWER
    assert outcome.completion.text == "second"


async def test_a_late_first_token_starts_the_next_beside_it_and_the_first_to_speak_stays() -> None:
    slow = Silent()
    bench = Bench({"groq": [answers("quick")], "gemini": [answers("second")]})
    await _learn(bench, GROQ)
    bench.providers["groq"].handlers = [slow]
    with anyio.fail_after(10):
        outcome = await bench.run(candidate(GROQ), candidate(GEMINI))
        await slow.given_up.wait()
    assert outcome.completion.text == "second"
    assert [attempt.outcome for attempt in outcome.attempts] == ["cancelled", "ok"]
    assert await bench.reserved() == 0


async def test_the_first_answers_after_all_where_the_one_beside_it_fails() -> None:
    slow = Silent("patience pays")

    async def fails_and_lets_go(*_: Any) -> Any:
        slow.go_on.set()
        raise ValueError("a bug")

    bench = Bench({"groq": [answers("quick")], "gemini": [fails_and_lets_go]})
    await _learn(bench, GROQ)
    bench.providers["groq"].handlers = [slow]
    with anyio.fail_after(10):
        outcome = await bench.run(candidate(GROQ), candidate(GEMINI))
    assert outcome.completion.text == "patience pays"


async def test_no_race_where_it_is_off_or_the_next_costs_money_or_has_little_room() -> None:
    for settings, second in (
        (CallSettings(race=False), candidate(GEMINI)),
        (CallSettings(), candidate(GEMINI, tier="subscription")),
        (CallSettings(), candidate(GEMINI, limits=(Limit("requests", "day", 0),))),
    ):
        slow = Silent()
        bench = Bench({"groq": [answers("quick")], "gemini": [answers("second")]}, settings=settings)
        await _learn(bench, GROQ)
        bench.providers["groq"].handlers = [slow]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(bench.run, candidate(GROQ), second)
            await slow.asked.wait()
            with anyio.move_on_after(0.05) as waited:
                await slow.given_up.wait()
            assert waited.cancelled_caught
            slow.go_on.set()
        assert not bench.providers["gemini"].asks


async def test_a_cancelled_call_holds_nothing_and_its_attempt_is_counted_with_what_was_seen() -> None:
    slow = Silent(words=7)
    bench = Bench({"groq": [slow]})
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(bench.run, candidate(GROQ, limits=ONE_A_MINUTE))
        await slow.asked.wait()
        assert await bench.reserved() == 1
        tasks.cancel_scope.cancel()
    assert await bench.reserved() == 0
    use = (await bench.snapshot()).use[GROQ]
    assert (use.requests_minute, use.tokens_minute) == (1, BRIEF.counted_tokens + 7)


async def test_what_the_service_did_not_count_is_released() -> None:
    bench = Bench({"groq": [fails(ErrorKind.RATE_LIMITED)], "gemini": [answers("second")]})
    await bench.run(candidate(GROQ), candidate(GEMINI))
    assert GROQ not in (await bench.snapshot()).use


@pytest.mark.parametrize(("service", "counted"), [(Service(free_cache=True), 65), (Service(), 105)])
async def test_what_a_service_reads_from_its_cache_counts_as_it_counts_it(service: Service, counted: int) -> None:
    bench = Bench({"groq": [answers("x", Usage(100, 5, 40))]}, service=service)
    await bench.run(candidate(GROQ))
    assert (await bench.snapshot()).use[GROQ].tokens_minute == counted


async def test_paid_models_stop_at_the_days_cap_however_many_ask_at_once() -> None:
    slow = Silent()
    paid = candidate(GROQ, tier="paid")
    most = BRIEF.counted_tokens + CEILING  # tokens of one call; two and a half such calls fit under the cap
    bench = Bench({"groq": [slow]}, daily_usd=most * Decimal("0.025"), price=Decimal("0.01"))
    refused = 0

    async def ask() -> None:
        nonlocal refused
        try:
            await bench.run(paid)
        except NoCandidateError:
            refused += 1

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        slow.go_on.set()
    assert len(bench.providers["groq"].asks) == 2
    assert refused == 3


async def test_a_paid_model_without_a_known_price_is_not_asked() -> None:
    bench = Bench({"groq": [answers("x")]}, daily_usd=Decimal(5), price=None)
    with pytest.raises(NoCandidateError, match="price is not known"):
        await bench.run(candidate(GROQ, tier="paid"))


async def _learn(bench: Bench, model_id: ModelId) -> None:
    """Let the ledger see enough quick answers to know what is late."""
    for _ in range(20):
        await bench.run(replace(candidate(model_id)))
    bench.time.at += 61
