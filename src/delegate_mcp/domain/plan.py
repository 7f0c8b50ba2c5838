"""The ordered candidates for a brief, and why."""

from dataclasses import dataclass, field
from typing import Literal

from delegate_mcp.domain.limit import DayReset, Limit
from delegate_mcp.domain.model_id import ModelId

Tier = Literal["local", "free", "subscription", "paid"]
Complexity = Literal["simple", "moderate", "complex"]
ReasoningEffort = Literal["low", "medium", "high"]


@dataclass(frozen=True, slots=True)
class AskOptions:
    """What a rule asks of a candidate beyond its model."""

    reasoning_effort: ReasoningEffort | None = None
    temperature: float | None = None
    web_search: bool = False
    """The service's own search grounding."""
    max_output_tokens: int = 4096


@dataclass(frozen=True, slots=True)
class Candidate:
    """One model that may answer."""

    model_id: ModelId
    tier: Tier
    why: str
    options: AskOptions = field(default_factory=AskOptions)
    demo: bool = False
    """The embedded demonstration model: replies say so."""
    asked_as: str | None = None
    """The retired or aliased name that led here."""
    limits: tuple[Limit, ...] = ()
    """What the catalog knows of its free tier; the ledger sets what the service told since over it."""
    reset: DayReset = "utc"
    """When the day of its service begins."""
    placed: bool = False
    """The caller, the environment, the order of the tiers or an experiment put it there: learning does not move it."""
    beyond_arm: bool = False
    """It stands behind the chain of an experiment's arm, for calls that none of the arm's models answers."""


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A candidate of the rule that was not asked, and why; `model` may be a role that nothing fills."""

    model: str
    why: str
    temporary: bool = False
    """Time heals it: a limit, a cooldown, an open breaker."""
    until: float | None = None
    """When asking it makes sense again, in Unix seconds, where that is known."""
    short: str = ""
    """The reason in two words, for the line below an answer: `no quota`."""
    after: int = 0
    """How many of the plan's candidates stand before it in the rule's order."""


@dataclass(frozen=True, slots=True)
class Gathering:
    """Who reads first and condenses, before the plan's candidates are asked."""

    readers: tuple[Candidate, ...]
    """In order; what they write takes the place of the files."""
    max_output_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a plan rests on, for who wants to know."""

    signals: tuple[str, ...] = ()
    """Of the task type; empty where the caller named it."""
    complexity: tuple[str, ...] = ()
    row: tuple[str, ...] = ()
    """Each key of the rule's row and where it stands: `candidates: rules.toml, line 12`."""
    notes: tuple[str, ...] = ()
    """Overrides of the environment, and what of them could not be used."""
    learned: tuple[str, ...] = ()
    """Who was put before whom by what use has taught, with the numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutePlan:
    """Candidates in order, with the rule that matched."""

    task_type: str
    complexity: Complexity
    confidence: float
    """Of the task type, 0 to 1; 1 where the caller named it."""
    rule: str
    """Which row of which file decided, e.g. `rules.toml:quick`."""
    reason: str
    candidates: tuple[Candidate, ...]
    passed_over: tuple[PassedOver, ...] = ()
    images: int = 0
    """How many images go with it: only models that see are asked."""
    private: bool = False
    kept_here: str = ""
    """Why the privacy gate made it private, where it did."""
    votes: int = 1
    """How many models the rule wants answers of."""
    gather: Gathering | None = None
    arm: str = ""
    """The arm of an experiment that it follows: `name:a`."""
    shadow: tuple[ModelId, ...] = ()
    """The order that use has taught, where it is only to be told and differs."""
    told: Told = field(default_factory=Told)
