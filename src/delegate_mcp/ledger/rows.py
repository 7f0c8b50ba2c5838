"""Rows of a database as the Protocol's values, and back. Money is kept as whole nano-dollars."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Protocol, get_args

from delegate_mcp.domain.errors import ErrorKind
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.outcome import Attempt
from delegate_mcp.domain.plan import Tier
from delegate_mcp.domain.usage import RateLimit, Usage
from delegate_mcp.ledger.base import CallEnd, CallRow, TierTotals, Totals
from delegate_mcp.ledger.batches import BatchRow
from delegate_mcp.ledger.health import WELL, Breaker, Health, open_until
from delegate_mcp.ledger.quota import ACCOUNT, account_of
from delegate_mcp.ledger.snapshot import Cooldown, LearnedLimit, ModelUse, OpenBreaker, ProviderOff, Tombstone

_NANO = 1_000_000_000
_TIERS: tuple[str, ...] = get_args(Tier)


class Row(Protocol):
    """A row of any database, by its columns' names."""

    def __getitem__(self, column: str, /) -> Any: ...


def nano_usd(usd: Decimal) -> int:
    """USD as whole nano-dollars: sums of integers are exact, and no token costs less than one."""
    return int((usd * _NANO).to_integral_value(ROUND_HALF_EVEN))


def usd(nano: int) -> Decimal:
    """Nano-dollars as USD."""
    return Decimal(nano) / _NANO


def model_id_of(row: Row) -> ModelId:
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


def end_fields(end: CallEnd) -> dict[str, Any]:
    """What a call's end says, as columns."""
    return {
        "call_id": end.call_id,
        "ended_at": end.ended_at,
        "state": end.state,
        "provider": end.candidate and end.candidate.provider,
        "model": end.candidate and end.candidate.model,
        "tier": end.tier,
        "cost_nano_usd": nano_usd(end.cost_usd),
        "saved_nano_usd": nano_usd(end.saved_usd),
        "director_input_tokens": end.director_input_tokens,
        "director_output_tokens": end.director_output_tokens,
        "director_listing_tokens": end.listing_tokens,
        "spared_input_tokens": end.spared.input_tokens,
        "spared_output_tokens": end.spared.output_tokens,
        "error": end.error,
        "beyond_arm": end.beyond_arm,
        **usage_fields(end.usage),
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


def attempt_of(row: Row) -> Attempt:
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


def call_of(row: Row) -> CallRow:
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
        arm=row["arm"],
        beyond_arm=bool(row["beyond_arm"]),
    )


def batch_of(row: Row) -> BatchRow:
    """A batch as its server last told of it."""
    return BatchRow(**{field.name: row[field.name] for field in fields(BatchRow)})


def learned_of(row: Row) -> LearnedLimit:
    """A limit as a service told it."""
    scope = "account" if row["model"] == ACCOUNT else "model"
    told = RateLimit(row["metric"], row["period"], row["limit"], row["remaining"], row["reset_s"], row["source"], scope)
    return LearnedLimit(model_id_of(row), told, row["seen_at"], row["elsewhere"])


def cooldown_of(row: Row) -> Cooldown:
    """A model that is to be left alone for a while."""
    return Cooldown(model_id_of(row), row["until"], ErrorKind(row["why"]), row["strikes"])


def breaker_of(row: Row, now: float) -> OpenBreaker:
    """A provider that failed too often."""
    return OpenBreaker(row["provider"], open_until(row["until"], now), row["failures"])


def off_of(row: Row) -> ProviderOff:
    """A provider whose key was refused."""
    return ProviderOff(row["provider"], row["key_mark"], row["since"])


def tombstone_of(row: Row) -> Tombstone:
    """A model that is gone."""
    return Tombstone(model_id_of(row), row["since"])


def health_of(rows: Iterable[Row], model_id: ModelId) -> Health:
    """What is held against a model, from the rows of the statement `health`."""
    found = {row["what"]: row for row in rows}
    if not found:
        return WELL
    off, gone, breaker = found.get("off"), found.get("gone"), found.get("breaker")
    return Health(
        off=ProviderOff(model_id.provider, off["word"], off["at"]) if off else None,
        gone=Tombstone(model_id, gone["at"]) if gone else None,
        breaker=Breaker(breaker["number"], breaker["at"], breaker["word"], breaker["until"]) if breaker else None,
        cooldown=_cooldown(found.get("model"), model_id),
        account_cooldown=_cooldown(found.get("account"), account_of(model_id)),
    )


def _cooldown(row: Row | None, model_id: ModelId) -> Cooldown | None:
    return Cooldown(model_id, row["at"], ErrorKind(row["word"]), row["number"]) if row else None


_USE = ("requests_minute", "tokens_minute", "requests_day", "tokens_day", "reserved_requests", "reserved_tokens")


def use_of_model_and_account(rows: Iterable[Row]) -> tuple[ModelUse, ModelUse]:
    """The use of a model and of all models of its provider, from the one row of the statement `use_of`."""
    (row,) = rows
    return use_from(row), use_from(row, "all_")


def use_from(row: Row, whose: str = "") -> ModelUse:
    """A use from its columns, which may begin with `whose`."""
    oldest = [at for at in (row[f"{whose}oldest"], row[f"{whose}oldest_under_way"]) if at is not None]
    counts: list[int] = [row[whose + column] for column in _USE]
    return ModelUse(*counts, oldest_in_minute=min(oldest, default=None))


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


def use_of(minute: Iterable[Row], reserved: Iterable[Row], day: Iterable[Row]) -> Mapping[ModelId, ModelUse]:
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


def totals_of(calls: Iterable[Row], attempts: Iterable[Row]) -> Totals:
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
        director_listing_tokens=sum(_column(row, "director_listing_tokens") for row in by_call.values()),
        cost_usd=usd(sum(_column(row, "cost_nano_usd") for row in by_attempt.values())),
        saved_usd=usd(sum(_column(row, "saved_nano_usd") for row in by_call.values())),
        tiers=tiers,
    )


def _column(row: Row | None, name: str) -> int:
    return 0 if row is None else int(row[name])
