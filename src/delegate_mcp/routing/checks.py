"""Why a candidate cannot take a call: one small function a reason, in the order of CHECKS.

To add a reason: write a function that takes a Case and returns the words (or None), and put it into CHECKS.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from delegate_mcp.catalog.catalog import Model
from delegate_mcp.domain.brief import Brief
from delegate_mcp.ledger.quota import Window
from delegate_mcp.providers import registry
from delegate_mcp.routing.known import Known
from delegate_mcp.routing.rules import RuleCandidate

DECENT_OUTPUT = 512
"""An output ceiling may shrink to this before a candidate is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One candidate before one call."""

    model: Model
    asked: RuleCandidate
    brief: Brief
    known: Known
    task_type: str
    floor: int | None
    """None: the caller named the model, which is his to judge."""
    private: bool
    max_output_tokens: int
    windows: tuple[Window, ...]
    """What is left of the model's limits."""

    def room(self) -> int:
        """Output tokens that context and tokens-per-minute limits leave."""
        ceiling = min(self.max_output_tokens, self.model.max_output_tokens)
        return min(ceiling, self.context_room(), *(limit - self.brief.input_tokens for limit in self.minute_tokens()))

    def context_room(self) -> int:
        """What the context leaves beside the brief."""
        return self.model.context_tokens - self.brief.input_tokens

    def minute_tokens(self) -> list[int]:
        """Tokens-per-minute limits: a request over one of them is refused whenever it is sent."""
        return [row.limit for row in self.windows if (row.metric, row.period) == ("tokens", "minute")]

    def decent(self) -> int:
        """The least room for an answer."""
        return min(self.max_output_tokens, self.model.max_output_tokens, DECENT_OUTPUT)


def first_reason(case: Case) -> str | None:
    """The first reason against a candidate; None: it can be asked."""
    return next((why for check in CHECKS if (why := check(case))), None)


def _stays_here(case: Case) -> str | None:
    return (
        "private: this call stays on this machine"
        if case.private and not case.known.is_local(case.model.model_id)
        else None
    )


def _usable(case: Case) -> str | None:
    model_id = case.model.model_id
    state = case.known.availability.states.get(model_id.provider)
    if state is None:
        return "not set up"
    if not state.usable:
        return state.why
    if state.models is not None and model_id.model not in state.models:
        return "not served there now"
    return None


def _paid(case: Case) -> str | None:
    paid = case.known.tier(case.model.model_id, case.model) == "paid"
    off = paid and not case.known.paid
    return "paid models are off: budget.daily_usd is not set, or used up for today" if off else None


def _edits(case: Case) -> str | None:
    cli = registry.BY_NAME[case.model.model_id.provider].wire == "cli"
    return "cannot edit files: only the CLI backends can" if case.brief.edit_in is not None and not cli else None


def _web(case: Case) -> str | None:
    if case.asked.web_search and "search" not in case.model.capabilities:
        return "cannot search the web"
    if case.asked.needs_pages and not case.brief.pages:
        return "cannot search the web itself, and no web page was fetched for this call"
    return None


def _floor(case: Case) -> str | None:
    quality = case.model.quality_for(case.task_type)
    if case.floor is None or quality >= case.floor:
        return None
    return f"quality {quality} of 10 is below the floor of {case.floor} for {case.task_type}"


def _context(case: Case) -> str | None:
    if case.context_room() >= case.decent():
        return None
    size, read = case.model.context_tokens, case.brief.input_tokens
    return f"its context of {size:,} tokens is too small for {read:,} and an answer"


def _minute(case: Case) -> str | None:
    needed = case.brief.input_tokens + case.decent()
    limit = min(case.minute_tokens(), default=needed)
    if needed <= limit:
        return None
    return f"would be refused: {needed:,} tokens with the answer, its limit is {limit:,} a minute"


def _cooling(case: Case) -> str | None:
    cooldown = case.known.cooldown(case.model.model_id)
    return f"cooling down until {_clock(cooldown.until)} after {cooldown.why.value}" if cooldown else None


def _day(case: Case) -> str | None:
    for window in case.windows:
        if window.period != "day" or window.left > 0:
            continue
        if window.limit == 0:
            return f"its service gives no {window.metric} on this account"
        again = f", room again at {_clock(window.resets_at)}" if window.resets_at is not None else ""
        return f"all {window.limit:,} {window.metric} of today are used{again}"
    return None


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%H:%M:%S} UTC"


CHECKS: tuple[Callable[[Case], str | None], ...] = (
    _stays_here,
    _usable,
    _paid,
    _edits,
    _web,
    _floor,
    _context,
    _minute,
    _cooling,
    _day,
)
"""In this order the reasons are looked for; the first is told."""
