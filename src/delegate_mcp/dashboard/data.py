"""All that the page shows, as JSON: counts, models, times and sums; the ledger has no prompt, answer or key."""

from typing import Any

from anyio import to_thread

from delegate_mcp import __version__
from delegate_mcp.app import App
from delegate_mcp.ledger.batches import BatchRow
from delegate_mcp.ledger.reports import CallRecord
from delegate_mcp.reporting.overview import BATCH, overview
from delegate_mcp.reporting.report import Source
from delegate_mcp.reporting.steps import named_period

_MOST_BATCHES = 5


async def dashboard_data(app: App, period: str, connection: str) -> dict[str, Any]:
    """The report of a period, and what is left of every quota now. InputError: no such period; LedgerError."""
    span = named_period(period, app.clock.now())
    records = await app.ledger.records(span.since, span.until)
    source = Source(
        period=span,
        records=records,
        director_model=app.settings.budget.director_model,
        prices=await app.prices.get(),
    )
    batches = await _batches(app, records)
    return {
        "version": __version__,
        "ever": bool(records or await app.ledger.recent_calls(1)),
        **await to_thread.run_sync(overview, source, batches),  # a month of calls takes a while: others go on
        "budget": await app.budget(connection),
    }


async def _batches(app: App, records: tuple[CallRecord, ...]) -> list[BatchRow]:
    """The newest batches that began in that time."""
    ids = [record.call.call_id for record in records if record.rule == BATCH][-_MOST_BATCHES:]
    rows = [await app.ledger.batch(batch_id) for batch_id in reversed(ids)]
    return [row for row in rows if row is not None]
