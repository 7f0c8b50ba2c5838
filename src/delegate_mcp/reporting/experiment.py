"""The two arms of an experiment beside one another, and what may be said of their difference. Pure.

A call succeeds that a model of its arm answered as it was asked for (a schema met, a check passed; else it counts as
failed) and of whose answer nobody said that it was bad. One that only the task type's own chain behind the arm's could
answer counts to the arm, as not served by it. Calls that were cancelled or still run count in neither.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from delegate_mcp.domain.usage import ZERO
from delegate_mcp.ledger.reports import CallRecord
from delegate_mcp.reporting.periods import Period
from delegate_mcp.reporting.report import money, period_json
from delegate_mcp.reporting.sums import latency_ms, percentile, share
from delegate_mcp.routing.credible import Difference, difference

SIDES = ("a", "b")
LEAST_CALLS = 20
"""Of each arm; of fewer nothing is said."""
_SURE_Z = 1.96


@dataclass(frozen=True, slots=True)
class Arms:
    """The calls of an experiment by arm."""

    name: str
    a: tuple[CallRecord, ...]
    b: tuple[CallRecord, ...]


def arms_of(name: str, records: Sequence[CallRecord]) -> Arms:
    """The calls that followed either chain."""
    return Arms(name, *(tuple(row for row in records if row.call.arm == f"{name}:{side}") for side in SIDES))


def experiment_json(period: Period, arms: Arms) -> dict[str, Any]:
    """What `report --experiment` tells."""
    both = {"a": arms.a, "b": arms.b}
    counts = {side: _counts(rows) for side, rows in both.items()}
    a, b = ((good + 1.0, bad + 1.0) for good, bad in counts.values())
    apart = difference(a, b)
    little = min(sum(row) for row in counts.values()) < LEAST_CALLS
    return {
        "experiment": {
            "name": arms.name,
            "period": period_json(period),
            "arms": {side: _arm(rows) for side, rows in both.items()},
            "success_difference": {
                "b_less_a": round(apart.mean, 4),
                "low": round(apart.bounds.low, 4),
                "high": round(apart.bounds.high, 4),
                "inside": 0.95,
                "b_is_better": round(apart.larger, 4),
            },
            "enough_calls": not little,
            "too_little_data": little or apart.bounds.low <= 0 <= apart.bounds.high,
            "verdict": _verdict(counts, apart, little=little),
        }
    }


def _counts(rows: Sequence[CallRecord]) -> tuple[int, int]:
    """Calls that succeeded, and calls that did not."""
    good = sum(_good(row) for row in rows)
    return good, sum(row.call.state in ("ok", "failed") for row in rows) - good


def _good(row: CallRecord) -> bool:
    return row.call.state == "ok" and not row.call.beyond_arm and row.verdict != "bad"


def _arm(rows: Sequence[CallRecord]) -> dict[str, Any]:
    answered = [row for row in rows if row.call.state == "ok"]
    took = sorted(map(latency_ms, answered))
    models = Counter(str(row.call.candidate) for row in answered if not row.call.beyond_arm)
    good, bad = _counts(rows)
    rate = share(good, good + bad)
    latency = {name: percentile(took, part) for name, part in (("p50", 0.5), ("p95", 0.95))}
    return {
        "calls": len(rows),
        "answered": len(answered),
        "answered_by": dict(models.most_common()),
        "answered_by_others": sum(row.call.beyond_arm for row in answered),
        "good_verdicts": sum(row.verdict == "good" for row in rows),
        "bad_verdicts": sum(row.verdict == "bad" for row in rows),
        "success": good,
        "no_success": bad,
        "success_rate": None if rate is None else round(rate, 4),
        "cost_usd": money(sum((row.cost_usd for row in rows), ZERO)),
        "latency_ms": {name: None if ms is None else round(ms) for name, ms in latency.items()},
    }


def _verdict(counts: dict[str, tuple[int, int]], apart: Difference, *, little: bool) -> str:
    if little:
        calls = " and ".join(f"{sum(row)} of {side}" for side, row in counts.items())
        return f"Too little data: {calls} have ended; nothing can be said of fewer than {LEAST_CALLS} each."
    if not apart.bounds.low <= 0 <= apart.bounds.high:
        better = "b" if apart.mean > 0 else "a"
        return f"{better} succeeds more often, with a probability of {max(apart.larger, 1 - apart.larger):.1%}."
    told = f"Not decided: the probability that b is better is {apart.larger:.0%}"
    if not apart.mean:
        return f"{told}; both succeed as often."
    return f"{told}. Were the difference what it seems, about {_needed(counts, apart):,} calls of each would show it."


def _needed(counts: dict[str, tuple[int, int]], apart: Difference) -> int:
    """Calls of each arm at which the interval would leave 0 out."""
    shares = [(good + 1) / (good + bad + 2) for good, bad in counts.values()]
    return ceil(_SURE_Z**2 * sum(p * (1 - p) for p in shares) / apart.mean**2)
