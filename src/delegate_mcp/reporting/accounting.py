"""A call's end as it is recorded, with what the call spared the director and what it made it spend."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from delegate_mcp.catalog.price_list import PriceList
from delegate_mcp.domain.brief import Brief
from delegate_mcp.domain.outcome import Outcome
from delegate_mcp.domain.request import DelegateRequest
from delegate_mcp.domain.usage import Usage, estimate_tokens
from delegate_mcp.ledger.base import CallEnd
from delegate_mcp.reporting.savings import Balance, saved_usd, spared_by


@dataclass(frozen=True, slots=True)
class Accounting:
    """Counts at the price of the director's model."""

    prices: PriceList
    director_model: str

    async def answered(
        self, request: DelegateRequest, brief: Brief, outcome: Outcome, told: str, now: float
    ) -> CallEnd:
        """The end of a call that was answered; `told` is what the director reads."""
        end = CallEnd(
            call_id=outcome.call_id,
            ended_at=now,
            state="ok",
            candidate=outcome.candidate.model_id,
            tier=outcome.candidate.tier,
            usage=outcome.usage,
            cost_usd=outcome.cost_usd,
            spared=spared_by(brief, outcome.completion) if request.spares else Usage(),
            beyond_arm=outcome.candidate.beyond_arm,
        )
        return await self._with_spending(end, request, told)

    async def unanswered(self, request: DelegateRequest, end: CallEnd, told: str, cost_usd: Decimal) -> CallEnd:
        """The end of a call that failed or was cancelled: nothing was spared, all of it is cost."""
        return await self._with_spending(replace(end, cost_usd=cost_usd), request, told)

    async def worth(self, *, written: int, read: int) -> Decimal:
        """What that many tokens of the director cost."""
        spending = Balance(written=written, read=read)
        return -saved_usd(await self.prices.get(), self.director_model, spending, Decimal(0))

    async def _with_spending(self, end: CallEnd, request: DelegateRequest, told: str) -> CallEnd:
        balance = Balance(
            spared=end.spared,
            written=request.director_input_tokens,
            read=0 if request.in_batch else estimate_tokens(told),
            listing=request.listing_tokens,
        )
        return replace(
            end,
            saved_usd=saved_usd(await self.prices.get(), self.director_model, balance, end.cost_usd),
            director_input_tokens=balance.written,
            director_output_tokens=balance.read,
            listing_tokens=balance.listing,
        )


def with_savings(meta: Mapping[str, Any], saved: Decimal, net_tokens: int | None = None) -> dict[str, Any]:
    """A reply's `_meta` with what its call saved: an estimate, as reports and the budget tell it."""
    facts = {**meta.get("delegate", {}), "saved_usd": f"{saved.normalize():f}", "saved_is_estimate": True}
    if net_tokens is not None:
        facts["saved_tokens"] = net_tokens
    return {**meta, "delegate": facts}


def net_tokens(end: CallEnd) -> int:
    """Tokens of the director that a call saved."""
    spent = Balance(
        spared=end.spared,
        written=end.director_input_tokens,
        read=end.director_output_tokens,
        listing=end.listing_tokens,
    )
    return spent.net
