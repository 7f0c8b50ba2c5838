"""The composition root: the one place where concrete classes meet."""

import logging
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from anyio.abc import TaskGroup

from delegate_mcp.answering.answerer import Answerer
from delegate_mcp.app import App
from delegate_mcp.batch.batches import Batches
from delegate_mcp.batch.folder import BatchFolders
from delegate_mcp.calling import Calling
from delegate_mcp.catalog.catalog import Catalog, Model, load_catalog
from delegate_mcp.catalog.price_list import PriceList
from delegate_mcp.config.keys import Key, find_key, key_mark
from delegate_mcp.config.loading import Loaded, load_settings
from delegate_mcp.config.settings import Settings
from delegate_mcp.delivery.reply import Reply
from delegate_mcp.dispatch.attempt import Service
from delegate_mcp.dispatch.calls import Calls
from delegate_mcp.dispatch.clock import Clock
from delegate_mcp.dispatch.dispatcher import Dispatcher
from delegate_mcp.dispatch.lateness import Lateness
from delegate_mcp.dispatch.line import Lines
from delegate_mcp.dispatch.turn import Turns
from delegate_mcp.domain.limit import Limit
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.plan import Candidate
from delegate_mcp.domain.usage import ZERO, Usage
from delegate_mcp.intake.sandbox import Roots
from delegate_mcp.ledger.base import Ledger
from delegate_mcp.ledger.days import DayReset, day_starts
from delegate_mcp.ledger.results import ResultStore, keep_for
from delegate_mcp.ledger.sqlite import SqliteLedger
from delegate_mcp.local.keeper import Keeper
from delegate_mcp.platforms import cache_dir
from delegate_mcp.providers.base import Provider
from delegate_mcp.providers.discovery import Discovery
from delegate_mcp.providers.provider_set import Parts, ProviderSet
from delegate_mcp.providers.registry import PROVIDERS, ProviderRow
from delegate_mcp.reporting.accounting import Accounting
from delegate_mcp.routing.known import Known
from delegate_mcp.routing.rules import load_rules

DAY_S = 86_400.0
_OURS = "delegate_mcp"


async def open_app(tasks: TaskGroup, changed: Callable[[], Awaitable[None]]) -> App:
    """Open everything for this process's environment and working directory. ConfigError, LedgerError."""
    environ = dict(os.environ)
    loaded = load_settings(environ, cwd=Path.cwd(), user_home=Path.home(), providers=[row.name for row in PROVIDERS])
    settings = loaded.settings
    _log(settings.log_level)
    rows = tuple(_own(row, settings) for row in PROVIDERS)
    keys = _keys(rows, loaded, environ)
    cache = cache_dir(environ)
    catalog, clock, prices = _own_models(load_catalog(), settings), Clock(), PriceList()
    ledger = await _open_ledger(settings, clock)
    store = ResultStore(settings.home / "results")
    keeper = Keeper(settings.local, cache, environ)

    def rent(row: ProviderRow) -> Provider:
        from delegate_mcp.rented.provider import RentedProvider

        return RentedProvider(
            row,
            settings.rented,
            folder=settings.home / "rented",
            environ=environ,
            ledger=ledger,
            clock=clock,
            tasks=tasks,
            daily_usd=settings.budget.daily_usd,
        )

    parts = Parts(settings=settings, keys=keys, environ=environ, keeper=keeper, rented=rent)
    everyone = ProviderSet(rows, parts)
    if settings.rented and any((settings.home / "rented").glob("*.json")):
        everyone.get("rented")  # a machine that was left running costs until somebody stops it
    # A set of its own, in which no client of a cloud exists that a private call could reach.
    at_home = ProviderSet([row for row in rows if row.local], parts)

    async def price(candidate: Candidate, usage: Usage) -> Decimal | None:
        if candidate.tier != "paid":
            return ZERO
        model = candidate.model_id
        if model.provider == "rented":
            return ZERO  # its time is paid, in records of its own
        if model.provider == "claude":  # billed by the API, under its short names
            return (await prices.get()).cost(f"claude-{model.model}-5-5", usage, "anthropic")
        return (await prices.get()).cost(model.model, usage, model.provider)

    async def close() -> None:
        for part in (everyone, at_home, keeper, ledger):
            await part.aclose()

    tasks.start_soon(keep_for, store, settings.results.keep_days * DAY_S, clock.now, clock.sleep)
    discovery = Discovery(settings, keys, environ, cache, time.monotonic, rows=rows)
    resets: dict[str, DayReset] = {row.name: row.day_reset for row in rows}

    async def known() -> Known:
        now = clock.now()
        return Known(
            catalog=catalog,
            availability=await discovery.look(),
            snapshot=await ledger.snapshot(now, day_starts(now, resets)),
            demo=settings.local.demo_model,
            paid=bool(settings.budget.daily_usd),
            data_policy=settings.privacy.data_policy,
            agreed={name: own.data_policy for name, own in settings.providers.items() if own.data_policy},
            tiers={row.name: row.tier for row in rows},
            embedded_context_tokens=settings.local.context_tokens,
            key_marks={name: service.key_mark for name, service in services.items() if service.key_mark},
        )

    services = {row.name: _service(row, keys) for row in rows}
    turns = Turns(
        ledger=ledger,
        lines=Lines(ledger, clock),
        services=services,
        clock=clock,
        settings=settings.calls,
        price=price,
        daily_usd=settings.budget.daily_usd,
    )
    dispatcher = Dispatcher(
        turns=turns, lateness=Lateness(ledger, clock), providers=everyone.get, local_providers=at_home.get
    )
    roots = Roots.of(settings, environ=environ, cwd=Path.cwd(), home=Path.home())
    calling = Calling(
        settings=settings,
        environ=environ,
        roots=roots,
        rules=load_rules(settings.rules, catalog),
        ledger=ledger,
        store=store,
        answerer=Answerer(dispatcher=dispatcher),
        prices=prices,
        clock=clock,
        tasks=tasks,
        known=known,
        changed=changed,
    )
    calls = Calls[Reply](tasks)
    folders = BatchFolders(settings.home / "batches")
    batches = Batches(
        folders=folders,
        asking=calling,
        calls=calls,
        ledger=ledger,
        store=store,
        roots=roots,
        settings=settings,
        clock=clock,
        accounting=Accounting(prices, settings.budget.director_model),
    )
    tasks.start_soon(keep_for, folders, settings.results.keep_days * DAY_S, clock.now, clock.sleep)
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
        calls=calls,
        batches=batches,
        prices=prices,
        clock=clock,
        close=close,
    )


async def _open_ledger(settings: Settings, clock: Clock) -> Ledger:
    if settings.ledger is None:
        return await SqliteLedger.open(settings.home / "ledger.db", clock.now)
    from delegate_mcp.ledger.postgres import PostgresLedger

    return await PostgresLedger.open(settings.ledger.get_secret_value(), clock.now)


def _own_models(catalog: Catalog, settings: Settings) -> Catalog:
    """The catalog with the machines that this person rents, and the limits of their accounts for the free tiers'."""
    models = dict(catalog.models)
    for name, own in settings.rented.items():
        model_id = ModelId("rented", name)
        models[model_id] = Model(
            model_id=model_id,
            context_tokens=own.context_tokens,
            max_output_tokens=own.context_tokens // 2,
            quality=own.quality,
            rubric={},
            capabilities=frozenset({"schema"}),
            limits=(),
            free=False,
            source="your settings",
        )
    for model_id, model in catalog.models.items():
        own = settings.provider(model_id.provider).limits
        if own is not None:
            limits = tuple(Limit(row.metric, row.period, row.limit, row.scope) for row in own)
            models[model_id] = replace(model, limits=limits)
    return replace(catalog, models=models)


def _service(row: ProviderRow, keys: Mapping[str, Key]) -> Service:
    key = keys.get(row.name)
    return Service(
        patient=row.wire == "cli" or row.local,
        pauses=row.wire == "cli",
        counts_failures=row.counts_failures,
        free_cache=row.free_cache,
        key_mark=key_mark(key.value.get_secret_value()) if key is not None else "",
    )


def _own(row: ProviderRow, settings: Settings) -> ProviderRow:
    """The row as it is for this person: the tier of their key there, and their own hosts."""
    if row.local:
        return replace(row, own_hosts=settings.privacy.own_hosts)
    own = settings.provider(row.name)
    tier = "paid" if own.bill_api else own.tier
    return replace(row, tier=tier) if tier else row


def _keys(rows: Sequence[ProviderRow], loaded: Loaded, environ: Mapping[str, str]) -> dict[str, Key]:
    found = {
        row.name: find_key(row.name, row.key_names, settings=loaded.settings, environ=environ, dotenv=loaded.dotenv)
        for row in rows
    }
    return {name: key for name, key in found.items() if key is not None}


def _log(level: str) -> None:
    """On stderr our own words at that level, and other packages' warnings.

    Below that some of them tell whole requests, and a variable of theirs (GROQ_LOG) is enough to make them.
    """
    logging.basicConfig()  # where nobody has; then none of them adds an output of its own
    logging.getLogger(_OURS).setLevel(level)
    for output in logging.getLogger().handlers:
        output.addFilter(_may_be_told)


def _may_be_told(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING or record.name.partition(".")[0] == _OURS
