"""The JSON of `models://health`: how each provider and model has fared lately, by what calls and lists showed. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from delegate_mcp.catalog.catalog import Catalog
from delegate_mcp.discovery.timing import ProviderList
from delegate_mcp.domain.availability import Availability, ProviderState
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.outcome import Attempt
from delegate_mcp.ledger.reports import CallRecord
from delegate_mcp.ledger.snapshot import LedgerSnapshot
from delegate_mcp.providers.registry import ProviderRow

LATELY_S = 7 * 86_400.0
"""So far back calls count."""


@dataclass(slots=True)
class _Seen:
    """The attempts at one model."""

    answered: list[Attempt] = field(default_factory=list[Attempt])
    failed: int = 0
    last_success: float | None = None
    last_failure: float | None = None
    last_kind: str = ""

    def take(self, attempt: Attempt, at: float) -> None:
        """Count one."""
        if attempt.outcome == "ok":
            self.answered.append(attempt)
            self.last_success = max(at, self.last_success or at)
        elif attempt.error_kind is not None:
            self.failed += 1
            if self.last_failure is None or at >= self.last_failure:
                self.last_failure, self.last_kind = at, attempt.error_kind.value


def health(
    rows: Sequence[ProviderRow],
    *,
    availability: Availability,
    snapshot: LedgerSnapshot,
    records: Iterable[CallRecord],
    lists: Mapping[str, ProviderList],
    next_list: Mapping[str, float],
    catalog: Catalog,
    off: frozenset[str],
) -> dict[str, Any]:
    """Everything that `models://health` shows.

        {"taken_at": "…Z", "providers": [
            {"name": "groq", "state": "ok", "why": "key set: …", "last_success": "…Z", "last_failure"?: {"at", "kind"},
             "asked_again"?: "…Z",
             "list"?: {"models": 12, "age_s": 3600, "ms": 80, "scans": 3, "scans_avoided": 40, "failures": 0,
                       "error"?: "…", "next": "…Z"},
             "models": {"openai/gpt-oss-20b": {"state": "ok", "answers": 40, "failures": 1, "last_success": "…Z",
                        "latency_ms": {"p50": 420, "p95": 900}, "tokens_s": {"p50": 800, "p95": 990}}}}]}

    `state` of a provider: ok, failing (its breaker is open until `asked_again`), recovering (half open: the next call
    tries it, as its time is over or it lists its models again), refused (its key), unproven (no call lately), unusable.
    Of a model: ok, failing (its last call failed), cooling, gone. 95 % of the answers were no slower than p95, which of
    tokens/s is the lower end.
    """
    seen = _seen(records)
    return {
        "taken_at": _iso(snapshot.taken_at),
        "providers": [
            _provider(
                row,
                availability.states[row.name],
                snapshot,
                {model_id: found for model_id, found in seen.items() if model_id.provider == row.name},
                known=lists.get(row.name),
                next_list=next_list.get(row.name, 0.0),
                off=row.name in off,
                gone=frozenset(grave.model_id for grave in snapshot.gone if grave.model_id in catalog.models),
            )
            for row in rows
            if row.name in availability.states
        ],
    }


def _seen(records: Iterable[CallRecord]) -> dict[ModelId, _Seen]:
    seen: dict[ModelId, _Seen] = {}
    for record in records:
        at = record.call.ended_at or record.call.started_at
        for attempt in record.attempts:
            seen.setdefault(attempt.model_id, _Seen()).take(attempt, at)
    return seen


def _provider(
    row: ProviderRow,
    state: ProviderState,
    snapshot: LedgerSnapshot,
    seen: Mapping[ModelId, _Seen],
    *,
    known: ProviderList | None,
    next_list: float,
    off: bool,
    gone: frozenset[ModelId],
) -> dict[str, Any]:
    breaker = next((open_ for open_ in snapshot.breakers if open_.provider == row.name), None)
    last = max((found.last_success for found in seen.values() if found.last_success), default=None)
    failed = max(seen.values(), key=lambda found: found.last_failure or 0.0, default=_Seen())
    if not state.usable:
        word = "unusable"
    elif off:
        word = "refused"
    elif breaker is not None:
        word = "failing" if breaker.until > snapshot.taken_at else "recovering"
    else:
        word = "ok" if last is not None else "unproven"
    buried = {model_id for model_id in gone if model_id.provider == row.name}
    cooling = {cold.model_id: cold.until for cold in snapshot.cooldowns if cold.until > snapshot.taken_at}
    return {
        "name": row.name,
        "state": word,
        "why": state.why,
        **({"last_success": _iso(last)} if last is not None else {}),
        **(
            {"last_failure": {"at": _iso(failed.last_failure), "kind": failed.last_kind}} if failed.last_failure else {}
        ),
        **({"asked_again": _iso(breaker.until)} if breaker is not None else {}),
        **({"list": _list(known, next_list, snapshot.taken_at)} if known is not None and state.usable else {}),
        "models": {
            model_id.model: _model(seen.get(model_id, _Seen()), cooling.get(model_id), gone=model_id in buried)
            for model_id in sorted({*seen, *buried})
        },
    }


def _model(seen: _Seen, cooling: float | None, *, gone: bool) -> dict[str, Any]:
    last_failed = seen.last_failure is not None and seen.last_failure > (seen.last_success or 0.0)
    state = "gone" if gone else "cooling" if cooling is not None else "failing" if last_failed else "ok"
    latency = [attempt.latency_ms for attempt in seen.answered]
    speed = [rate for attempt in seen.answered if (rate := _tokens_s(attempt)) is not None]
    return {
        "state": state,
        "answers": len(seen.answered),
        "failures": seen.failed,
        **({"last_success": _iso(seen.last_success)} if seen.last_success is not None else {}),
        **({"asked_again": _iso(cooling)} if cooling is not None and not gone else {}),
        **({"latency_ms": {"p50": _at(latency, 50), "p95": _at(latency, 95)}} if latency else {}),
        # Of speed more is better, so that what 95 % reach is the 5th percentile.
        **({"tokens_s": {"p50": _at(speed, 50), "p95": _at(speed, 5)}} if speed else {}),
    }


def _tokens_s(attempt: Attempt) -> float | None:
    """How fast it wrote, from its first token on; None where too little came to tell."""
    writing_ms = attempt.latency_ms - (attempt.first_token_ms or 0.0)
    return attempt.usage.output_tokens * 1000 / writing_ms if writing_ms > 0 and attempt.usage.output_tokens else None


def _list(known: ProviderList, next_at: float, now: float) -> dict[str, Any]:
    return {
        "models": len(known.models),
        **({} if known.found_at is None else {"age_s": max(0, round(now - known.found_at))}),
        **({} if known.listing_ms is None else {"ms": known.listing_ms}),
        "scans": known.scans,
        "scans_avoided": known.avoided,
        "failures": known.failures,
        **({"error": known.error} if known.error else {}),
        "next": _iso(max(now, next_at)),
    }


def _at(values: Sequence[float], percent: int) -> float:
    """The nearest-rank percentile."""
    ordered = sorted(values)
    return round(ordered[max(0, -(-len(ordered) * percent // 100) - 1)], 1)


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
