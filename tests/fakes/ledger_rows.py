"""Rows for a ledger with everything filled in; a test names only what it is about."""

from decimal import Decimal
from typing import Literal

from delegate_mcp.domain.errors import ErrorKind
from delegate_mcp.domain.limit import DayReset, Limit
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.outcome import Attempt
from delegate_mcp.domain.plan import Tier
from delegate_mcp.domain.usage import ZERO, RateLimit, Usage
from delegate_mcp.ledger.base import CallEnd, CallStart, CallState, Reserve, Settle, Ticket

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


def asked(
    call_id: str,
    number: int = 1,
    model_id: ModelId = GROQ,
    at: float = NOON,
    *,
    tier: Tier = "free",
    tokens: int = 500,
    lease_s: float = 300.0,
    limits: tuple[Limit, ...] = (),
    reset: DayReset = "utc",
    usd: Decimal = ZERO,
    daily_usd: Decimal | None = None,
    key_mark: str = "",
    ticket: Ticket | None = None,
) -> Reserve:
    return Reserve(
        call_id=call_id,
        number=number,
        model_id=model_id,
        tier=tier,
        now=at,
        tokens=tokens,
        lease_until=at + lease_s,
        limits=limits,
        reset=reset,
        usd=usd,
        daily_usd=daily_usd,
        key_mark=key_mark,
        ticket=ticket,
    )


def ended(
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
    latency_ms: float = 1000.0,
    first_token_ms: float | None = None,
    counted: bool = True,
    rate_limits: tuple[RateLimit, ...] = (),
    told_until: float | None = None,
    key_mark: str = "",
    reset: DayReset = "utc",
    counted_tokens: int | None = None,
) -> Settle:
    attempt = Attempt(
        number=number,
        model_id=model_id,
        tier=tier,
        outcome="failed" if error_kind and outcome == "ok" else outcome,
        error_kind=error_kind,
        latency_ms=latency_ms,
        first_token_ms=first_token_ms,
        usage=usage,
        cost_usd=cost_usd,
    )
    return Settle(
        call_id=call_id,
        attempt=attempt,
        ended_at=at,
        counted=counted,
        rate_limits=rate_limits,
        told_until=told_until,
        key_mark=key_mark,
        reset=reset,
        counted_tokens=counted_tokens,
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
