"""The composition root: the one place where concrete classes meet."""

import logging
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path

from anyio.abc import TaskGroup

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
from delegate_mcp.app import App
from delegate_mcp.batch.batches import Batches
from delegate_mcp.batch.folder import BatchFolders
from delegate_mcp.calling import Calling
from delegate_mcp.catalog.catalog import Catalog, load_catalog
from delegate_mcp.catalog.price_list import PriceList
from delegate_mcp.catalog.rubric import FILE as RUBRIC_FILE
from delegate_mcp.catalog.rubric import read_rubric, with_measured
from delegate_mcp.config.keys import Key, key_mark
from delegate_mcp.config.loading import load_settings
from delegate_mcp.config.settings import Settings
from delegate_mcp.delivery.reply import Reply
from delegate_mcp.discovery.lists import ModelLists, sources
from delegate_mcp.discovery.store import ListStore
from delegate_mcp.dispatch.attempt import Service
from delegate_mcp.dispatch.calls import Calls
from delegate_mcp.dispatch.clock import Clock
from delegate_mcp.dispatch.dispatcher import Dispatcher
from delegate_mcp.dispatch.lateness import Lateness
from delegate_mcp.dispatch.line import Lines
from delegate_mcp.dispatch.turn import Turns
from delegate_mcp.domain.plan import Candidate
from delegate_mcp.domain.usage import ZERO, Usage
from delegate_mcp.evaluation.noted import Evaluations
from delegate_mcp.intake.sandbox import Roots
from delegate_mcp.ledger.base import Ledger
from delegate_mcp.ledger.days import DayReset, day_starts
from delegate_mcp.ledger.pruning import keep_records_for
from delegate_mcp.ledger.results import ResultStore, keep_for
from delegate_mcp.ledger.sqlite import SqliteLedger
from delegate_mcp.local.keeper import Keeper
from delegate_mcp.platforms import cache_dir
from delegate_mcp.providers.base import Provider
from delegate_mcp.providers.discovery import Discovery
from delegate_mcp.providers.own import own_keys, own_models, own_row
from delegate_mcp.providers.provider_set import Parts, ProviderSet
from delegate_mcp.providers.registry import PROVIDERS, ProviderRow
from delegate_mcp.reporting.accounting import Accounting
from delegate_mcp.routing import task_types
from delegate_mcp.routing.experiments import experiments_of
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
    rows = tuple(own_row(row, settings) for row in PROVIDERS)
    keys = own_keys(rows, loaded, environ)
    cache = cache_dir(environ)
    catalog, clock, prices = _catalog(settings), Clock(), PriceList()
    rules = replace(
        load_rules(settings.rules, catalog, environ),
        experiments=experiments_of(settings.experiments, catalog, partial(loaded.place, "experiments")),
    )
    ledger = await _open_ledger(settings, clock, tasks)
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
        listed = (await prices.get()).cost(model.model, usage, model.provider)
        return lists.cost(model, usage) if listed is None else listed

    async def close() -> None:
        for part in (everyone, at_home, keeper, ledger):
            await part.aclose()

    discovery = Discovery(settings, keys, environ, cache, time.monotonic, rows=rows)
    services = {row.name: _service(row, keys) for row in rows}
    asked_as = {row.name: (parts.address(row), services[row.name].key_mark) for row in rows}
    lists = ModelLists(
        catalog=catalog,
        sources=sources(rows, asked_as, lambda name: everyone.get(name).list_models()),
        store=ListStore(cache / "lists"),
        prices=prices.get,
        now=clock.now,
        steady=time.monotonic,
    )
    resets: dict[str, DayReset] = {row.name: row.day_reset for row in rows}

    async def known() -> Known:
        now = clock.now()
        availability = await discovery.look()
        found = await lists.found(availability)
        snapshot = await ledger.snapshot(now, day_starts(now, resets))
        return Known(
            catalog=found.catalog,
            availability=availability,
            snapshot=replace(snapshot, gone=(*snapshot.gone, *found.gone)),
            demo=settings.local.demo_model,
            paid=bool(settings.budget.daily_usd),
            experience=await calling.lessons.experience(),
            data_policy=settings.privacy.data_policy,
            agreed={name: own.data_policy for name, own in settings.providers.items() if own.data_policy},
            tiers={row.name: row.tier for row in rows},
            embedded_context_tokens=settings.local.context_tokens,
            key_marks={name: service.key_mark for name, service in services.items() if service.key_mark},
            rented_up=tuple(name for name in settings.rented if (settings.home / "rented" / f"{name}.json").exists()),
        )

    dispatcher = Dispatcher(
        turns=Turns(
            ledger=ledger,
            lines=Lines(ledger, clock),
            services=services,
            clock=clock,
            settings=settings.calls,
            price=price,
            daily_usd=settings.budget.daily_usd,
        ),
        lateness=Lateness(ledger, clock),
        providers=everyone.get,
        local_providers=at_home.get,
    )
    roots = Roots.of(settings, environ=environ, cwd=Path.cwd(), home=Path.home())
    kept_answers = KeptAnswers(settings.home / "cache", settings.cache.max_mb * 1_000_000)
    keep_s = min(settings.cache.days, settings.results.keep_days) * DAY_S
    tasks.start_soon(keep_for, (kept_answers,), keep_s, clock.now, clock.sleep)
    asides = Asides(dispatcher=dispatcher, rules=rules, known=known)
    again = Again(dispatcher=dispatcher, rules=rules, known=known)
    calling = Calling(
        settings=settings,
        roots=roots,
        rules=rules,
        ledger=ledger,
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
        digesting=Digesting(asides=asides, ledger=ledger, budget=settings.budget.director_tokens),
        proving=Proving(settings=settings, environ=environ, again=again, clock=clock, locks=settings.home / "locks"),
        cache=AnswerCache(
            store=kept_answers,
            keep_s=keep_s,
            private=settings.cache.private,
            rules=rules,
            clock=clock,
            tasks=tasks,
        ),
        lessons=Lessons(
            ledger=ledger,
            clock=clock,
            tasks=tasks,
            mode=settings.learning.mode,
            seed=settings.learning.seed,
            deadline_s=settings.calls.deadline_s,
        ),
        prices=prices,
        clock=clock,
        tasks=tasks,
        known=known,
        changed=changed,
    )
    calls = Calls[Reply](tasks)
    batches = Batches(
        folders=BatchFolders(settings.home / "batches"),
        asking=calling,
        calls=calls,
        ledger=ledger,
        store=store,
        roots=roots,
        settings=settings,
        clock=clock,
        accounting=Accounting(prices, settings.budget.director_model),
    )
    kept = (store, batches.folders, Evaluations(settings.home, batches.folders))
    tasks.start_soon(keep_for, kept, settings.results.keep_days * DAY_S, clock.now, clock.sleep)
    return App(
        settings=settings,
        settings_file=loaded.file,
        roots=roots,
        rows=rows,
        catalog=catalog,
        discovery=discovery,
        lists=lists,
        ledger=ledger,
        store=store,
        calling=calling,
        calls=calls,
        batches=batches,
        prices=prices,
        clock=clock,
        conversation=environ.get("CLAUDE_CODE_SESSION_ID"),
        close=close,
    )


def _catalog(settings: Settings) -> Catalog:
    """Ours, with what this person has measured and set."""
    measured = read_rubric(settings.home / RUBRIC_FILE, task_types.BY_NAME)
    return own_models(with_measured(load_catalog(), measured), settings)


async def _open_ledger(settings: Settings, clock: Clock, tasks: TaskGroup) -> Ledger:
    ledger: Ledger
    if settings.ledger is None:
        ledger = await SqliteLedger.open(settings.home / "ledger.db", clock.now)
    else:
        from delegate_mcp.ledger.postgres import PostgresLedger

        ledger = await PostgresLedger.open(settings.ledger.get_secret_value(), clock.now)
    tasks.start_soon(keep_records_for, ledger, settings.results.keep_rows_days * DAY_S, clock.now, clock.sleep)
    return ledger


def _service(row: ProviderRow, keys: Mapping[str, Key]) -> Service:
    key = keys.get(row.name)
    return Service(
        patient=row.wire == "cli" or row.local,
        pauses=row.wire == "cli",
        counts_failures=row.counts_failures,
        free_cache=row.free_cache,
        key_mark=key_mark(key.value.get_secret_value()) if key is not None else "",
    )


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
