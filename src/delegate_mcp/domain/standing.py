"""What use has shown of a model at a task type, as counts that fade, and the pieces of evidence that they are made of.

Two things are counted apart, since they change at different speeds. *Worth*: whether its answers are what was asked for
(schema met, check passed, a verdict). *Presence*: whether it answers at all, and soon.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from delegate_mcp.domain.model_id import ModelId

Verdict = Literal["good", "bad"]
"""What a person or the director says of an answer."""
VERDICT_WEIGHT = 2.0
"""So many answers does a verdict count as: somebody has looked."""


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

    def without(self, good: float, bad: float, said_at: float, now: float, fading: Fading) -> "Tally":
        """The same as if that piece of then had not been: what time has left of it is taken off, as far as it is there.

        About: how much of it newer pieces have displaced since is not known.
        """
        old, piece = self.faded(now, fading), Tally(good, bad, said_at).faded(now, fading)
        return Tally(max(0.0, old.good - piece.good), max(0.0, old.bad - piece.bad), old.at)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a model at a task type."""

    worth: Tally = Tally()
    presence: Tally = Tally()

    def with_(self, piece: "Piece", now: float) -> "Standing":
        """The same with a new piece of evidence."""
        worth = self.worth.with_(piece.worth_good, piece.worth_bad, now, WORTH) if piece.of_worth else self.worth
        presence = self.presence
        if piece.of_presence:
            presence = presence.with_(piece.presence_good, piece.presence_bad, now, PRESENCE)
        return Standing(worth, presence)


Standings = Mapping[tuple[ModelId, str], Standing]
"""By model and task type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What one attempt or one verdict says of a model at a task type."""

    model_id: ModelId
    task_type: str
    worth_good: float = 0.0
    worth_bad: float = 0.0
    presence_good: float = 0.0
    presence_bad: float = 0.0

    @classmethod
    def of_verdict(cls, verdict: Verdict, model_id: ModelId, task_type: str) -> "Piece":
        """What a verdict says of who answered."""
        good, bad = VERDICT_WEIGHT * (verdict == "good"), VERDICT_WEIGHT * (verdict == "bad")
        return cls(model_id=model_id, task_type=task_type, worth_good=good, worth_bad=bad)

    @property
    def of_worth(self) -> bool:
        """Whether it says something of its worth."""
        return self.worth_good + self.worth_bad > 0

    @property
    def of_presence(self) -> bool:
        """Whether it says something of its presence."""
        return self.presence_good + self.presence_bad > 0
