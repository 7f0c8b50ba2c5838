"""Rows of a ledger's calls and attempts as what reports read."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, TypeVar

from delegate_mcp.domain.outcome import Attempt
from delegate_mcp.domain.usage import Usage
from delegate_mcp.ledger.base import CallRow
from delegate_mcp.ledger.reports import CallRecord
from delegate_mcp.ledger.rows import Row, attempt_of, nano_usd, usd

R = TypeVar("R", bound=Row)


def records_of(calls: Iterable[R], attempts: Iterable[Row], as_it_is: Callable[[R], CallRow]) -> tuple[CallRecord, ...]:
    """The records of the statements `records` and `attempts_of_records`; `as_it_is` knows whose server is gone."""
    tried: defaultdict[str, list[Attempt]] = defaultdict(list)
    for row in attempts:
        tried[row["call_id"]].append(attempt_of(row))
    return tuple(_record(row, as_it_is(row), tuple(tried[row["call_id"]])) for row in calls)


def charge_fields(call_id: str, *, written: int, read: int, usd: Decimal) -> dict[str, Any]:
    """What the statement `charge` takes."""
    return {"call_id": call_id, "written": written, "read": read, "nano_usd": nano_usd(usd)}


def saved_of(row: Row | None) -> Decimal | None:
    """What the row of the statement `saved_by` says."""
    return None if row is None else usd(row["saved_nano_usd"])


def _record(row: Row, call: CallRow, attempts: tuple[Attempt, ...]) -> CallRecord:
    return CallRecord(
        call=call,
        rule=row["rule"],
        complexity=row["complexity"],
        conversation=row["conversation"],
        project=row["project"],
        tier=row["tier"],
        brief_tokens=row["brief_tokens"],
        written=row["director_input_tokens"],
        read=row["director_output_tokens"],
        listing=row["director_listing_tokens"],
        spared=Usage(row["spared_input_tokens"], row["spared_output_tokens"]),
        saved_usd=usd(row["saved_nano_usd"]),
        verdict=row["verdict"],
        attempts=attempts,
    )
