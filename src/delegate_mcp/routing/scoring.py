"""How well a model fits a piece of work, 0 to 100, in five parts that can be shown. Pure.

| part | points | full where |
| --- | --- | --- |
| capability | 45 | its quality for the task type is 10, and it can all that the work asks for |
| context | 15 | four times what the work takes fits into it |
| preference | 25 | the rule of the task type names it first |
| free | 10 | it costs nothing; a subscription, which is paid anyway, gets half |
| availability | 5 | nothing of its limits is used, and nothing is held against it |
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from delegate_mcp.catalog.catalog import Model
from delegate_mcp.domain.listed import Capability
from delegate_mcp.domain.plan import Tier

CAPABILITY, CONTEXT, PREFERENCE, FREE, AVAILABILITY = 45.0, 15.0, 25.0, 10.0, 5.0
"""The most points of each part; 100 together."""

WANTS: Mapping[str, frozenset[Capability]] = MappingProxyType(
    {
        "tool_calling": frozenset({"tools"}),
        "tool_use_formatting": frozenset({"tools"}),
        "parameter_extraction": frozenset({"schema"}),
        "research": frozenset({"search"}),
        "reasoning": frozenset({"reasoning"}),
    }
)
"""What a task type asks of a model beside writing; others ask nothing."""

_QUALITY_SHARE = 0.75
"""Of the points for capability; the rest is for what the work asks beside."""
_BEST = 10
_AMPLE = 4
_WORTH: Mapping[Tier, float] = {"local": 1.0, "free": 1.0, "subscription": 0.5, "paid": 0.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A piece of work as far as it bears on who fits it."""

    task_type: str
    tokens: int
    """The brief and the answer together."""
    wants: frozenset[Capability] = frozenset()

    @classmethod
    def of(cls, task_type: str, tokens: int, *, schema: bool = False) -> "Need":
        """The need of that task type; `schema`: the answer must be JSON of a schema."""
        asked: frozenset[Capability] = frozenset({"schema"}) if schema else frozenset()
        return cls(task_type=task_type, tokens=tokens, wants=WANTS.get(task_type, frozenset()) | asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """A score, by its parts."""

    capability: float
    context: float
    preference: float
    free: float
    availability: float

    @property
    def total(self) -> float:
        """0 to 100."""
        return self.capability + self.context + self.preference + self.free + self.availability


def score(model: Model, need: Need, *, tier: Tier, preference: float = 0.0, available: float = 1.0) -> Points:
    """The points of a model.

    `preference` is 1 for the rule's first and 0 for who is not named; `available` what is left of its limits, 0 to 1.
    """
    has = len(need.wants & model.capabilities) / len(need.wants) if need.wants else 1.0
    quality = model.quality_for(need.task_type) / _BEST
    fits = model.context_tokens >= need.tokens
    ample = min(1.0, model.context_tokens / max(1, _AMPLE * need.tokens)) if fits else 0.0
    return Points(
        capability=CAPABILITY * (_QUALITY_SHARE * quality + (1 - _QUALITY_SHARE) * has),
        context=CONTEXT * ample,
        preference=PREFERENCE * preference,
        free=FREE * _WORTH[tier],
        availability=AVAILABILITY * available,
    )
