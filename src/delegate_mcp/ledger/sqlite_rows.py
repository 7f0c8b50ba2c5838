"""Rows of the SQLite ledger as the Protocol's values, and back. Money is kept as whole nano-dollars."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, get_args

from delegate_mcp.domain.errors import ErrorKind
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.outcome import Attempt
from delegate_mcp.domain.plan import Tier
from delegate_mcp.domain.usage import RateLimit, Usage
from delegate_mcp.ledger.base import CallRow, Cooldown, LearnedLimit, ModelUse, TierTotals, Totals

_NANO = 1_000_000_000
_TIERS: tuple[str, ...] = get_args(Tier)


def nano_usd(usd: Decimal) -> int:
    """USD as whole nano-dollars: sums of integers are exact, and no token costs less than one."""
    return int((usd * _NANO).to_integral_value(ROUND_HALF_EVEN))


def usd(nano: int) -> Decimal:
    """Nano-dollars as USD."""
    return Decimal(nano) / _NANO


def model_id_of(row: sqlite3.Row) -> ModelId:
    """The model that a row is about."""
    return ModelId(row["provider"], row["model"])


def usage_fields(usage: Usage) -> dict[str, Any]:
    """A usage as columns."""
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "usage_estimated": usage.estimated,
    }


def attempt_fields(attempt: Attempt) -> dict[str, Any]:
    """What an attempt's end says, as columns."""
    return {
        "outcome": attempt.outcome,
        "error_kind": attempt.error_kind,
        "status": attempt.status,
        "message": attempt.message,
        "latency_ms": attempt.latency_ms,
        "first_token_ms": attempt.first_token_ms,
        "cost_nano_usd": nano_usd(attempt.cost_usd),
        "retry_after_s": attempt.retry_after_s,
        **usage_fields(attempt.usage),
    }


def attempt_of(row: sqlite3.Row) -> Attempt:
    """An attempt that ended."""
    return Attempt(
        number=row["number"],
        model_id=model_id_of(row),
        tier=row["tier"],
        outcome=row["outcome"],
        error_kind=None if row["error_kind"] is None else ErrorKind(row["error_kind"]),
        status=row["status"],
        message=row["message"],
        latency_ms=row["latency_ms"],
        first_token_ms=row["first_token_ms"],
        usage=Usage(
            row["input_tokens"], row["output_tokens"], row["cache_read_tokens"], estimated=bool(row["usage_estimated"])
        ),
        cost_usd=usd(row["cost_nano_usd"]),
        retry_after_s=row["retry_after_s"],
    )


def call_of(row: sqlite3.Row) -> CallRow:
    """A call as it stands in the file."""
    return CallRow(
        call_id=row["call_id"],
        state=row["state"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        tool=row["tool"],
        task_type=row["task_type"],
        private=bool(row["private"]),
        parent=row["parent"],
        pid=row["pid"],
        candidate=None if row["provider"] is None else model_id_of(row),
        error=row["error"],
    )


def learned_of(row: sqlite3.Row) -> LearnedLimit:
    """A limit as a service told it."""
    told = RateLimit(row["metric"], row["period"], row["limit"], row["remaining"], row["reset_s"], row["source"])
    return LearnedLimit(model_id_of(row), told, row["seen_at"])


def cooldown_of(row: sqlite3.Row) -> Cooldown:
    """A model that is to be left alone for a while."""
    return Cooldown(model_id_of(row), row["until"], ErrorKind(row["why"]))


@dataclass(slots=True)
class _Sums:
    requests_minute: int = 0
    tokens_minute: int = 0
    requests_day: int = 0
    tokens_day: int = 0
    reserved_requests: int = 0
    reserved_tokens: int = 0
    oldest: float | None = None

    def began(self, at: float | None) -> None:
        if at is not None:
            self.oldest = at if self.oldest is None else min(self.oldest, at)


def use_of(
    minute: Iterable[sqlite3.Row], reserved: Iterable[sqlite3.Row], day: Iterable[sqlite3.Row]
) -> Mapping[ModelId, ModelUse]:
    """The use of every model that has some, from the rows of the three sums."""
    sums: defaultdict[ModelId, _Sums] = defaultdict(_Sums)
    for row in minute:
        model = sums[model_id_of(row)]
        model.requests_minute += row["requests"]
        model.tokens_minute += row["tokens"]
        model.began(row["oldest"])
    for row in reserved:
        model = sums[model_id_of(row)]
        model.reserved_requests += row["requests"]
        model.reserved_tokens += row["tokens"]
        model.began(row["oldest"])
    for row in day:
        model = sums[model_id_of(row)]
        model.requests_day += row["requests"]
        model.tokens_day += row["tokens"]
    return {
        model_id: ModelUse(
            found.requests_minute,
            found.tokens_minute,
            found.requests_day,
            found.tokens_day,
            found.reserved_requests,
            found.reserved_tokens,
            found.oldest,
        )
        for model_id, found in sums.items()
    }


def totals_of(calls: Iterable[sqlite3.Row], attempts: Iterable[sqlite3.Row]) -> Totals:
    """Sums from the rows by tier. Money and tokens are the attempts' own, savings and the director's are the calls'."""
    by_call = {row["tier"]: row for row in calls}
    by_attempt = {row["tier"]: row for row in attempts}
    tiers = tuple(
        TierTotals(
            tier=tier,
            calls=_column(by_call.get(tier), "calls"),
            attempts=_column(by_attempt.get(tier), "attempts"),
            input_tokens=_column(by_attempt.get(tier), "input_tokens"),
            output_tokens=_column(by_attempt.get(tier), "output_tokens"),
            cost_usd=usd(_column(by_attempt.get(tier), "cost_nano_usd")),
            saved_usd=usd(_column(by_call.get(tier), "saved_nano_usd")),
        )
        for tier in _TIERS
        if tier in by_call or tier in by_attempt
    )
    return Totals(
        calls=sum(_column(row, "calls") for row in by_call.values()),
        failed_calls=sum(_column(row, "failed_calls") for row in by_call.values()),
        director_input_tokens=sum(_column(row, "director_input_tokens") for row in by_call.values()),
        director_output_tokens=sum(_column(row, "director_output_tokens") for row in by_call.values()),
        cost_usd=usd(sum(_column(row, "cost_nano_usd") for row in by_attempt.values())),
        saved_usd=usd(sum(_column(row, "saved_nano_usd") for row in by_call.values())),
        tiers=tiers,
    )


def _column(row: sqlite3.Row | None, name: str) -> int:
    return 0 if row is None else int(row[name])
