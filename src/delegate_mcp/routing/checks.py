"""Why a candidate cannot take a call: one small function a reason.

To add a reason: write a function that takes a Case, and put it into LASTING (it returns the words, or None) or, where
time heals it, into PASSING (it returns a Pause, or None).
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from delegate_mcp.catalog.catalog import Model
from delegate_mcp.domain.brief import Brief
from delegate_mcp.domain.errors import ErrorKind
from delegate_mcp.ledger.quota import needed
from delegate_mcp.ledger.window import Window
from delegate_mcp.providers import registry
from delegate_mcp.routing.known import Known
from delegate_mcp.routing.rules import RuleCandidate
from delegate_mcp.routing.times import clock, day

DECENT_OUTPUT = 512
"""An output ceiling may shrink to this before a candidate is given up."""


BLIND = "cannot see images"
NO_LOCAL = "no local model is there"
NO_PAGE = "cannot search the web itself, and no web page was fetched for this call"
PAID_OFF = "paid models are off: budget.daily_usd is not set, or used up for today"
_TEXT_ONLY = ("cli", "embedded")
"""Wires over which text alone goes, whatever the model."""


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
        """Output tokens that context and token limits leave; over one of them no request is ever admitted."""
        ceiling = min(self.max_output_tokens, self.model.max_output_tokens)
        limits = (window.limit - self.brief.counted_tokens for window in self.token_windows())
        return min(ceiling, self.context_room(), *limits)

    def context_room(self) -> int:
        """What the context leaves beside the brief."""
        return self.model.context_tokens - self.brief.input_tokens

    def token_windows(self) -> list[Window]:
        """The windows that one request can be too large for."""
        return [window for window in self.windows if window.metric == "tokens"]

    def decent(self) -> int:
        """The least room for an answer."""
        return min(self.max_output_tokens, self.model.max_output_tokens, DECENT_OUTPUT)


@dataclass(frozen=True, slots=True)
class Pause:
    """A reason that time heals."""

    why: str
    short: str
    """In two words, for the line below an answer."""
    until: float | None
    """When asking makes sense again, in Unix seconds; None: not known."""


def lasting_reason(case: Case) -> str | None:
    """The first reason that no time heals; None: there is none."""
    return next((why for check in LASTING if (why := check(case))), None)


def pause(case: Case) -> Pause | None:
    """The reason that lasts longest of those that time heals; None: it can be asked now."""
    found = [reason for check in PASSING if (reason := check(case))]
    return max(found, key=lambda reason: inf if reason.until is None else reason.until, default=None)


def _stays_here(case: Case) -> str | None:
    if not case.private or case.known.is_local(case.model.model_id):
        return None
    return f"private: {case.brief.kept_here or 'this call'} stays on this machine"


def _sees(case: Case) -> str | None:
    if not case.brief.images:
        return None
    wire = registry.BY_NAME[case.model.model_id.provider].wire
    return BLIND if wire in _TEXT_ONLY or "vision" not in case.model.capabilities else None


def _data_policy(case: Case) -> str | None:
    policy, use = case.known.data_policy, case.known.data_use(case.model.model_id, case.model)
    return None if use is None or use.allowed_by(policy) else f'data_policy is "{policy}": it {use.told()}'


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


def _key(case: Case) -> str | None:
    row = registry.BY_NAME[case.model.model_id.provider]
    off = case.known.off(row.name)
    if off is None:
        return None
    what = row.key_names[0] if row.key_names else "its login"
    return f"{what} was refused on {day(off.since)}: get a new one at {row.key_url}"


def _gone(case: Case) -> str | None:
    gone = case.known.gone(case.model.model_id)
    return f"its service has said since {day(gone.since)} that it is gone" if gone else None


def _paid(case: Case) -> str | None:
    paid = case.known.tier(case.model.model_id, case.model) == "paid"
    off = paid and not case.known.paid
    return PAID_OFF if off else None


def _edits(case: Case) -> str | None:
    cli = registry.BY_NAME[case.model.model_id.provider].wire == "cli"
    return "cannot edit files: only the CLI backends can" if case.brief.edit_in is not None and not cli else None


def _web(case: Case) -> str | None:
    if case.asked.web_search and "search" not in case.model.capabilities:
        return "cannot search the web"
    if case.asked.needs_pages and not case.brief.pages:
        return NO_PAGE
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


def _nothing_given(case: Case) -> str | None:
    none = next((window for window in case.windows if window.limit == 0), None)
    return f"its service gives no {none.metric} on this account" if none else None


def _too_large(case: Case) -> str | None:
    with_answer = case.brief.counted_tokens + case.decent()
    least = min(case.token_windows(), key=lambda window: window.limit, default=None)
    if least is None or with_answer <= least.limit:
        return None
    return f"would be refused: {with_answer:,} tokens with the answer, its limit is {least.limit:,} a {least.period}"


def _cooling(case: Case) -> Pause | None:
    cooldown = case.known.cooldown(case.model.model_id)
    if cooldown is None:
        return None
    until = clock(cooldown.until, case.known.snapshot.taken_at)
    short = "no quota" if cooldown.why is ErrorKind.RATE_LIMITED else "not answering"
    return Pause(f"cooling down until {until} after {cooldown.why.value}", short, cooldown.until)


def _breaker(case: Case) -> Pause | None:
    provider = case.model.model_id.provider
    breaker = case.known.breaker(provider)
    if breaker is None:
        return None
    until = clock(breaker.until, case.known.snapshot.taken_at)
    why = f"{provider} failed {breaker.failures} times in a row: asked again at {until}"
    return Pause(why, "not answering", breaker.until)


def _no_room(case: Case) -> Pause | None:
    """The window that lacks room longest for the prompt and the output ceiling."""
    tokens = case.brief.counted_tokens + case.room()
    short = [row for row in case.windows if row.left < needed(row, tokens)]
    window = max(short, key=lambda row: inf if row.resets_at is None else row.resets_at, default=None)
    if window is None:
        return None
    at = window.resets_at
    again = "" if at is None else f", room again at {clock(at, case.known.snapshot.taken_at)}"
    this = "today" if window.period == "day" else f"this {window.period}"
    if window.left == 0:
        why = f"all {window.limit:,} {window.metric} of {this} are used{again}"
    else:
        why = f"{window.left:,} of {window.limit:,} {window.metric} of {this} are left, {tokens:,} are needed{again}"
    return Pause(why, "no quota", at)


LASTING: tuple[Callable[[Case], str | None], ...] = (
    _stays_here,
    _sees,
    _data_policy,
    _web,
    _usable,
    _key,
    _gone,
    _paid,
    _edits,
    _floor,
    _context,
    _nothing_given,
    _too_large,
)
"""In this order the reasons are looked for; the first is told."""

PASSING: tuple[Callable[[Case], Pause | None], ...] = (_cooling, _breaker, _no_room)
"""The one that lasts longest is told."""
