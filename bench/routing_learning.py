"""Whether learning from use pays: simulated services whose quality drifts, whose answers are late and that go away.

20,000 calls a setting. A call asks up to three of five equals in order; it is worth 1 where the answer is good, a
tenth less for each one asked in vain before it, less the share of its time that it took, and nothing where none
answers. Three calls of ten show whether the answer was good (a schema, a check, a verdict); the rest only that one
came. What is measured is the order that the planner uses (`routing/learning.py`) against the order of the rules,
which never changes. Nothing costs anything.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from statistics import mean

from bench.figure import Figure
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.standing import PRESENCE, WORTH, Standing
from delegate_mcp.routing.learning import LEAST_EVIDENCE, Traits, learned_order

CALLS = 20_000
SECONDS_A_CALL = 30.0
SHOWN = 0.3
"""Share of answers of which it comes out whether they were good."""
FAILS = 0.02
"""Share of requests that fail without an outage."""
ASKED = 3
SEEDS = (1, 2, 3)
TASK_TYPE = "quick"
MODELS = tuple(ModelId(f"service{number}", "model") for number in range(5))
RECOVERED = 6
"""Of ten calls in a row so many go to the best one again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A world in which calls are made."""

    rubric: tuple[int, ...]
    quality: Callable[[int, int], float]
    """Of a model (its place) at a call (its number): the share of its answers that are good."""
    late: Callable[[int, int], float] = lambda _, __: 0.0
    """The share of a call's time that its answers take."""
    outages: tuple[tuple[int, int, int], ...] = ()
    """(place, first call, first call after it)."""

    def away(self, place: int, call: int) -> bool:
        """Whether requests of it fail."""
        return any(row[0] == place and row[1] <= call < row[2] for row in self.outages)

    def best(self, call: int) -> int:
        """Who is best of those that are there."""
        there = [place for place in range(len(MODELS)) if not self.away(place, call)]
        return max(there, key=lambda place: self.quality(place, call))


@dataclass(slots=True)
class Run:
    """What came of a setting."""

    worth: list[float] = field(default_factory=list[float])
    firsts: list[int] = field(default_factory=list[int])


def _steady(*shares: float) -> Callable[[int, int], float]:
    return lambda place, _: shares[place]


def _drifting(seed: int) -> Callable[[int, int], float]:
    chance = Random(seed)  # noqa: S311 - a simulation
    phases = [chance.random() * math.tau for _ in MODELS]
    periods = [chance.uniform(3_000, 9_000) for _ in MODELS]
    levels = [chance.uniform(0.5, 0.75) for _ in MODELS]

    def quality(place: int, call: int) -> float:
        share = levels[place] + 0.3 * math.sin(phases[place] + math.tau * call / periods[place])
        return min(0.97, max(0.1, share))

    return quality


def _slowing(seed: int) -> Callable[[int, int], float]:
    """Each service is slow for a while, now and then."""
    chance = Random(seed + 500)  # noqa: S311 - a simulation
    phases = [chance.random() * math.tau for _ in MODELS]
    periods = [chance.uniform(2_000, 5_000) for _ in MODELS]
    return lambda place, call: max(0.0, 0.3 * math.sin(phases[place] + math.tau * call / periods[place]))


STEADY = {
    "the rubric is right": Setting(rubric=(9, 8, 7, 6, 5), quality=_steady(0.9, 0.8, 0.7, 0.6, 0.5)),
    "all are the same": Setting(rubric=(9, 8, 7, 6, 5), quality=_steady(0.8, 0.8, 0.8, 0.8, 0.8)),
    "all are near": Setting(rubric=(8, 8, 8, 7, 7), quality=_steady(0.82, 0.80, 0.78, 0.80, 0.79)),
    "the first is a little better": Setting(rubric=(8, 7, 7, 7, 7), quality=_steady(0.9, 0.86, 0.84, 0.8, 0.79)),
    "the rubric is wrong": Setting(rubric=(9, 8, 7, 6, 5), quality=_steady(0.6, 0.7, 0.8, 0.9, 0.5)),
}
"""To add one: a row; the order of the rules is that of the rubric."""
DRIFTING = tuple(
    Setting(
        rubric=(9, 8, 7, 6, 5),
        quality=_drifting(seed),
        late=_slowing(seed),
        outages=((0, 2_000, 3_000), (3, 8_000, 9_500)),
    )
    for seed in range(1, 9)
)
OUTAGES = Setting(
    rubric=(9, 8, 7, 6, 5),
    quality=_steady(0.9, 0.8, 0.7, 0.6, 0.5),
    outages=((0, 2_000, 3_000), (0, 6_000, 6_200), (0, 9_000, 13_000), (0, 16_000, 16_050)),
)


def _rules_order(setting: Setting) -> list[int]:
    return sorted(range(len(MODELS)), key=lambda place: -setting.rubric[place])


def simulate(setting: Setting, *, learns: bool, seed: int, calls: int = CALLS) -> Run:
    """Make the calls. With the same seed the world is the same for both orders."""
    world, own = Random(seed), Random(seed + 1_000)  # noqa: S311 - a simulation
    standings: dict[tuple[ModelId, str], Standing] = {(model, TASK_TYPE): Standing() for model in MODELS}
    rules, run = _rules_order(setting), Run()

    def traits(place: int) -> Traits:
        return Traits(MODELS[place], "free", setting.rubric[place])

    for call in range(calls):
        now = call * SECONDS_A_CALL
        order: Sequence[int] = rules
        if learns:
            order = learned_order(rules, traits, task_type=TASK_TYPE, standings=standings, now=now, rng=own)
        failing, luck, shows = [world.random() for _ in MODELS], world.random(), world.random() < SHOWN
        worth = 0.0
        for asked, place in enumerate(order[:ASKED]):
            key = MODELS[place], TASK_TYPE
            old = standings[key]
            if setting.away(place, call) or failing[place] < FAILS:
                standings[key] = Standing(old.worth, old.presence.with_(0, 1, now, PRESENCE))
                continue
            good = luck < setting.quality(place, call)
            seen = old.worth.with_(float(good), float(not good), now, WORTH) if shows else old.worth
            late = setting.late(place, call)
            standings[key] = Standing(seen, old.presence.with_(1 - late, late, now, PRESENCE))
            worth = good * (1 - asked / 10) * (1 - late)
            break
        run.worth.append(worth)
        run.firsts.append(order[0])
    return run


def gain(setting: Setting) -> float:
    """Points of 100 that the learned order wins against that of the rules; the mean of some seeds."""
    won = (
        mean(simulate(setting, learns=True, seed=seed).worth) - mean(simulate(setting, learns=False, seed=seed).worth)
        for seed in SEEDS
    )
    return 100 * mean(won)


def recoveries(setting: Setting) -> list[int]:
    """Calls from each outage's end until most calls go to the one that was away and is the best; one number each."""
    firsts = simulate(setting, learns=True, seed=SEEDS[0]).firsts
    ends = [(place, end) for place, _, end in setting.outages if setting.best(end) == place]
    return [_until_back(firsts[end:], place) for place, end in ends]


def _until_back(firsts: Sequence[int], place: int) -> int:
    windows = range(len(firsts) - 10)
    return next((start for start in windows if firsts[start : start + 10].count(place) >= RECOVERED), len(firsts))


def measure() -> list[Figure]:
    """What is lost in steady settings, won in drifting ones, and how soon a service that was away is found again."""
    steady = {name: -gain(setting) for name, setting in STEADY.items()}
    worst = max(steady, key=lambda name: steady[name])
    drifting = [-gain(setting) for setting in DRIFTING]
    back = recoveries(OUTAGES)
    return [
        Figure(
            name="learned order: points lost against the rules' order where quality drifts and services go away",
            unit="points",
            ours=mean(drifting),
            at_most=-10,
            note=f"mean of {len(drifting)} worlds ({', '.join(f'{-points:+.1f}' for points in drifting)} won); "
            f"{CALLS:,} calls each, {len(SEEDS)} seeds; success x quality of 100",
        ),
        Figure(
            name="learned order: points lost in the worst steady setting",
            unit="points",
            ours=steady[worst],
            at_most=2,
            note=f"{worst}; won: " + ", ".join(f"{name} {-points:+.1f}" for name, points in steady.items()),
        ),
        Figure(
            name="calls until a service is first again after an outage",
            unit="calls",
            ours=max(back),
            at_most=50,
            note=f"each outage: {', '.join(map(str, back))}; equals show {LEAST_EVIDENCE:g} answers' worth before any "
            "order changes",
        ),
    ]
