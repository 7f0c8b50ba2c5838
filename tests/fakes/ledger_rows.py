"""Rows for a ledger with everything filled in; a test names only what it is about."""

from decimal import Decimal
from typing import Literal

from delegate_mcp.domain.errors import ErrorKind
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.outcome import Attempt
from delegate_mcp.domain.plan import Tier
from delegate_mcp.domain.usage import ZERO, RateLimit, Usage
from delegate_mcp.ledger.base import AttemptEnd, AttemptStart, CallEnd, CallStart, CallState

GROQ = ModelId("groq", "openai/gpt-oss-20b")
GEMINI = ModelId("gemini", "gemini-3.8-flash")
NOON = 1_795_262_400.0  # 2026-11-21 12:00 UTC
MIDNIGHT = NOON - 12 * 3600
HERE = 4242


def call_start(
    call_id: str, at: float = NOON, *, connection: str = "desk", parent: str | None = None, pid: int = HERE
) -> CallStart:
    return CallStart(
        call_id=call_id,
        started_at=at,
        tool="delegate_quick",
        task_type="quick",
        complexity="simple",
        rule="rules.toml:quick",
        reason="short question",
        private=False,
        connection=connection,
        conversation="c-1",
        parent=parent,
        pid=pid,
        input_tokens=120,
    )


def attempt_start(
    call_id: str,
    number: int = 1,
    model_id: ModelId = GROQ,
    at: float = NOON,
    *,
    tier: Tier = "free",
    reserved: int = 500,
    lease_s: float = 300.0,
) -> AttemptStart:
    return AttemptStart(
        call_id=call_id,
        number=number,
        model_id=model_id,
        tier=tier,
        started_at=at,
        reserved_tokens=reserved,
        lease_until=at + lease_s,
    )


def attempt_end(
    call_id: str,
    number: int = 1,
    model_id: ModelId = GROQ,
    at: float = NOON + 1,
    *,
    tier: Tier = "free",
    outcome: Literal["ok", "failed", "cancelled"] = "ok",
    usage: Usage = Usage(100, 20),
    error_kind: ErrorKind | None = None,
    cost_usd: Decimal = ZERO,
    rate_limits: tuple[RateLimit, ...] = (),
    cooldown_until: float | None = None,
) -> AttemptEnd:
    attempt = Attempt(
        number=number,
        model_id=model_id,
        tier=tier,
        outcome=outcome,
        error_kind=error_kind,
        latency_ms=1000.0,
        first_token_ms=80.5,
        usage=usage,
        cost_usd=cost_usd,
    )
    return AttemptEnd(
        call_id=call_id, attempt=attempt, ended_at=at, rate_limits=rate_limits, cooldown_until=cooldown_until
    )


def call_end(
    call_id: str,
    at: float = NOON + 2,
    *,
    state: CallState = "ok",
    candidate: ModelId | None = GROQ,
    tier: Tier | None = "free",
    saved_usd: Decimal = ZERO,
    director: tuple[int, int] = (0, 0),
    error: str | None = None,
) -> CallEnd:
    return CallEnd(
        call_id=call_id,
        ended_at=at,
        state=state,
        candidate=candidate,
        tier=tier,
        usage=Usage(100, 20),
        saved_usd=saved_usd,
        director_input_tokens=director[0],
        director_output_tokens=director[1],
        error=error,
    )
