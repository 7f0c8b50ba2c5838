"""What use teaches of models, and the order that it gives to equals."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.standing import PRESENCE, WORTH, Standing, Standings, Tally
from delegate_mcp.routing.learning import LEAST_EVIDENCE, Traits, learned_order

A, B, C, D = (ModelId("service", name) for name in "abcd")
TIERS = {A: "free", B: "free", C: "free", D: "paid"}
NOW = 1_800_000_000.0


def traits(model: ModelId) -> Traits:
    return Traits(model, TIERS[model], 7)


def orders(standings: Standings, *models: ModelId, draws: int = 200, task_type: str = "quick") -> list[list[ModelId]]:
    rng = Random(7)  # noqa: S311 - the draw of an order
    return [
        learned_order(models, traits, task_type=task_type, standings=standings, now=NOW, rng=rng) for _ in range(draws)
    ]


def share_first(model: ModelId, found: list[list[ModelId]]) -> float:
    return sum(order[0] == model for order in found) / len(found)


def shown(good: float, bad: float, *, at: float = NOW) -> Standing:
    return Standing(worth=Tally(good, bad, at))


def test_without_evidence_the_order_of_the_rules_stands() -> None:
    assert all(order == [A, B, C] for order in orders({}, A, B, C))


def test_little_evidence_changes_nothing() -> None:
    little = LEAST_EVIDENCE - 1
    assert all(order == [A, B, C] for order in orders({(A, "quick"): shown(0, little)}, A, B, C))


def test_who_proved_better_is_asked_first_but_not_always() -> None:
    found = orders({(A, "quick"): shown(2, 18), (B, "quick"): shown(19, 1)}, A, B, draws=1_000)
    assert 0.95 < share_first(B, found) < 1  # the rest explores


def test_evidence_of_another_kind_of_work_does_not_count() -> None:
    found = orders({(A, "coding"): shown(0, 30), (B, "coding"): shown(30, 0)}, A, B)
    assert all(order == [A, B] for order in found)


def test_a_model_never_leaves_its_tier() -> None:
    standings = {(A, "quick"): shown(0, 30), (D, "quick"): shown(30, 0)}
    assert all(order[-1] == D for order in orders(standings, A, B, C, D))
    assert all(order[0] == D for order in orders(standings, D, A, B, C))


def test_who_does_not_answer_loses_its_place_until_it_does() -> None:
    proven = shown(20, 4)
    away = replace(proven, presence=Tally(0, 5, NOW))
    assert share_first(A, orders({(A, "quick"): away, (B, "quick"): proven}, A, B)) < 0.2
    back = replace(proven, presence=Tally(0, 5, NOW - 10 * PRESENCE.half_life_s))
    assert share_first(A, orders({(A, "quick"): back, (B, "quick"): proven}, A, B)) > 0.3


def test_old_evidence_fades_with_time_and_with_what_is_newer() -> None:
    old = Tally(10, 0, NOW - WORTH.half_life_s)
    assert old.faded(NOW, WORTH).good == pytest.approx(5)
    tally = Tally(at=NOW)
    for _ in range(1_000):
        tally = tally.with_(0, 1, NOW, WORTH)
    for _ in range(60):
        tally = tally.with_(1, 0, NOW, WORTH)
    assert tally.good > tally.bad


def test_a_clock_that_goes_back_forgets_nothing() -> None:
    tally = Tally(10, 2, NOW)
    assert tally.faded(NOW - 1e6, WORTH) == tally
    assert tally.with_(1, 0, NOW - 1e6, WORTH).at == NOW


def test_the_same_seed_gives_the_same_order() -> None:
    standings = {(A, "quick"): shown(6, 6), (B, "quick"): shown(6, 6), (C, "quick"): shown(6, 6)}
    assert orders(standings, A, B, C) == orders(standings, A, B, C)
    assert len({tuple(order) for order in orders(standings, A, B, C)}) > 1


@given(
    counts=st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e6), st.integers(0, 10)), min_size=1, max_size=6),
    seed=st.integers(0, 1_000),
)
def test_every_candidate_stays_whatever_is_known_of_it(counts: list[tuple[float, float, int]], seed: int) -> None:
    models = [ModelId("service", str(place)) for place in range(len(counts))]
    quality = {model: row[2] for model, row in zip(models, counts, strict=True)}
    standings = {(model, "quick"): shown(row[0], row[1]) for model, row in zip(models, counts, strict=True)}
    order = learned_order(
        models,
        lambda model: Traits(model, "free", quality[model]),
        task_type="quick",
        standings=standings,
        now=NOW,
        rng=Random(seed),  # noqa: S311 - the draw of an order
    )
    assert sorted(order, key=str) == sorted(models, key=str)
