"""What use has taught of each model, by task type, and the order that it gives to candidates that are equal. Pure.

Two things are learned apart, since they change at different speeds. *Worth*: whether its answers are what was asked
for (schema met, check passed, a verdict). *Presence*: whether it answers at all, and soon. Of each there is a Beta
posterior whose counts fade, with every new one and with time. The catalog's rubric is the prior of worth.

The numbers of this file were chosen with `bench/routing_learning.py`, which says how much is won and lost by them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from random import Random
from typing import TypeVar

from delegate_mcp.domain.model_id import ModelId

T = TypeVar("T")

PRIOR_WEIGHT = 10.0
"""So many answers is the rubric worth."""
PRESENT = (9.0, 1.0)
"""Before anything is known of it, a service answers nine times of ten."""
SHARPNESS = 3.0
"""Worth is drawn as if there were so much more evidence: fewer detours to models that are a little worse."""
EXPLORED = 0.01
"""Share of calls in which any of the equals is asked first, so that one that got better is found out."""
LEAST_EVIDENCE = 10.0
"""Until the equals of a task type have shown so much of their worth together, the rule's own order stands."""
_WORST, _BEST = 0.05, 0.95


@dataclass(frozen=True, slots=True)
class Fading:
    """How soon evidence is forgotten."""

    kept: float
    """Share of the old evidence that a new piece leaves."""
    half_life_s: float
    """After so long half of it is left, in seconds."""


WORTH = Fading(kept=0.97, half_life_s=14 * 86_400.0)
PRESENCE = Fading(kept=0.8, half_life_s=600.0)


@dataclass(frozen=True, slots=True)
class Tally:
    """Evidence for and against, as it was at a time."""

    good: float = 0.0
    bad: float = 0.0
    at: float = 0.0
    """Unix seconds."""

    @property
    def weight(self) -> float:
        """All of it."""
        return self.good + self.bad

    def faded(self, now: float, fading: Fading) -> "Tally":
        """What is left of it now; a clock that went back forgets nothing."""
        if now <= self.at or not self.weight:
            return self
        left = 0.5 ** ((now - self.at) / fading.half_life_s)
        return Tally(self.good * left, self.bad * left, now)

    def with_(self, good: float, bad: float, now: float, fading: Fading) -> "Tally":
        """The same with a new piece of evidence."""
        old = self.faded(now, fading)
        kept = fading.kept ** (good + bad)
        return Tally(old.good * kept + good, old.bad * kept + bad, max(now, old.at))


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a model at a task type."""

    worth: Tally = Tally()
    presence: Tally = Tally()

    def mean(self, quality: int, now: float) -> float:
        """How often it is likely to do what is asked, 0 to 1."""
        good, bad = self._worth(quality, now)
        return good / (good + bad) * self._presence(now)

    def drawn(self, quality: int, now: float, rng: Random) -> float:
        """One draw from what may be true of it."""
        good, bad = self._worth(quality, now)
        return rng.betavariate(good * SHARPNESS, bad * SHARPNESS) * self._presence(now)

    def _worth(self, quality: int, now: float) -> tuple[float, float]:
        mean = min(max(quality / 10, _WORST), _BEST)
        left = self.worth.faded(now, WORTH)
        return mean * PRIOR_WEIGHT + left.good, (1 - mean) * PRIOR_WEIGHT + left.bad

    def _presence(self, now: float) -> float:
        # Its mean and no draw: a service that is away is found out by its breaker, and draws would cost steady ones.
        left = self.presence.faded(now, PRESENCE)
        return (PRESENT[0] + left.good) / (sum(PRESENT) + left.weight)


NEW = Standing()
Standings = Mapping[tuple[ModelId, str], Standing]
"""By model and task type."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What of a candidate its place depends on."""

    model_id: ModelId
    group: str
    """Candidates beside one another in one group are equals; learning never moves one out of it (its tier)."""
    quality: int
    """The rubric's 0 to 10 for the task type."""


def learned_order(
    candidates: Sequence[T],
    traits: Callable[[T], Traits],
    *,
    task_type: str,
    standings: Standings,
    now: float,
    rng: Random,
) -> list[T]:
    """The candidates with each run of equals in the order of one draw (Thompson sampling)."""
    ordered: list[T] = []
    for _, run in groupby(candidates, key=lambda row: traits(row).group):
        equals = list(run)
        known = [traits(row) for row in equals]
        stand = [standings.get((row.model_id, task_type), NEW) for row in known]
        if len(equals) > 1 and sum(one.worth.faded(now, WORTH).weight for one in stand) >= LEAST_EVIDENCE:
            drawn = [one.drawn(row.quality, now, rng) for one, row in zip(stand, known, strict=True)]
            equals = [equals[place] for place in _order(drawn, rng)]
        ordered += equals
    return ordered


def _order(drawn: Sequence[float], rng: Random) -> list[int]:
    """Places by their draws, the highest first; now and then any of them comes first."""
    order = sorted(range(len(drawn)), key=lambda place: -drawn[place])
    if rng.random() < EXPLORED:
        first = rng.randrange(len(drawn))
        order.remove(first)
        order.insert(0, first)
    return order
