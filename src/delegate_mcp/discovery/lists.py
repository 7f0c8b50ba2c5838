"""The lists of all services, as this process knows them: read from disk, asked for when due, never in a call's way."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from types import MappingProxyType

import anyio
import anyio.to_thread

from delegate_mcp.catalog.catalog import Catalog
from delegate_mcp.catalog.prices import Prices
from delegate_mcp.discovery.merge import Merged, kept, merged, with_local
from delegate_mcp.discovery.store import ListStore
from delegate_mcp.discovery.timing import ProviderList, believed, due, is_back, next_at
from delegate_mcp.domain.availability import Availability
from delegate_mcp.domain.errors import ProviderError
from delegate_mcp.domain.listed import ListedModel, ListPrice
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.usage import Usage
from delegate_mcp.providers.registry import ProviderRow

logger = logging.getLogger(__name__)

LOOK_S = 10.0
"""So often at most the disk is looked at for what other processes found."""
_AT_ONCE = 4
_MILLION = 1_000_000
_LISTS = frozenset({"groq", "gemini", "openai"})
"""The wires whose services have a list."""
NOBODY: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One service that has a list."""

    row: ProviderRow
    asked_as: tuple[str, str]
    """Its address and the mark of its key: another of either may list other models."""
    ask: Callable[[], Awaitable[tuple[ListedModel, ...]]]


@dataclass(slots=True)
class _Held:
    known: ProviderList = field(default_factory=ProviderList)
    stamp: int = -1
    avoided: int = 0
    """By this process since the file was written."""


class ModelLists:
    """What every service lists; `now` gives Unix seconds, `steady` seconds that no one sets back."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        sources: Sequence[Source],
        store: ListStore,
        prices: Callable[[], Awaitable[Prices]],
        now: Callable[[], float],
        steady: Callable[[], float],
    ) -> None:
        self._catalog = catalog
        self._sources = {source.row.name: source for source in sources}
        self._places = {name: store.place(name, *source.asked_as) for name, source in self._sources.items()}
        self._store = store
        self._prices = prices
        self._now = now
        self._steady = steady
        self._held = {name: _Held() for name in self._sources}
        self._looked_at: float | None = None
        self.wanted = anyio.Event()
        """Set by the first call that may leave this machine: before it no service is asked for anything."""
        self._merged: Merged | None = None
        self._laid: frozenset[str] = frozenset()
        """Whose lists lie over the catalog."""
        self._version = 0
        self._with_local: tuple[Availability, Merged, Merged] | None = None

    async def found(self, availability: Availability) -> Merged:
        """The catalog as the lists have it now. Cheap: nothing is asked, and the disk is seldom looked at."""
        await self._look()
        # Anew where one grew too old meanwhile, or a clock was set.
        laid = self._merged if self._merged and self._laid == self._believed() else await self._lay()
        before = self._with_local
        if before is None or before[0] is not availability or before[1] is not laid:
            served = {name: state.listed for name, state in availability.states.items() if state.listed}
            catalog = with_local(laid.catalog, served)
            before = self._with_local = (availability, laid, replace(laid, catalog=catalog))
        return before[2]

    def _believed(self) -> frozenset[str]:
        """Whose lists are young enough to say what there is."""
        now = self._now()
        return frozenset(name for name, held in self._held.items() if believed(held.known, now))

    async def _lay(self) -> Merged:
        """Lay the lists over the catalog; in a worker thread, as thousands of models would hold up answers."""
        self._version += 1
        version, young = self._version, self._believed()
        known = {name: held.known for name, held in self._held.items() if name in young}
        laid = await anyio.to_thread.run_sync(merged, self._catalog, known)
        if version == self._version:  # else a newer list came meanwhile
            self._merged, self._laid = laid, young
        return laid

    def _changed(self) -> None:
        self._merged = None
        self._version += 1

    async def known(self) -> Mapping[str, ProviderList]:
        """Each service's list with its counts, as far as this process and the disk know them."""
        await self._look()
        return {
            name: replace(held.known, avoided=held.known.avoided + held.avoided) for name, held in self._held.items()
        }

    def cost(self, model_id: ModelId, usage: Usage) -> Decimal | None:
        """What this usage costs by the price that the service itself lists; None: it lists none."""
        held = self._held.get(model_id.provider)
        price = next((row.price for row in held.known.models if row.model == model_id.model), None) if held else None
        if price is None:
            return None
        return (price.input * usage.input_tokens + price.output * usage.output_tokens) / _MILLION

    async def refresh(
        self, availability: Availability, failing: Mapping[str, float] = NOBODY, *, asked: bool = False
    ) -> frozenset[str]:
        """Ask those services for their lists whose time has come, and that may be asked at all.

        `failing` are those whose breaker is open, and since when their calls fail: they are looked at sooner, and those
        among them that are back by what their lists say are given back. `asked`: a person wants it now, and free lists
        are read whatever their age; paid ones still wait for their time. Never raises for a service that fails.
        """
        await self._look()
        limit, back = anyio.CapacityLimiter(_AT_ONCE), set[str]()
        asked_any = False

        async def ask(name: str, source: Source) -> None:
            async with limit:
                before = await self._ask_alone(source)
            if before is not None and name in failing and is_back(before, failing[name]):
                back.add(name)

        async with anyio.create_task_group() as tasks:
            for name, source in self._sources.items():
                if not availability.usable(name):
                    continue
                known = self._held[name].known
                forced = asked and source.row.tier != "paid"
                if forced or due(known, self._now(), source.row.tier, failing=name in failing):
                    asked_any = True
                    tasks.start_soon(ask, name, source)
                else:
                    self._held[name].avoided += 1
        if asked_any or self._merged is None:
            await self._lay()  # here, so that no call does: until it is done they have the catalog of before
        return frozenset(back)

    def next_at(self, provider: str) -> float:
        """When its list is asked for again."""
        known, tier = self._held[provider].known, self._sources[provider].row.tier
        return self._now() if due(known, self._now(), tier) else next_at(known, tier)

    async def _ask_alone(self, source: Source) -> ProviderList | None:
        """Ask, unless another process does. What was known before, where a new list came; else None."""
        held = self._held[source.row.name]
        lock = await anyio.to_thread.run_sync(self._take, source)
        if lock is None:  # another process asks at this moment, and all will read what it finds
            return None
        try:
            if await self._take_over(source):  # another has asked since this one looked
                return None
            before = held.known
            await self._ask(source)
        finally:
            lock()
        return before if held.known.failures == 0 else None

    def _take(self, source: Source) -> Callable[[], None] | None:
        """Frees the lock that was taken; None: another process holds it."""
        try:
            lock = self._store.lock(self._places[source.row.name])
            return lock.free if lock.take() else None
        except OSError as error:  # where nothing can be written each process asks for itself
            logger.warning("%s cannot be locked: %s", self._places[source.row.name], error)
            return lambda: None

    async def _ask(self, source: Source) -> None:
        held, began = self._held[source.row.name], self._steady()
        try:
            models = await source.ask()
            if not models:
                raise ProviderError.bad_answer(f"{source.row.title} lists no chat model")
        except ProviderError as error:
            # A clock that was set back since makes it no older than of now: waits are counted from there.
            found_at = None if held.known.found_at is None else min(held.known.found_at, self._now())
            known = replace(held.known, found_at=found_at, failures=held.known.failures + 1, error=str(error))
            logger.info("%s", error)
        else:
            took_ms = (self._steady() - began) * 1000
            prices = await self._prices()
            known = replace(
                held.known,
                models=await anyio.to_thread.run_sync(self._kept, source.row.name, models, prices),
                listed=len(models),
                found_at=self._now(),
                failures=0,
                error="",
                listing_ms=round(took_ms, 1),
            )
        known = replace(known, asked_at=self._now(), scans=known.scans + 1, avoided=known.avoided + held.avoided)
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self._store.write, self._places[source.row.name], known)
        held.known, held.avoided, held.stamp = known, 0, self._store.stamp(self._places[source.row.name])

    def _kept(self, provider: str, models: tuple[ListedModel, ...], prices: Prices) -> tuple[ListedModel, ...]:
        """What is kept of a list, with what the price list knows and the service does not tell."""
        return tuple(_complete(provider, model, prices) for model in kept(self._catalog, provider, models))

    async def _look(self) -> None:
        """Take what other processes wrote."""
        now = self._steady()
        if self._looked_at is not None and 0 <= now - self._looked_at < LOOK_S:
            return
        self._looked_at = now
        for source in self._sources.values():
            await self._take_over(source)

    async def _take_over(self, source: Source) -> bool:
        """Take what stands on disk; whether it is news."""
        held, place = self._held[source.row.name], self._places[source.row.name]
        if (stamp := self._store.stamp(place)) == held.stamp:
            return False
        held.known = await anyio.to_thread.run_sync(self._store.read, place)
        held.stamp, held.avoided = stamp, 0
        self._changed()
        return True


def sources(
    rows: Sequence[ProviderRow],
    asked_as: Mapping[str, tuple[str, str]],
    list_models: Callable[[str], Awaitable[tuple[ListedModel, ...]]],
) -> tuple[Source, ...]:
    """The services of the network that have a list; what runs on this machine is looked at by its port."""
    return tuple(
        Source(row=row, asked_as=asked_as[row.name], ask=partial(list_models, row.name))
        for row in rows
        if row.wire in _LISTS and not row.local
    )


def _complete(provider: str, model: ListedModel, prices: Prices) -> ListedModel:
    context = model.context_tokens or prices.context_of(model.model, provider)
    price = model.price or _price(provider, model.model, prices)
    return (
        model
        if (context, price) == (model.context_tokens, model.price)
        else replace(model, context_tokens=context, price=price)
    )


def _price(provider: str, model: str, prices: Prices) -> ListPrice | None:
    # By the thousand: a million tokens may be dearer, where long prompts are.
    thousand = (prices.cost(model, Usage(1000, 0), provider), prices.cost(model, Usage(0, 1000), provider))
    return None if None in thousand else ListPrice(*(usd * 1000 for usd in thousand if usd is not None))
