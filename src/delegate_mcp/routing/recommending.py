"""The models that fit a piece of work best right now, with their points. Pure: the planner's knowledge comes in."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from delegate_mcp.catalog.catalog import Model
from delegate_mcp.domain.brief import Brief
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.plan import Tier
from delegate_mcp.domain.request import DelegateRequest
from delegate_mcp.routing.checks import Case, lasting_reason
from delegate_mcp.routing.entries import rule_entries
from delegate_mcp.routing.known import Known
from delegate_mcp.routing.rules import RuleCandidate, Rules
from delegate_mcp.routing.scoring import Points, score
from delegate_mcp.routing.work import Work, work_of

TOP = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommended:
    """A model that can take the work, and why it stands where it does."""

    model: Model
    tier: Tier
    points: Points
    named: bool
    """The rule of the task type names it; others are reached by their name alone."""


def recommendation(brief: Brief, request: DelegateRequest, rules: Rules, known: Known) -> dict[str, Any]:
    """What `models://recommend/{task}` shows.

    {"task_type": "coding", "complexity": "simple", "top": [{"model": "groq:…", "tier": "free", "score": 87.5,
     "points": {"capability": 38.0, "context": 15.0, "preference": 25.0, "free": 10.0, "availability": 4.5},
     "quality": 8, "context_tokens": 131072, "named_by": "rules.toml:coding", "source": "…"}]}
    """
    work = work_of(brief, request, rules, known, None)
    return {
        "task_type": work.task_type,
        "complexity": work.complexity,
        "top": [
            {
                "model": str(row.model.model_id),
                "tier": row.tier,
                "score": round(row.points.total, 1),
                "points": {name: round(points, 1) for name, points in asdict(row.points).items()},
                "quality": row.model.quality_for(work.kind),
                "context_tokens": row.model.context_tokens,
                **({"named_by": work.rule.name} if row.named else {}),
                "source": row.model.source,
            }
            for row in recommend(brief, work, known)
        ],
    }


def recommend(brief: Brief, work: Work, known: Known, most: int = TOP) -> list[Recommended]:
    """The best first, none that could not answer: not usable, too small, below the floor, not allowed."""
    order = preferences(work, known)
    found: list[Recommended] = []
    for model in _usable(known):
        case = Case(
            model=model,
            asked=RuleCandidate(use=str(model.model_id)),
            brief=brief,
            known=known,
            task_type=work.kind,
            floor=work.rule.floor[work.complexity],
            private=work.private,
            max_output_tokens=work.max_output_tokens,
            windows=known.windows(model),
        )
        if lasting_reason(case) is not None:
            continue
        tier, place = known.tier(model.model_id, model), order.get(model.model_id)
        points = score(model, work.need, tier=tier, preference=place or 0.0, available=available(known, model))
        found.append(Recommended(model=model, tier=tier, points=points, named=place is not None))
    return sorted(found, key=lambda row: (-row.points.total, row.model.model_id))[:most]


def preferences(work: Work, known: Known) -> dict[ModelId, float]:
    """Each model that the rule names, 1 for the first and less for each that follows."""
    order = list(dict.fromkeys(entry.model.model_id for entry in rule_entries(work, known, [])))
    return {model_id: 1 - place / len(order) for place, model_id in enumerate(order)}


def available(known: Known, model: Model) -> float:
    """What is left of the model's limits, 0 to 1; nothing where it cools down or its provider is failing."""
    model_id = model.model_id
    if known.cooldown(model_id) or known.breaker(model_id.provider) or known.off(model_id.provider):
        return 0.0
    return min((window.left / window.limit if window.limit else 0.0 for window in known.windows(model)), default=1.0)


def _usable(known: Known) -> Iterator[Model]:
    for model_id, model in known.catalog.models.items():
        state = known.availability.states.get(model_id.provider)
        if state is not None and state.usable and state.models is None:
            yield model
    yield from known.local_models()
