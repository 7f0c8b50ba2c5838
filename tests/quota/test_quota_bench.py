"""The quota bench's own plumbing with tiny numbers: real processes, no window to wait for."""

from pathlib import Path

import pytest

from bench import quota
from bench.quota import Came, Scenario, figures, litellm_python, load, start_litellm, start_ours
from bench.quota_service import FAST, SECOND, Pace, running
from bench.service_books import Limits

TINY = Scenario(
    name="requests a day",
    limits=Limits(rpd=3),
    metric="requests",
    period="day",
    on_limit="degrade",
    pace=Pace(first_token_s=0.0),
)


def test_two_server_processes_use_up_a_day_between_them_and_the_rest_goes_to_the_next_model(tmp_path: Path) -> None:
    with running() as service:
        came = load(TINY, start_ours, service, tmp_path, processes=2, calls=2)
    assert came.errors == []
    assert came.answered == {FAST: 3, SECOND: 1}
    assert came.overruns == 0
    assert came.unused_percent(TINY) == 0


@pytest.mark.skipif(not litellm_python().exists(), reason="the quota bench has not set up LiteLLM's venv here")
def test_litellm_gets_the_same_load_and_the_same_next_model(tmp_path: Path) -> None:
    with running() as service:
        came = load(TINY, start_litellm, service, tmp_path, processes=1, calls=4)
    assert came.errors == []
    assert came.answered == {FAST: 3, SECOND: 1}


def test_overruns_are_all_refusals_of_all_models_and_the_unused_share_is_the_first_ones() -> None:
    scenario = quota.SCENARIOS[0]
    books = {"refused": 2, "too_large": 1, "request_share": 0.98, "token_share": 0.5}
    came = Came(errors=["x"], service={FAST: books, SECOND: {"refused": 4, "too_large": 0}})
    assert came.overruns == 7
    assert came.unused_percent(scenario) == pytest.approx(2)
    made = figures(scenario, {"ours": came, "LiteLLM Router": Came()})
    assert [(figure.ours, figure.reference, figure.met) for figure in made] == [
        (7, 0, False),
        (1, 0, False),
        (pytest.approx(2), 100, True),
    ]


def test_every_scenario_has_more_calls_than_its_window_has_room() -> None:
    calls = quota.PROCESSES * quota.CALLS
    for scenario in quota.SCENARIOS:
        least = scenario.limit if scenario.metric == "requests" else scenario.limit // scenario.pace.output_tokens[1]
        assert calls > least, scenario.name
