"""What a rented model would have saved: the calls of a period as if that model had answered them. Pure; an estimate.

Routine calls are those that anybody could have been asked: not private, not complex, and not too long for the model.
Answered, each would have saved what it saved and what it cost; failed, what an answered one of its task type spares on
the average. Against that stands the rent: the machine runs while a call does, and its idle time after it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from delegate_mcp.domain.errors import InputError
from delegate_mcp.domain.usage import ZERO, Usage
from delegate_mcp.ledger.reports import CallRecord
from delegate_mcp.reporting.sums import NO_CALLS, REFUSED

ROUTINE = ("simple", "moderate")
_HOUR_S = 3_600
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A model and what its machine costs."""

    model: str
    usd_per_hour: Decimal
    idle_s: float
    """It runs on for so long after the last call."""
    context_tokens: int | None = None
    """None: not known, so no call is too long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """What came of an offer."""

    calls: int
    failed: int
    """Those of them that nobody answered."""
    left_out: int
    """Calls that are not routine, or too long for it."""
    hours: Decimal
    rent_usd: Decimal
    saved_usd: Decimal
    """What these calls saved as it was."""
    would_save_usd: Decimal
    """What they would have saved, less the rent."""
    break_even_usd_per_hour: Decimal | None
    """Below that it pays; None: it would not have run."""

    @property
    def gain_usd(self) -> Decimal:
        """The return on renting it."""
        return self.would_save_usd - self.saved_usd


def parse_offer(text: str) -> tuple[str, Decimal | None]:
    """`MODEL` or `MODEL:USD_PER_HOUR`; a model's name may hold colons itself. InputError: the price is none."""
    model, colon, price = text.rpartition(":")
    if not colon:
        return text, None
    try:
        usd = Decimal(price)
    except InvalidOperation:
        return text, None
    if not (model and usd.is_finite() and usd > 0):
        raise InputError(f"{text!r} is no MODEL:USD_PER_HOUR, such as openai/gpt-oss-120b:2.50.")
    return model, usd


def what_if(records: Sequence[CallRecord], offer: Offer, worth: Callable[[Usage], Decimal]) -> Return:
    """Ask again, of that model; `worth` is what the director's model takes for so many tokens."""
    asked = [
        record
        for record in records
        if record.rule not in (*NO_CALLS, REFUSED) and record.call.state in ("ok", "failed")
    ]
    routine = [record for record in asked if _fits(record, offer)]
    average = _averages([record for record in routine if record.call.state == "ok"], worth)
    saved = sum((record.saved_usd for record in routine), ZERO)
    gross = saved + sum((record.cost_usd for record in routine), ZERO)
    failed = [record for record in routine if record.call.state == "failed"]
    gross += sum((average(record.call.task_type) for record in failed), ZERO)
    hours = (Decimal(round(_seconds(routine, offer.idle_s))) / _HOUR_S).quantize(_CENT)
    rent = (hours * offer.usd_per_hour).quantize(_CENT)
    return Return(
        calls=len(routine),
        failed=len(failed),
        left_out=len(asked) - len(routine),
        hours=hours,
        rent_usd=rent,
        saved_usd=saved,
        would_save_usd=gross - rent,
        break_even_usd_per_hour=((gross - saved) / hours).quantize(_CENT) if hours else None,
    )


def _fits(record: CallRecord, offer: Offer) -> bool:
    room = offer.context_tokens
    return record.complexity in ROUTINE and not record.call.private and (room is None or record.brief_tokens <= room)


def _averages(answered: Iterable[CallRecord], worth: Callable[[Usage], Decimal]) -> Callable[[str], Decimal]:
    """What an answered call spares on the average: of its task type, else of any."""
    by_type: defaultdict[str, list[Decimal]] = defaultdict(list)
    for record in answered:
        by_type[record.call.task_type].append(worth(record.spared))
    everything = [usd for values in by_type.values() for usd in values]

    def average(task_type: str) -> Decimal:
        values = by_type.get(task_type, everything)
        return sum(values, ZERO) / len(values) if values else ZERO

    return average


def _seconds(records: Iterable[CallRecord], idle_s: float) -> float:
    """How long a machine runs that is started at the first call and stopped when it has been idle."""
    total, until = 0.0, 0.0
    for begin, end in sorted((r.call.started_at, r.call.ended_at or r.call.started_at) for r in records):
        total += max(0.0, end + idle_s - max(begin, until))
        until = max(until, end + idle_s)
    return total
