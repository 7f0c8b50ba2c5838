"""The facts of a call as JSON values: the `delegate` object of a reply's `_meta` and of `ask --json`."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from delegate_mcp.domain.brief import FileSent
from delegate_mcp.domain.outcome import Attempt, Outcome, Repeated


def call_facts(
    outcome: Outcome, *, saved_usd: Decimal, files: Sequence[FileSent] = (), notes: Sequence[str] = ()
) -> dict[str, Any]:
    """What programs may know of an answered call. Money is text, so that no cent is lost in a float."""
    plan, candidate = outcome.plan, outcome.candidate
    return {
        "call_id": outcome.call_id,
        "route": {
            "provider": candidate.model_id.provider,
            "model": candidate.model_id.model,
            "tier": candidate.tier,
            "rule": plan.rule,
            "reason": plan.reason,
            "why": candidate.why,
            "task_type": plan.task_type,
            "complexity": plan.complexity,
            "asked_as": candidate.asked_as,
            "demo": candidate.demo,
            "learned": list(plan.told.learned),
            "shadow": [str(model_id) for model_id in plan.shadow],
            "experiment": plan.arm or None,
            "beyond_experiment": candidate.beyond_arm,
            "passed_over": [{"model": passed.model, "why": passed.why} for passed in plan.passed_over],
        },
        "attempts": attempt_facts(outcome.attempts),
        "usage": {
            "input_tokens": outcome.usage.input_tokens,
            "output_tokens": outcome.usage.output_tokens,
            "cache_read_tokens": outcome.usage.cache_read_tokens,
        },
        "cost_usd": money(outcome.cost_usd),
        "saved_usd": money(saved_usd),
        "finish_reason": outcome.completion.finish_reason,
        "cached": _repeated(outcome.repeated),
        "parts": None if outcome.parts is None else asdict(outcome.parts),
        "files": [_file(file) for file in files],
        "sources": list(outcome.completion.sources),
        "notes": list(notes),
    }


def _file(file: FileSent) -> dict[str, Any]:
    return {"path": file.path, "tokens": file.tokens} | ({"image": file.image} if file.image else {})


def attempt_facts(attempts: Sequence[Attempt]) -> list[dict[str, Any]]:
    """Every provider call, in order."""
    return [
        {
            "provider": attempt.model_id.provider,
            "model": attempt.model_id.model,
            "outcome": attempt.outcome,
            "error_kind": None if attempt.error_kind is None else attempt.error_kind.value,
            "status": attempt.status,
            "latency_ms": round(attempt.latency_ms, 1),
        }
        for attempt in attempts
    ]


def _repeated(of: Repeated | None) -> dict[str, Any] | None:
    if of is None:
        return None
    answered_at = datetime.fromtimestamp(of.answered_at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {"call_id": of.call_id, "answered_at": answered_at}


def money(usd: Decimal) -> str:
    """USD as plain digits, without trailing zeros or an exponent."""
    text = f"{usd:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
