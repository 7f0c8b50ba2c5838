"""How much each model reads at once, how large parts of a long text are, and whether they are read in time. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, inf

from delegate_mcp.domain.brief import TEMPLATE_TOKENS
from delegate_mcp.domain.plan import Candidate
from delegate_mcp.domain.usage import estimate_tokens
from delegate_mcp.ledger.quota import MINUTE_S, needed
from delegate_mcp.routing.known import Known

LEAST_PART = 1_500
"""Smaller parts are made only where no model takes larger ones: each is sent the task and its own frame too."""
MOST_PARTS = 256
FRAME_TOKENS = 200
"""What is said to a model beside the task and its part."""
_TINY_PART = 256
_SHARE = 8
"""This part of what a model takes may be its report on a part …"""
_REPORT = (256, 1_024)
"""… within these bounds; a model that thinks first needs room for that."""
_SMALLER = 4
"""A model that takes less than this part of what another takes is not asked beside it."""
_FREE, _PLAN = ("local", "free"), ("subscription",)


@dataclass(frozen=True, slots=True)
class Reader:
    """A model that may be asked, with what it takes."""

    candidate: Candidate
    takes: int
    """Tokens of one request with its answer: its context, or the least of its limits of tokens."""

    @property
    def report_tokens(self) -> int:
        """The ceiling of its report on a part."""
        least, most = _REPORT
        return min(self.candidate.options.max_output_tokens, max(least, min(most, self.takes // _SHARE)))

    def room(self, task: str) -> int:
        """Tokens of a part that it can be sent with that task."""
        return self.takes - TEMPLATE_TOKENS - FRAME_TOKENS - estimate_tokens(task) - self.report_tokens

    @property
    def asked(self) -> Candidate:
        """The candidate as it is asked about a part: briefly, without long thought and without the web."""
        options = self.candidate.options
        effort = None if options.reasoning_effort is None else "low"
        short = replace(options, reasoning_effort=effort, web_search=False, max_output_tokens=self.report_tokens)
        return replace(self.candidate, options=short)


def readers(candidates: Sequence[Candidate], known: Known) -> tuple[Reader, ...]:
    """Those who may read parts beside one another: what costs nothing where there is such, and nothing much smaller."""
    free = [row for row in candidates if row.tier in _FREE]
    plans = [row for row in candidates if row.tier in _PLAN]
    found = [Reader(row, takes(row, known)) for row in free or plans or candidates]
    most = max((row.takes for row in found), default=0)
    return tuple(row for row in found if row.takes * _SMALLER >= most)


def takes(candidate: Candidate, known: Known) -> int:
    """Tokens of one request with its answer that the model ever admits."""
    model = known.model(candidate.model_id)
    if model is None:
        return 0
    limits = (window.limit for window in known.windows(model) if window.metric == "tokens")
    return min((model.context_tokens, *limits))


def part_size(rooms: Sequence[int], total: int, most: int | None = None) -> int | None:
    """Tokens of a part: as large as the most work at once allows, and all of about one size. None: nobody takes any.

    `most`: no more than that, since more was refused.
    """
    bounded = [min(room, most) if most else room for room in rooms]
    usable = [room for room in bounded if room >= LEAST_PART] or [max(bounded, default=0)]
    best = max(usable, key=lambda room: (room * sum(other >= room for other in usable), room))
    if best < _TINY_PART:
        return None
    number = ceil(total / best)
    return min(best, max(LEAST_PART, total * 11 // (number * 10))) if number > 1 else best


def in_time(readers: Sequence[Reader], part_tokens: int, known: Known, seconds: float) -> float:
    """How many parts the limits of those models admit within that time; infinity where one of them has no limit."""
    return sum(_admitted(reader, part_tokens + reader.report_tokens, known, seconds) for reader in readers)


def _admitted(reader: Reader, tokens: int, known: Known, seconds: float) -> float:
    now, model_id = known.snapshot.taken_at, reader.candidate.model_id
    model, cooldown, breaker = known.model(model_id), known.cooldown(model_id), known.breaker(model_id.provider)
    pauses = [row.until - now for row in (cooldown, breaker) if row is not None]
    left = seconds - max(pauses, default=0.0)
    if model is None or left < 0:
        return 0
    numbers = [inf]
    for window in known.windows(model):
        of_one = max(1, needed(window, tokens))
        fresh = 0 if window.period != "minute" else window.limit // of_one * int(left // MINUTE_S)
        numbers.append(window.left // of_one + fresh)
    return min(numbers)
