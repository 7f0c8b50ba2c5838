"""A home with batches on a time of its own: real calls, real routing and real windows over told providers."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel

from delegate_mcp.answering.again import Again
from delegate_mcp.answering.answerer import Answerer
from delegate_mcp.answering.asides import Asides
from delegate_mcp.answering.cache import AnswerCache
from delegate_mcp.answering.classifying import Classifying
from delegate_mcp.answering.compaction import Compaction
from delegate_mcp.answering.digest import Digesting
from delegate_mcp.answering.gathering import Gatherer
from delegate_mcp.answering.informing import Informing
from delegate_mcp.answering.kept_answers import KeptAnswers
from delegate_mcp.answering.lessons import Lessons
from delegate_mcp.answering.long_reading import LongReading
from delegate_mcp.answering.mending import Mending
from delegate_mcp.answering.proving import Proving
from delegate_mcp.batch.batches import Batches
from delegate_mcp.batch.folder import BatchFolders
from delegate_mcp.batch.request import BatchRequest
from delegate_mcp.calling import Calling
from delegate_mcp.catalog.catalog import load_catalog
from delegate_mcp.catalog.price_list import PriceList
from delegate_mcp.config.settings import Settings
from delegate_mcp.delivery.reply import Reply
from delegate_mcp.dispatch.attempt import Service
from delegate_mcp.dispatch.calls import Calls, RunningCall
from delegate_mcp.dispatch.dispatcher import Dispatcher
from delegate_mcp.dispatch.lateness import Lateness
from delegate_mcp.dispatch.line import Lines
from delegate_mcp.dispatch.turn import Turns
from delegate_mcp.domain.limit import Limit
from delegate_mcp.domain.plan import Candidate
from delegate_mcp.domain.request import DelegateRequest
from delegate_mcp.domain.usage import ZERO, Usage
from delegate_mcp.intake.sandbox import Roots
from delegate_mcp.ledger.days import day_starts
from delegate_mcp.ledger.results import ResultStore
from delegate_mcp.reporting.accounting import Accounting
from delegate_mcp.routing.known import Known
from delegate_mcp.routing.rules import load_rules
from tests.fakes.clock import ManualTime
from tests.fakes.memory_ledger import MemoryLedger
from tests.fakes.provider import FakeProvider, Handler
from tests.routing.scene import available


@dataclass(slots=True, kw_only=True)
class Scene:
    """One home, one ledger, one time; any number of servers in turn."""

    folder: Path
    handlers: Mapping[str, list[Handler]]
    limits: tuple[Limit, ...] = ()
    """Of every model."""
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    time: ManualTime = field(default_factory=ManualTime)
    ledger: MemoryLedger = field(init=False)
    providers: dict[str, FakeProvider] = field(init=False)

    def __post_init__(self) -> None:
        self.ledger = MemoryLedger(lambda: self.time.at)
        self.providers = {name: FakeProvider(name, list(given)) for name, given in self.handlers.items()}
        (self.folder / "project").mkdir(exist_ok=True)

    @property
    def project(self) -> Path:
        return self.folder / "project"

    @property
    def asked(self) -> list[str]:
        """Every prompt that reached a provider."""
        return [ask.messages[-1].text for provider in self.providers.values() for ask in provider.asks]

    @asynccontextmanager
    async def server(self) -> AsyncGenerator[Batches]:
        """A server while the block runs; it ends as a killed one does, without a word."""
        async with anyio.create_task_group() as tasks:
            batches = self._batches(Calls(tasks))
            yield batches
            batches.closing = True
            tasks.cancel_scope.cancel()

    async def run(self, batches: Batches, prompt: str, **given: Any) -> Reply:
        """A whole batch."""
        return await ended(await batches.begin(asking(prompt, **given)))

    def _batches(self, calls: Calls[Reply]) -> Batches:
        home = self.folder / "home"
        settings = Settings(home=home, **self.settings)
        clock, prices = self.time.clock, PriceList()
        catalog = load_catalog()
        catalog = replace(
            catalog, models={name: replace(model, limits=self.limits) for name, model in catalog.models.items()}
        )

        local = {"ollama": ("qwen3:14b",)} if "ollama" in self.providers else {}
        there = available(*self.providers, local=local)

        async def price(_: Candidate, __: Usage) -> Decimal | None:
            return ZERO

        async def known() -> Known:
            snapshot = await self.ledger.snapshot(self.time.at, day_starts(self.time.at, {}))
            return Known(catalog=catalog, availability=there, snapshot=snapshot, demo="never")

        async def changed() -> None:
            """Nobody listens."""

        store = ResultStore(home / "results")
        roots = Roots((self.project,), self.folder, (home,))
        turns = Turns(
            ledger=self.ledger,
            lines=Lines(self.ledger, clock),
            services=dict.fromkeys(self.providers, Service()),
            clock=clock,
            settings=settings.calls,
            price=price,
            daily_usd=None,
        )
        get = self.providers.__getitem__
        rules = load_rules(None, catalog)
        dispatcher = Dispatcher(turns=turns, lateness=Lateness(self.ledger, clock), providers=get, local_providers=get)
        asides = Asides(dispatcher=dispatcher, rules=rules, known=known)
        again = Again(dispatcher=dispatcher, rules=rules, known=known)
        calling = Calling(
            settings=settings,
            roots=roots,
            rules=rules,
            ledger=self.ledger,
            store=store,
            answerer=Answerer(
                dispatcher=dispatcher,
                mending=Mending(again),
                long=LongReading(dispatcher=dispatcher, rules=rules, known=known),
            ),
            informing=Informing(
                compaction=Compaction(asides=asides, store=store, thread_tokens=settings.calls.thread_tokens),
                classifying=Classifying(asides=asides, asking=settings.routing.classify),
                gatherer=Gatherer(dispatcher=dispatcher),
                rules=rules,
                known=known,
            ),
            digesting=Digesting(asides=asides, ledger=self.ledger, budget=settings.budget.director_tokens),
            proving=Proving(settings=settings, environ={}, again=again, clock=clock, locks=home / "locks"),
            cache=AnswerCache(
                store=KeptAnswers(home / "cache", settings.cache.max_mb * 1_000_000),
                keep_s=0.0,
                private=False,
                rules=rules,
                clock=clock,
                tasks=calls.tasks,
            ),
            lessons=Lessons(
                ledger=self.ledger, clock=clock, tasks=calls.tasks, mode="off", seed=None, deadline_s=300.0
            ),
            prices=prices,
            clock=clock,
            tasks=calls.tasks,
            known=known,
            changed=changed,
        )
        return Batches(
            folders=BatchFolders(home / "batches"),
            asking=calling,
            calls=calls,
            ledger=self.ledger,
            store=store,
            roots=roots,
            settings=settings,
            clock=clock,
            accounting=Accounting(prices, settings.budget.director_model),
            alive=lambda _: False,
        )


def asking(
    prompt: str, *, items: Sequence[Any] | None = None, files: Any = None, items_file: str | None = None, **asked: Any
) -> BatchRequest:
    """A batch as the tool asks for it."""
    fields: dict[str, Any] = {"task_type": "quick", **asked}
    request = DelegateRequest(prompt=prompt, tool="delegate_batch", **fields)
    return BatchRequest(asked=request, items=items, files=files, items_file=items_file)


async def ended(call: RunningCall[Reply]) -> Reply:
    """What a call comes to."""
    with anyio.fail_after(30):
        await call.done.wait()
    return call.outcome()


async def until(seen: Callable[[], object]) -> None:
    """Let the others work until that is so."""
    with anyio.fail_after(30):
        while not seen():
            await anyio.lowlevel.checkpoint()
