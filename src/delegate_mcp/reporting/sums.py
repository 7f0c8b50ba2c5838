"""Sums over recorded calls: tokens by tier, net savings, rates and latencies. Pure.

To group by something else: a row in GROUPS.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from delegate_mcp.domain.outcome import Attempt
from delegate_mcp.domain.usage import ZERO, Usage
from delegate_mcp.ledger.reports import CallRecord
from delegate_mcp.reporting.savings import EVEN, Balance

REFUSED = "refused"
"""The rule of a call whose request could not be used as it was; nobody was asked."""
NO_CALLS = ("rented", "batch")
"""The rules of records that are no calls: the time of a rented machine, and what a batch cost beside its items."""
FREE_TIERS = ("local", "free")
"""What free inference is; a subscription is paid for, if not by the token."""
TIERS = ("local", "free", "subscription", "paid")
_LONGEST_WAIT_MS = 86_400_000.0
"""No call waits longer than a day beside its attempts."""
NOBODY = "(no model)"
NOWHERE = "(not known)"


@dataclass(frozen=True, slots=True, kw_only=True)
class TierSums:
    """One tier: the calls that it answered, and all that was tried of it."""

    calls: int = 0
    attempts: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal = ZERO
    saved_usd: Decimal = ZERO

    @property
    def tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Many calls."""

    ok: int = 0
    failed: int = 0
    refused: int = 0
    cancelled: int = 0
    running: int = 0
    fallbacks: int = 0
    """Answered calls in which another model had failed before."""
    cached: int = 0
    """Answered calls for which nobody was asked: the answer of an identical one stood for them."""
    tiers: Mapping[str, TierSums] = field(default_factory=dict[str, TierSums])
    balance: Balance = EVEN
    cost_usd: Decimal = ZERO
    saved_usd: Decimal = ZERO
    """Net of cost and of what the director spent on us."""
    latencies_ms: tuple[float, ...] = ()
    """Of the answered calls, from the request to the reply, ascending."""

    @property
    def calls(self) -> int:
        """All of them."""
        return self.ok + self.failed + self.refused + self.cancelled + self.running

    @property
    def tokens(self) -> int:
        """Tokens of all tiers."""
        return sum(tier.tokens for tier in self.tiers.values())

    @property
    def free_tokens(self) -> int:
        """Tokens that ran on free inference."""
        return sum(self.tiers[tier].tokens for tier in FREE_TIERS if tier in self.tiers)

    @property
    def free_share(self) -> float | None:
        """Their share of all tokens, the director's spending on us counted (an estimate)."""
        return share(self.free_tokens, self.tokens + self.balance.spent)

    @property
    def success_rate(self) -> float | None:
        """Answered calls, of those that were answered or failed."""
        return share(self.ok, self.ok + self.failed)

    @property
    def fallback_rate(self) -> float | None:
        """Answered calls that another model had failed at, of all answered."""
        return share(self.fallbacks, self.ok)

    @property
    def cache_rate(self) -> float | None:
        """Answered calls for which nobody was asked, of all answered."""
        return share(self.cached, self.ok)


def summed(records: Sequence[CallRecord], attempts: Iterable[Attempt] | None = None) -> Sums:
    """Sums over calls and their attempts; `attempts`: those to count instead of the calls' own."""
    tried = [attempt for record in records for attempt in record.attempts] if attempts is None else list(attempts)
    calls = [record for record in records if record.rule not in NO_CALLS]
    answered = [record for record in calls if record.call.state == "ok"]
    refused = sum(record.rule == REFUSED for record in calls)
    states = [record.call.state for record in calls]
    return Sums(
        ok=len(answered),
        failed=states.count("failed") - refused,
        refused=refused,
        cancelled=states.count("cancelled"),
        running=states.count("running"),
        fallbacks=sum(map(_fell_back, answered)),
        cached=sum(not record.attempts for record in answered),
        tiers={tier: found for tier in TIERS if (found := _tier(tier, records, calls, tried)) != TierSums()},
        balance=Balance(
            spared=Usage(
                sum(record.spared.input_tokens for record in records),
                sum(record.spared.output_tokens for record in records),
                estimated=True,
            ),
            written=sum(record.written for record in records),
            read=sum(record.read for record in records),
            listing=sum(record.listing for record in records),
        ),
        cost_usd=sum((attempt.cost_usd for attempt in tried), ZERO),
        saved_usd=sum((record.saved_usd for record in records), ZERO),
        latencies_ms=tuple(sorted(map(latency_ms, answered))),
    )


def grouped(records: Sequence[CallRecord], by: str) -> dict[str, Sums]:
    """The same by day, model, task type or project; what the groups add up to is the sum of all."""
    calls: defaultdict[str, list[CallRecord]] = defaultdict(list)
    tried: defaultdict[str, list[Attempt]] = defaultdict(list)
    for record in records:
        calls[GROUPS[by](record)].append(record)
        for attempt in record.attempts:
            tried[str(attempt.model_id) if by == "model" else GROUPS[by](record)].append(attempt)
    return {name: summed(calls[name], tried[name]) for name in sorted(calls.keys() | tried.keys())}


GROUPS: Mapping[str, Callable[[CallRecord], str]] = {
    "day": lambda record: datetime.fromtimestamp(record.call.started_at, UTC).date().isoformat(),
    "model": lambda record: str(record.call.candidate or NOBODY),
    "task_type": lambda record: record.call.task_type or record.rule,
    "project": lambda record: record.project or NOWHERE,
}
"""What a call belongs to. An attempt belongs to its own model, and otherwise to what its call belongs to."""


def percentile(ascending: Sequence[float], part: float) -> float | None:
    """The value that `part` of all do not exceed; None of nothing."""
    return ascending[max(0, math.ceil(part * len(ascending)) - 1)] if ascending else None


def share(part: float, whole: float) -> float | None:
    """None of nothing."""
    return part / whole if whole else None


def _tier(tier: str, records: Sequence[CallRecord], calls: Sequence[CallRecord], tried: Sequence[Attempt]) -> TierSums:
    mine = [attempt for attempt in tried if attempt.tier == tier]
    return TierSums(
        calls=sum(record.tier == tier for record in calls),
        attempts=len(mine),
        input_tokens=sum(attempt.usage.input_tokens for attempt in mine),
        output_tokens=sum(attempt.usage.output_tokens for attempt in mine),
        cost_usd=sum((attempt.cost_usd for attempt in mine), ZERO),
        saved_usd=sum((record.saved_usd for record in records if record.tier == tier), ZERO),
    )


def _fell_back(record: CallRecord) -> bool:
    return any(attempt.outcome == "failed" and attempt.model_id != record.call.candidate for attempt in record.attempts)


def latency_ms(record: CallRecord) -> float:
    """From the request to the reply. Where a clock was set meanwhile, the time of its longest attempt."""
    call = record.call
    took = ((call.ended_at or call.started_at) - call.started_at) * 1_000
    longest = max((attempt.latency_ms for attempt in record.attempts), default=0.0)  # by a clock that nobody sets
    return longest if took > longest + _LONGEST_WAIT_MS else max(took, longest)
