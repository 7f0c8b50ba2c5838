"""What the dashboard plots of a period: its report, the same by step of time, and which model answered what. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence

from delegate_mcp.ledger.batches import BatchRow
from delegate_mcp.ledger.reports import CallRecord
from delegate_mcp.reporting.report import Json, Source, iso, report, sums_json
from delegate_mcp.reporting.steps import Step, steps_of
from delegate_mcp.reporting.sums import GROUPS, NO_CALLS, REFUSED

BATCH = "batch"
"""The rule of a batch's own record; its items are calls of their own."""


def overview(source: Source, batches: Iterable[BatchRow]) -> Json:
    """The report by model, `steps`, `routes` and `batches`."""
    told = report(source, "model", ())
    del told["quota"]
    name, steps = steps_of(source.period, source.calls)
    told["step"] = name
    told["steps"] = [_step(one) for one in steps]
    told["routes"] = _routes(source.calls)
    told["batches"] = [_batch(row) for row in batches]
    return told


def _step(step: Step) -> Json:
    sums = step.sums
    answers = {"first": sums.ok - sums.fallbacks - sums.cached, "fallback": sums.fallbacks, "cached": sums.cached}
    return {"since": iso(step.since), "until": iso(step.until), **sums_json(sums), "answers": answers}


def _routes(records: Sequence[CallRecord]) -> list[Json]:
    """How many calls of a task type each model answered; a model of null: nobody did."""
    found = Counter(
        (GROUPS["task_type"](record), record.call.candidate, record.tier)
        for record in records
        if record.rule not in (*NO_CALLS, REFUSED) and record.call.state in ("ok", "failed")
    )
    return [
        {"task_type": task_type, "model": None if model is None else str(model), "tier": tier, "calls": calls}
        for (task_type, model, tier), calls in found.most_common()
    ]


def _batch(row: BatchRow) -> Json:
    times = {"expected_at": row.expected_at, "waits_until": row.waits_until, "ended_at": row.ended_at}
    return {
        "id": row.batch_id,
        "state": row.state,
        "total": row.total,
        "answered": row.answered,
        "failed": row.failed,
        "created_at": iso(row.created_at),
    } | {name: iso(at) for name, at in times.items() if at is not None}
