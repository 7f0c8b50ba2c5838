"""The score of a model for a piece of work, part by part."""

from dataclasses import replace

import pytest

from delegate_mcp.catalog.catalog import load_catalog
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.plan import Tier
from delegate_mcp.routing.scoring import AVAILABILITY, CAPABILITY, CONTEXT, FREE, PREFERENCE, WANTS, Need, score
from delegate_mcp.routing.task_types import BY_NAME

MODEL = replace(
    load_catalog().models[ModelId("groq", "openai/gpt-oss-120b")], quality=10, rubric={}, context_tokens=100_000
)
QUICK = Need.of("quick", 1_000)


def test_the_best_model_for_everything_has_a_hundred_points() -> None:
    assert score(MODEL, QUICK, tier="free", preference=1.0, available=1.0).total == 100
    assert (CAPABILITY, CONTEXT, PREFERENCE, FREE, AVAILABILITY) == (45, 15, 25, 10, 5)


def test_the_quality_for_that_very_task_type_counts() -> None:
    coder = replace(MODEL, quality=4, rubric={"coding": 8})
    assert score(coder, Need.of("coding", 1), tier="free").capability > score(coder, QUICK, tier="free").capability


def test_what_the_work_asks_for_and_the_model_lacks_costs_points() -> None:
    dumb = replace(MODEL, capabilities=frozenset())
    assert score(dumb, QUICK, tier="free").capability == 45
    assert score(dumb, Need.of("tool_calling", 1), tier="free").capability == pytest.approx(45 * 0.75)
    half = replace(MODEL, capabilities=frozenset({"tools"}))
    needs = Need.of("tool_calling", 1, schema=True)
    assert score(half, needs, tier="free").capability == pytest.approx(45 * 0.875)


@pytest.mark.parametrize(
    ("tokens", "points"), [(1, 15.0), (25_000, 15.0), (50_000, 7.5), (100_000, 3.75), (100_001, 0.0)]
)
def test_a_context_that_barely_holds_the_work_has_few_points_and_one_that_does_not_none(
    tokens: int, points: float
) -> None:
    assert score(MODEL, Need.of("quick", tokens), tier="free").context == pytest.approx(points)


@pytest.mark.parametrize(("tier", "points"), [("local", 10), ("free", 10), ("subscription", 5), ("paid", 0)])
def test_what_costs_nothing_has_points_for_it(tier: Tier, points: float) -> None:
    assert score(MODEL, QUICK, tier=tier).free == points


def test_preference_and_availability_count_by_their_share() -> None:
    points = score(MODEL, QUICK, tier="free", preference=0.5, available=0.2)
    assert (points.preference, points.availability) == (12.5, 1.0)


def test_a_model_of_no_context_and_work_of_no_size_break_nothing() -> None:
    assert score(replace(MODEL, context_tokens=0), Need.of("quick", 0), tier="free").context == 0


def test_every_task_type_that_wants_something_is_known() -> None:
    assert WANTS.keys() <= BY_NAME.keys()
