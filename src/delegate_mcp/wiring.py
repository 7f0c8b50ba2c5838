"""The composition root: the one place where concrete classes meet."""

import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from anyio import to_thread
from anyio.abc import TaskGroup

from delegate_mcp.app import App
from delegate_mcp.calling import Calling
from delegate_mcp.catalog.catalog import load_catalog
from delegate_mcp.catalog.price_list import PriceList
from delegate_mcp.config.keys import Key, find_key
from delegate_mcp.config.loading import Loaded, load_settings
from delegate_mcp.config.settings import Settings
from delegate_mcp.dispatch.calls import Calls
from delegate_mcp.dispatch.clock import Clock
from delegate_mcp.dispatch.dispatcher import Dispatcher
from delegate_mcp.domain.outcome import Completion
from delegate_mcp.domain.plan import Candidate
from delegate_mcp.domain.usage import ZERO
from delegate_mcp.intake.sandbox import Roots
from delegate_mcp.ledger.days import DayReset, day_start, day_starts
from delegate_mcp.ledger.results import ResultStore
from delegate_mcp.ledger.sqlite import SqliteLedger
from delegate_mcp.local.keeper import Keeper
from delegate_mcp.platforms import cache_dir
from delegate_mcp.providers.discovery import Discovery
from delegate_mcp.providers.provider_set import Parts, ProviderSet
from delegate_mcp.providers.registry import PROVIDERS, ProviderRow
from delegate_mcp.routing.known import Known
from delegate_mcp.routing.rules import load_rules

DAY_S = 86_400.0


async def open_app(tasks: TaskGroup, changed: Callable[[], Awaitable[None]]) -> App:
    """Open everything for this process's environment and working directory. ConfigError, LedgerError."""
    environ = dict(os.environ)
    loaded = load_settings(environ, cwd=Path.cwd(), user_home=Path.home(), providers=[row.name for row in PROVIDERS])
    settings = loaded.settings
    rows = tuple(_own_tier(row, settings) for row in PROVIDERS)
    keys = _keys(rows, loaded, environ)
    cache = cache_dir(environ)
    catalog, clock, prices = load_catalog(), Clock(), PriceList()
    ledger = await SqliteLedger.open(settings.home / "ledger.db", clock.now)
    store = ResultStore(settings.home / "results")
    keeper = Keeper(settings.local, cache, environ)
    parts = Parts(settings=settings, keys=keys, environ=environ, keeper=keeper)
    everyone = ProviderSet(rows, parts)
    # A set of its own, in which no client of a cloud exists that a private call could reach.
    at_home = ProviderSet([row for row in rows if row.local], parts)

    async def price(candidate: Candidate, completion: Completion) -> Decimal:
        if candidate.tier != "paid":
            return ZERO
        model = candidate.model_id
        return (await prices.get()).cost(model.model, completion.usage, model.provider) or ZERO

    async def close() -> None:
        for part in (everyone, at_home, keeper, ledger):
            await part.aclose()

    tasks.start_soon(_forget, store, clock.now() - settings.results.keep_days * DAY_S)
    discovery = Discovery(settings, keys, environ, cache, time.monotonic, rows=rows)
    resets: dict[str, DayReset] = {row.name: row.day_reset for row in rows}

    async def may_pay(now: float) -> bool:
        cap = settings.budget.daily_usd
        if not cap:
            return False
        tiers = (await ledger.totals(day_start(now, "utc"))).tiers
        return sum((tier.cost_usd for tier in tiers if tier.tier == "paid"), ZERO) < cap

    async def known() -> Known:
        now = clock.now()
        return Known(
            catalog=catalog,
            availability=await discovery.look(),
            snapshot=await ledger.snapshot(now, day_starts(now, resets)),
            demo=settings.local.demo_model,
            paid=await may_pay(now),
            tiers={row.name: row.tier for row in rows},
            embedded_context_tokens=settings.local.context_tokens,
        )

    dispatcher = Dispatcher(
        ledger=ledger,
        providers=everyone.get,
        local_providers=at_home.get,
        clock=clock,
        calls=settings.calls,
        price=price,
        patient={row.name: row.wire == "cli" or row.local for row in rows},
    )
    roots = Roots.of(settings, environ=environ, cwd=Path.cwd(), home=Path.home())
    calling = Calling(
        settings=settings,
        environ=environ,
        roots=roots,
        rules=load_rules(settings.rules, catalog),
        ledger=ledger,
        store=store,
        dispatcher=dispatcher,
        prices=prices,
        clock=clock,
        tasks=tasks,
        known=known,
        changed=changed,
    )
    return App(
        settings=settings,
        settings_file=loaded.file,
        roots=roots,
        rows=rows,
        catalog=catalog,
        discovery=discovery,
        ledger=ledger,
        store=store,
        calling=calling,
        calls=Calls(tasks),
        prices=prices,
        clock=clock,
        close=close,
    )


def _own_tier(row: ProviderRow, settings: Settings) -> ProviderRow:
    """The row with the tier that this person's key has there."""
    own = settings.provider(row.name)
    tier = "paid" if own.bill_api else own.tier
    return replace(row, tier=tier) if tier and not row.local else row


def _keys(rows: Sequence[ProviderRow], loaded: Loaded, environ: Mapping[str, str]) -> dict[str, Key]:
    found = {
        row.name: find_key(row.name, row.key_names, settings=loaded.settings, environ=environ, dotenv=loaded.dotenv)
        for row in rows
    }
    return {name: key for name, key in found.items() if key is not None}


async def _forget(store: ResultStore, older_than: float) -> None:
    """Remove answers that are older than they are kept."""
    await to_thread.run_sync(store.purge, older_than)
