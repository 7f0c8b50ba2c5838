"""A month of made-up calls in a ledger, the same at every run: what the dashboard's picture and tests are made of."""

import random
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from anyio import Path as AsyncPath

from delegate_mcp.catalog.prices import Prices, load_prices
from delegate_mcp.domain.errors import ErrorKind
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.outcome import Attempt
from delegate_mcp.domain.plan import Tier
from delegate_mcp.domain.usage import ZERO, Usage
from delegate_mcp.ledger.base import CallEnd, CallStart, Ledger, Reserve, Settle
from delegate_mcp.ledger.batches import BatchRow
from delegate_mcp.ledger.sqlite import SqliteLedger
from delegate_mcp.reporting.overview import BATCH
from delegate_mcp.reporting.savings import Balance, saved_usd

NOW = 1_795_193_400.0
"""Friday, 2026-11-20, 16:50 UTC."""
DAYS = 30
DIRECTOR = "claude-opus-5-5"
_DAY_S, _HOUR_S = 86_400.0, 3_600.0
_BUSY = (0.35, 1.0, 1.15, 1.1, 0.95, 0.8, 0.3)
"""Sunday to Saturday."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of work: how often, for whom (with their shares), tokens in and out, seconds."""

    task_type: str
    tool: str
    share: float
    models: tuple[tuple[str, Tier, float], ...]
    brief: tuple[int, int]
    answer: tuple[int, int]
    took_s: tuple[float, float]


_FAST, _LARGE = "groq:openai/gpt-oss-20b", "groq:openai/gpt-oss-120b"
_LITE, _QUALITY = "gemini:gemini-3.5-flash-lite", "gemini:gemini-3.8-flash"
_FLASH, _LOCAL, _CLI, _PAID = (
    "gemini:gemini-3.6-flash",
    "local:nemotron-nano-12b-v2",
    "claude:sonnet",
    "openai:gpt-6-luna",
)
_KINDS = (
    Kind(
        "quick", "delegate_quick", 0.3, ((_FAST, "free", 0.9), (_LITE, "free", 0.1)), (200, 2_500), (60, 500), (0.5, 2)
    ),
    Kind(
        "summarization",
        "delegate_quick",
        0.2,
        ((_LITE, "free", 0.3), (_FLASH, "free", 0.7)),
        (5_000, 26_000),
        (200, 700),
        (2, 8),
    ),
    Kind(
        "coding",
        "delegate_code",
        0.17,
        ((_LARGE, "free", 0.88), (_CLI, "subscription", 0.1), (_PAID, "paid", 0.02)),
        (1_500, 6_000),
        (400, 1_800),
        (6, 45),
    ),
    Kind(
        "reasoning",
        "delegate_reasoning",
        0.12,
        ((_LARGE, "free", 0.7), (_QUALITY, "free", 0.3)),
        (400, 3_000),
        (500, 2_000),
        (4, 20),
    ),
    Kind(
        "long_context",
        "delegate_longcontext",
        0.05,
        ((_QUALITY, "free", 1.0),),
        (40_000, 110_000),
        (500, 1_500),
        (12, 40),
    ),
    Kind("private", "delegate_private", 0.1, ((_LOCAL, "local", 1.0),), (800, 5_000), (100, 600), (5, 30)),
    Kind("classification", "delegate_batch", 0.06, ((_FAST, "free", 1.0),), (150, 500), (5, 40), (0.4, 1.2)),
)


async def fill(home: Path, now: float = NOW, *, days: int = DAYS, calls_a_day: int = 80) -> int:
    """Write the calls into the ledger of a home; how many they are."""
    chance = random.Random(7)  # noqa: S311 - the same at every run is what is wanted
    prices = await load_prices()
    await AsyncPath(home).mkdir(parents=True, exist_ok=True)
    ledger = await SqliteLedger.open(home / "ledger.db", lambda: now)
    made = 0
    try:
        today = now - now % _DAY_S
        for day in range(days - 1, -1, -1):
            begin = today - day * _DAY_S
            busy = _BUSY[int(begin // _DAY_S + 4) % 7] * (1.25 - 0.6 * day / days)
            for _ in range(round(calls_a_day * busy * chance.uniform(0.75, 1.25))):
                at = begin + min(max(chance.gauss(13.5, 2.8), 7), 21) * _HOUR_S
                if at < now - 20:
                    made += 1
                    await _call(ledger, chance, prices, f"demo{made:05}", at)
        await _batch(ledger, now)
    finally:
        await ledger.aclose()
    return made


async def _call(ledger: Ledger, chance: random.Random, prices: Prices, call_id: str, at: float) -> None:
    (kind,) = chance.choices(_KINDS, [row.share for row in _KINDS])
    ((named, tier, _),) = chance.choices(kind.models, [share for *_, share in kind.models])
    model = ModelId.parse(named)
    tokens_in, tokens_out = chance.randint(*kind.brief), chance.randint(*kind.answer)
    took_s = chance.uniform(*kind.took_s) * chance.choice((0.8, 1, 1, 1.1, 1.8))
    luck = chance.random()
    await ledger.begin_call(_start(call_id, kind, at, tokens_in))
    number = 1
    if luck < 0.09:  # noqa: PLR2004 - how often a service is at its limit
        other = ModelId.parse(_LITE if model.provider == "groq" else _LARGE)
        await _attempt(
            ledger, call_id, other, "free", number=1, at=at, took_s=0.3, usage=Usage(), error=ErrorKind.RATE_LIMITED
        )
        number = 2
    failed = luck > 0.985  # noqa: PLR2004 - how often nobody can answer
    usage = Usage(tokens_in, 0 if failed else tokens_out)
    cost = (Decimal(tokens_in) * 2 + Decimal(tokens_out) * 8) / 1_000_000 if tier == "paid" else ZERO
    error = ErrorKind.OVERLOADED if failed else None
    await _attempt(
        ledger, call_id, model, tier, number=number, at=at, took_s=took_s, usage=usage, error=error, cost=cost
    )
    spared = Usage(0, 0) if failed else Usage(int(tokens_in * 0.85), tokens_out, estimated=True)
    balance = Balance(spared=spared, written=chance.randint(30, 90), read=chance.randint(40, 160))
    await ledger.end_call(
        CallEnd(
            call_id=call_id,
            ended_at=at + took_s,
            state="failed" if failed else "ok",
            candidate=None if failed else model,
            tier=None if failed else tier,
            usage=usage,
            cost_usd=cost,
            saved_usd=saved_usd(prices, DIRECTOR, balance, cost),
            director_input_tokens=balance.written,
            director_output_tokens=balance.read,
            spared=spared,
        )
    )


def _start(call_id: str, kind: Kind, at: float, tokens: int) -> CallStart:
    return CallStart(
        call_id=call_id,
        started_at=at,
        tool=kind.tool,
        task_type=kind.task_type,
        complexity="moderate",
        rule=f"rules.toml:{kind.task_type}",
        reason="made up",
        private=kind.task_type == "private",
        connection="demo",
        conversation=None,
        parent=None,
        pid=1,
        input_tokens=tokens,
    )


async def _attempt(
    ledger: Ledger,
    call_id: str,
    model: ModelId,
    tier: Tier,
    *,
    number: int,
    at: float,
    took_s: float,
    usage: Usage,
    error: ErrorKind | None,
    cost: Decimal = ZERO,
) -> None:
    asked = Reserve(
        call_id=call_id, number=number, model_id=model, tier=tier, now=at, tokens=usage.total, lease_until=at + 300
    )
    await ledger.reserve(asked)
    attempt = Attempt(
        number=number,
        model_id=model,
        tier=tier,
        outcome="failed" if error else "ok",
        error_kind=error,
        latency_ms=took_s * 1_000,
        usage=usage,
        cost_usd=cost,
    )
    await ledger.settle(Settle(call_id=call_id, attempt=attempt, ended_at=at + took_s, counted=error is None))


async def _batch(ledger: Ledger, now: float) -> None:
    began = now - 900
    row = BatchRow(
        batch_id="bdemo1",
        state="running",
        created_at=began,
        total=200,
        owner="demo:1",
        lease_until=now + 60,
        answered=137,
        failed=3,
        expected_at=now + 420,
    )
    await ledger.begin_call(replace(_start(row.batch_id, _KINDS[-1], began, 120), rule=BATCH))
    await ledger.begin_batch(row)
