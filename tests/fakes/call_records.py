"""Records of calls for reports; a test names only what it is about."""

from decimal import Decimal

from delegate_mcp.domain.errors import ErrorKind
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.outcome import Attempt
from delegate_mcp.domain.plan import Tier
from delegate_mcp.domain.usage import ZERO, Usage
from delegate_mcp.ledger.base import CallRow, CallState
from delegate_mcp.ledger.reports import CallRecord
from tests.fakes.ledger_rows import GROQ, HERE, NOON


def tried(
    model_id: ModelId = GROQ,
    *,
    tier: Tier = "free",
    usage: Usage = Usage(100, 20),
    failed: bool = False,
    cost_usd: Decimal = ZERO,
    latency_ms: float = 0.0,
) -> Attempt:
    return Attempt(
        number=1,
        model_id=model_id,
        tier=tier,
        outcome="failed" if failed else "ok",
        error_kind=ErrorKind.OVERLOADED if failed else None,
        usage=usage,
        cost_usd=cost_usd,
        latency_ms=latency_ms,
    )


def record(
    call_id: str = "c1",
    *attempts: Attempt,
    at: float = NOON,
    took_s: float = 2.0,
    state: CallState = "ok",
    candidate: ModelId | None = GROQ,
    tier: Tier | None = "free",
    task_type: str = "quick",
    rule: str = "rules.toml:quick",
    complexity: str = "simple",
    private: bool = False,
    conversation: str | None = None,
    project: str | None = None,
    brief_tokens: int = 120,
    written: int = 0,
    read: int = 0,
    listing: int = 0,
    spared: Usage = Usage(),
    saved_usd: Decimal = ZERO,
) -> CallRecord:
    answered = state == "ok"
    call = CallRow(
        call_id=call_id,
        state=state,
        started_at=at,
        ended_at=None if state == "running" else at + took_s,
        tool="delegate_quick",
        task_type=task_type,
        private=private,
        parent=None,
        pid=HERE,
        candidate=candidate if answered else None,
        error=None,
    )
    return CallRecord(
        call=call,
        rule=rule,
        complexity=complexity,
        conversation=conversation,
        project=project,
        tier=tier if answered else None,
        brief_tokens=brief_tokens,
        written=written,
        read=read,
        listing=listing,
        spared=spared,
        saved_usd=saved_usd,
        attempts=attempts,
    )
