"""The lists of a process: who is asked when, what is shared with other processes, and what failing costs."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from delegate_mcp.catalog.catalog import load_catalog
from delegate_mcp.catalog.prices import Prices
from delegate_mcp.discovery.lists import LOOK_S, ModelLists, Source
from delegate_mcp.discovery.merge import MOST_KEPT
from delegate_mcp.discovery.store import ListStore
from delegate_mcp.discovery.tending import EVERY_S, FIRST_S, look_around, tend
from delegate_mcp.domain.availability import Availability, ProviderState
from delegate_mcp.domain.errors import ErrorKind, LedgerError, ProviderError
from delegate_mcp.domain.listed import ListedModel, ListPrice
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.usage import Usage
from delegate_mcp.ledger.snapshot import LedgerSnapshot, OpenBreaker
from delegate_mcp.providers.model_lists import MOST_MODELS
from delegate_mcp.providers.registry import BY_NAME
from tests.fakes.clock import ManualTime
from tests.fakes.ledger_rows import GROQ, asked, ended
from tests.fakes.memory_ledger import MemoryLedger

CATALOG = load_catalog()
KINDS = ("dear", "free")
DAY = 86_400.0
Models = tuple[ListedModel, ...]


def known_price(model: str, usage: Usage, provider: str | None) -> Decimal:
    """A price list with one model."""
    if model != "listed-elsewhere":
        raise LookupError(model)
    return Decimal(usage.input_tokens + 2 * usage.output_tokens) / 1_000_000


@dataclass(slots=True)
class World:
    """Services with lists, a disk, and the time; every `process` has lists of its own."""

    folder: Path
    time: ManualTime = field(default_factory=ManualTime)
    offers: dict[str, Models | ProviderError] = field(default_factory=dict[str, Models | ProviderError])
    asked: list[str] = field(default_factory=list[str])
    hold: anyio.Event | None = None
    unusable: set[str] = field(default_factory=set[str])

    def process(self, *names: str) -> ModelLists:
        """The lists as one process has them, of these services (default: groq and openai)."""

        def ask(name: str) -> Callable[[], Awaitable[Models]]:
            async def answer() -> Models:
                self.asked.append(name)
                if self.hold is not None:
                    await self.hold.wait()
                offer = self.offers.get(name, (ListedModel(model="openai/gpt-oss-20b", free=True),))
                if isinstance(offer, ProviderError):
                    raise offer
                return offer

            return answer

        async def prices() -> Prices:
            return Prices(known_price, lambda model, _: 77_000 if model == "listed-elsewhere" else None)

        rows = [BY_NAME[name] for name in names or ("groq", "openai")]
        return ModelLists(
            catalog=CATALOG,
            sources=[Source(row=row, asked_as=("https://x", "mark"), ask=ask(row.name)) for row in rows],
            store=ListStore(self.folder / "lists"),
            prices=prices,
            now=lambda: self.time.at,
            steady=lambda: self.time.at,
        )

    @property
    def there(self) -> Availability:
        """Every service can be asked, but those that are not usable."""
        return Availability(
            {
                name: ProviderState(name=name, usable=name not in self.unusable, why="")
                for name in ("groq", "openai", "gemini", "openrouter")
            }
        )


async def unheard(breaker: OpenBreaker) -> None:
    """Half opens nothing."""
    raise AssertionError(breaker)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def test_a_list_that_is_young_enough_is_not_asked_for_again_and_that_is_counted(world: World) -> None:
    lists = world.process()
    await lists.refresh(world.there)
    assert sorted(world.asked) == ["groq", "openai"]
    world.time.at += DAY / 4
    await lists.refresh(world.there)
    assert len(world.asked) == 2
    world.time.at += DAY / 4
    await lists.refresh(world.there)
    assert world.asked[2:] == ["groq"]  # the paid one waits for its week
    known = await lists.known()
    assert (known["groq"].scans, known["groq"].avoided) == (2, 1)
    assert (known["openai"].scans, known["openai"].avoided) == (1, 2)


async def test_a_person_who_asks_has_free_lists_at_once_and_paid_ones_in_their_time(world: World) -> None:
    lists = world.process()
    await lists.refresh(world.there)
    await lists.refresh(world.there, asked=True)
    assert sorted(world.asked) == ["groq", "groq", "openai"]


async def test_a_provider_that_is_off_or_has_no_key_is_never_asked(world: World) -> None:
    world.unusable = {"groq", "openai"}
    lists = world.process()
    await lists.refresh(world.there, {"groq": world.time.at}, asked=True)
    assert world.asked == []


async def test_what_one_process_found_others_read_and_do_not_ask_for(world: World) -> None:
    await world.process("groq").refresh(world.there)
    other = world.process("groq")
    await other.refresh(world.there)
    assert world.asked == ["groq"]
    assert ModelId("groq", "qwen/qwen3.8-27b") in {grave.model_id for grave in (await other.found(world.there)).gone}


async def test_a_process_that_runs_learns_what_another_found_within_seconds(world: World) -> None:
    mine, other = world.process("groq"), world.process("groq")
    assert (await mine.found(world.there)).catalog is CATALOG
    world.offers["groq"] = (ListedModel(model="new/model-8b", free=True),)
    await other.refresh(world.there)
    world.time.at += LOOK_S
    assert ModelId("groq", "new/model-8b") in (await mine.found(world.there)).catalog.models


async def test_while_one_process_asks_another_leaves_it_to_it(world: World) -> None:
    world.hold = anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(world.process("groq").refresh, world.there)
        while not world.asked:
            await anyio.lowlevel.checkpoint()
        await world.process("groq").refresh(world.there)
        world.hold.set()
    assert world.asked == ["groq"]


async def test_a_call_never_waits_for_a_list(world: World) -> None:
    lists = world.process("groq")
    world.hold = anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lists.refresh, world.there)
        while not world.asked:
            await anyio.lowlevel.checkpoint()
        with anyio.fail_after(5):
            assert (await lists.found(world.there)).catalog is CATALOG
        tasks.cancel_scope.cancel()


async def test_a_failed_scan_backs_off_keeps_what_was_found_and_stops_nobody_else(world: World) -> None:
    lists = world.process("groq", "gemini")
    world.offers["gemini"] = (ListedModel(model="gemini-3.8-flash"),)
    await lists.refresh(world.there)
    world.offers["groq"] = ProviderError.bad_answer("Groq: the list of models is not of its form")
    world.time.at += DAY / 2
    await lists.refresh(world.there)
    known = (await lists.known())["groq"]
    assert (known.failures, known.error, len(known.models)) == (1, "Groq: the list of models is not of its form", 1)
    assert world.asked.count("gemini") == 2
    world.time.at += 299
    await lists.refresh(world.there)
    assert world.asked.count("groq") == 2
    world.time.at += 1
    await lists.refresh(world.there)
    assert world.asked.count("groq") == 3
    assert (await lists.known())["groq"].failures == 2
    world.offers.clear()
    world.time.at += 600
    await lists.refresh(world.there)
    assert (await lists.known())["groq"].failures == 0


async def test_no_call_waits_while_what_a_refresh_found_is_laid_over_the_catalog(world: World) -> None:
    lists = world.process("groq")
    assert (await lists.found(world.there)).catalog is CATALOG
    world.offers["groq"] = (ListedModel(model="new/model-8b", free=True),)
    await lists.refresh(world.there)
    with pytest.raises(StopIteration) as at_once:  # it never gave way
        lists.found(world.there).__await__().send(None)
    assert ModelId("groq", "new/model-8b") in at_once.value.value.catalog.models


async def test_of_ten_thousand_models_those_are_kept_that_are_known_then_the_free_ones(world: World) -> None:
    dear, free = [tuple(ListedModel(model=f"{kind}-{n}", free=kind == "free") for n in range(4_990)) for kind in KINDS]
    known = tuple(ListedModel(model=row.model) for row in CATALOG.models if row.provider == "openrouter")
    world.offers["openrouter"] = (*dear, *free, *known)
    lists = world.process("openrouter")
    await lists.refresh(world.there)
    found = (await lists.known())["openrouter"]
    assert (len(found.models), found.listed) == (MOST_KEPT, 9_980 + len(known))
    assert {row.model for row in found.models} == {row.model for row in (*known, *free[: MOST_KEPT - len(known)])}
    assert (await lists.found(world.there)).gone == ()


async def test_a_list_that_was_too_long_to_be_read_whole_buries_nothing(world: World) -> None:
    world.offers["groq"] = tuple(ListedModel(model=f"m-{n}", free=True) for n in range(MOST_MODELS))
    lists = world.process("groq")
    await lists.refresh(world.there)
    merged = await lists.found(world.there)
    assert merged.gone == ()
    assert ModelId("groq", "m-1") in merged.newcomers


async def test_a_process_that_starts_anew_goes_on_where_the_failures_of_the_last_one_ended(world: World) -> None:
    world.offers["groq"] = ProviderError.bad_answer("Groq: away")
    await world.process("groq").refresh(world.there)
    for times, wait in enumerate((300, 600, 1200, 2400), 1):
        world.time.at += wait - 1
        await world.process("groq").refresh(world.there)
        assert len(world.asked) == times
        world.time.at += 1
        await world.process("groq").refresh(world.there)
        assert len(world.asked) == times + 1


async def test_an_empty_list_buries_nothing(world: World) -> None:
    world.offers["groq"] = ()
    lists = world.process("groq")
    await lists.refresh(world.there)
    assert (await lists.found(world.there)).gone == ()
    assert "lists no chat model" in (await lists.known())["groq"].error


async def test_a_list_that_nobody_could_renew_for_a_week_is_believed_no_more(world: World) -> None:
    lists = world.process("groq")
    await lists.refresh(world.there)
    assert (await lists.found(world.there)).gone
    world.offers["groq"] = ProviderError.bad_answer("no")
    world.time.at += 8 * DAY
    await lists.refresh(world.there)
    assert (await lists.found(world.there)).gone == ()


async def test_what_the_list_does_not_tell_is_taken_from_the_price_list(world: World) -> None:
    world.offers["openai"] = (ListedModel(model="listed-elsewhere"), ListedModel(model="nowhere"))
    lists = world.process("openai")
    await lists.refresh(world.there)
    found = {model.model: model for model in (await lists.known())["openai"].models}
    assert found["listed-elsewhere"].context_tokens == 77_000
    assert found["listed-elsewhere"].price == ListPrice(Decimal(1), Decimal(2))
    assert found["nowhere"] == ListedModel(model="nowhere")
    assert lists.cost(ModelId("openai", "listed-elsewhere"), Usage(1_000_000, 500_000)) == 2
    assert lists.cost(ModelId("openai", "nowhere"), Usage(1, 1)) is None
    assert lists.cost(ModelId("claude", "opus"), Usage(1, 1)) is None


async def test_a_server_tends_its_lists_after_its_first_call_and_probes_what_fails(world: World) -> None:
    lists, rounds = world.process("groq"), list[float]()
    lists.wanted.set()
    breakers = [(), (), (OpenBreaker("groq", world.time.at + 600, 9),)]

    async def snapshot() -> LedgerSnapshot:
        return LedgerSnapshot(taken_at=world.time.at, breakers=breakers[min(len(rounds) - 1, 2)])

    async def look() -> Availability:
        return world.there

    async def sleep(seconds: float) -> None:
        rounds.append(seconds)
        if len(rounds) > 3:
            await anyio.sleep_forever()
        assert len(world.asked) == min(1, len(rounds) - 1)  # nothing before the first pause is over
        await world.time.sleep(seconds)

    async with anyio.create_task_group() as tasks:

        async def run() -> None:
            await tend(lists, look=look, snapshot=snapshot, half_open=unheard, sleep=sleep)

        tasks.start_soon(run)
        with anyio.fail_after(5):
            while len(rounds) < 4:
                await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()
    assert rounds == [FIRST_S, EVERY_S, EVERY_S, EVERY_S]
    assert world.asked == ["groq", "groq"]  # at first, and when its breaker was open


async def test_a_ledger_that_is_away_ends_no_tending(world: World) -> None:
    away = [LedgerError("away"), None]
    done = anyio.Event()

    async def snapshot() -> LedgerSnapshot:
        if (error := away.pop(0)) is not None:
            raise error
        done.set()
        return LedgerSnapshot(taken_at=world.time.at)

    async def look() -> Availability:
        return world.there

    async def sleep(seconds: float) -> None:
        if done.is_set():
            await anyio.sleep_forever()
        await world.time.sleep(seconds)

    lists = world.process("groq")
    lists.wanted.set()
    async with anyio.create_task_group() as tasks:

        async def run() -> None:
            await tend(lists, look=look, snapshot=snapshot, half_open=unheard, sleep=sleep)

        tasks.start_soon(run)
        with anyio.fail_after(5):
            await done.wait()
        tasks.cancel_scope.cancel()


@dataclass(slots=True)
class Outage:
    """Groq's calls fail, in a real ledger; a probe looks whether it is back."""

    world: World
    lists: ModelLists
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    calls: int = 0

    async def tried(self) -> str:
        """One call: whether it had its place, with the service failing it."""
        self.calls += 1
        call_id, now = f"c{self.calls}", self.world.time.at
        if (refusal := await self.ledger.reserve(asked(call_id, model_id=GROQ, at=now))) is not None:
            return refusal.why
        await self.ledger.settle(ended(call_id, model_id=GROQ, at=now, error_kind=ErrorKind.OVERLOADED))
        return "failed"

    async def probed(self) -> None:
        """One look around, as a server does it every minute."""
        snapshot = await self.ledger.snapshot(self.world.time.at, {})

        async def half_open(breaker: OpenBreaker) -> None:
            assert await self.ledger.half_open(breaker, self.world.time.at)

        await look_around(self.lists, self.world.there, snapshot, half_open)

    async def open_for(self, failures: int) -> None:
        """Let calls fail so often, each as soon as it may."""
        for _ in range(failures):
            assert await self.tried() == "failed"
            breakers = (await self.ledger.snapshot(self.world.time.at, {})).breakers
            self.world.time.at = breakers[0].until if breakers else self.world.time.at
        assert await self.tried() == "failed"


@pytest.fixture
async def outage(world: World) -> Outage:
    """It has lasted for minutes, and the list was read before it."""
    lists = world.process("groq")
    await lists.refresh(world.there)
    world.time.at += 3600
    here = Outage(world, lists)
    await here.open_for(9)
    return here


async def test_a_list_that_works_again_half_opens_the_breaker_at_once_and_one_call_tries(outage: Outage) -> None:
    outage.world.offers["groq"] = ProviderError.bad_answer("Groq: away")
    await outage.probed()
    assert await outage.tried() == "breaker"
    outage.world.offers.clear()
    outage.world.time.at += 120
    await outage.probed()
    assert await outage.ledger.reserve(asked("try", model_id=GROQ, at=outage.world.time.at)) is None
    assert await outage.tried() == "breaker"  # one at a time
    await outage.ledger.settle(ended("try", model_id=GROQ, at=outage.world.time.at))
    assert (await outage.ledger.snapshot(outage.world.time.at, {})).breakers == ()


async def test_a_service_that_lists_its_models_while_it_answers_no_call_is_tried_early_but_once(outage: Outage) -> None:
    await outage.probed()
    assert await outage.tried() == "failed"  # which opens it for the longest time
    for _ in range(9):
        outage.world.time.at += EVERY_S
        await outage.probed()
        assert await outage.tried() == "breaker"
    outage.world.time.at += EVERY_S
    assert await outage.tried() == "failed"  # its own time was over
    outage.world.time.at += 240
    await outage.probed()
    assert await outage.tried() == "breaker"
    outage.world.offers["groq"] = ProviderError.bad_answer("Groq: away")  # something else is seen at last
    outage.world.time.at += 60
    await outage.probed()
    outage.world.offers.clear()
    outage.world.time.at += 120
    await outage.probed()
    assert await outage.tried() == "failed"


async def test_a_service_is_probed_every_few_minutes_while_its_breaker_is_open_and_not_after(outage: Outage) -> None:
    outage.world.offers["groq"] = ProviderError.bad_answer("Groq: away")
    minutes: list[int] = []
    for minute in range(60):
        outage.world.asked.clear()
        await outage.probed()
        minutes += [minute] * len(outage.world.asked)
        outage.world.time.at += 60
    assert minutes == [0, 2, 6, 26]  # from the tenth on it is the next call that tries, and the list has its own time


async def test_what_another_process_found_meanwhile_is_not_asked_for_once_more(world: World) -> None:
    mine, other = world.process("groq"), world.process("groq")
    await mine.known()
    await other.refresh(world.there)
    await mine.refresh(world.there)
    assert world.asked == ["groq"]
    assert len((await mine.known())["groq"].models) == 1
