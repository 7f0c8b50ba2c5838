"""Two arms of an experiment, and what may be said of them."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from delegate_mcp.domain.standing import Verdict
from delegate_mcp.ledger.base import CallState
from delegate_mcp.ledger.reports import CallRecord
from delegate_mcp.reporting.experiment import arms_of, experiment_json
from delegate_mcp.reporting.periods import Period
from tests.fakes.call_records import record, tried
from tests.fakes.ledger_rows import GROQ, NOON


def of(
    arm: str,
    *,
    state: CallState = "ok",
    verdict: Verdict | None = None,
    took_s: float = 2.0,
    usd: str = "0",
    beyond: bool = False,
) -> CallRecord:
    row = record("c", tried(cost_usd=Decimal(usd)), state=state, took_s=took_s)
    return replace(row, call=replace(row.call, arm=arm, beyond_arm=beyond), verdict=verdict)


def many(arm: str, good: int, bad: int) -> list[CallRecord]:
    return [of(arm)] * good + [of(arm, state="failed")] * bad


def told(*records: CallRecord) -> dict[str, Any]:
    return experiment_json(Period(0, NOON + 9, "all"), arms_of("fast", records))["experiment"]


def test_an_arm_counts_its_calls_what_they_cost_and_how_long_they_took() -> None:
    mine = [
        *(of("fast:a", took_s=second, usd="0.01") for second in (1, 2, 3, 60)),
        of("fast:a", verdict="bad"),
        of("fast:a", verdict="good"),
        of("fast:a", state="failed"),
        of("fast:a", state="cancelled"),
    ]
    arm = told(*mine, of("other:a"), of(""))["arms"]["a"]
    assert (arm["calls"], arm["answered"], arm["success"], arm["no_success"]) == (8, 6, 5, 2)
    assert (arm["good_verdicts"], arm["bad_verdicts"], arm["success_rate"]) == (1, 1, pytest.approx(5 / 7, abs=1e-4))
    assert (arm["cost_usd"], arm["latency_ms"]) == ("0.04", {"p50": 2000, "p95": 60_000})


def test_what_others_answered_counts_to_the_arm_as_not_served_by_it() -> None:
    mine = [of("fast:a"), of("fast:a", beyond=True), of("fast:a", beyond=True, verdict="good", took_s=9.0, usd="0.5")]
    arm = told(*mine)["arms"]["a"]
    assert (arm["calls"], arm["answered"], arm["answered_by_others"]) == (3, 3, 2)
    assert (arm["success"], arm["no_success"], arm["answered_by"]) == (1, 2, {str(GROQ): 1})
    assert (arm["cost_usd"], arm["latency_ms"]["p95"]) == ("0.5", 9000)  # what its callers paid and waited for
    rescued = [of("fast:a", beyond=True)] * 40
    assert told(*rescued, *many("fast:b", 40, 0))["verdict"].startswith("b succeeds more often")


def test_a_clock_that_is_set_meanwhile_makes_no_latency_of_its_jump() -> None:
    back, ahead = of("fast:a", took_s=-3600.0), of("fast:a", took_s=365 * 86_400.0)
    longest = tried(cost_usd=Decimal(0), latency_ms=700.0)
    for row in (back, ahead):
        assert told(replace(row, attempts=(longest,)))["arms"]["a"]["latency_ms"] == {"p50": 700, "p95": 700}


def test_a_clear_difference_is_said() -> None:
    found = told(*many("fast:a", 20, 20), *many("fast:b", 38, 2))
    apart = found["success_difference"]
    assert not found["too_little_data"]
    assert 0.2 < apart["low"] < apart["b_less_a"] < apart["high"] < 0.65
    assert apart["b_is_better"] > 0.999
    assert found["verdict"].startswith("b succeeds more often")
    assert told(*many("fast:b", 20, 20), *many("fast:a", 38, 2))["verdict"].startswith("a succeeds more often")


def test_few_calls_say_nothing_however_they_went() -> None:
    found = told(*many("fast:a", 0, 19), *many("fast:b", 40, 0))
    assert found["too_little_data"]
    assert found["verdict"].startswith("Too little data: 19 of a and 40 of b have ended")


def test_a_difference_that_may_be_chance_is_said_to_be_open_with_what_it_would_take() -> None:
    found = told(*many("fast:a", 16, 9), *many("fast:b", 19, 6))
    assert found["too_little_data"]
    assert found["verdict"].startswith("Not decided: the probability that b is better is 8")
    calls = int(found["verdict"].split("about ")[1].split(" calls")[0].replace(",", ""))
    assert 50 < calls < 1_000
    assert "both succeed as often" in told(*many("fast:a", 16, 9), *many("fast:b", 16, 9))["verdict"]


def test_an_experiment_without_calls_is_shown_empty() -> None:
    arm = told()["arms"]["b"]
    assert (arm["calls"], arm["success_rate"], arm["latency_ms"]) == (0, None, {"p50": None, "p95": None})
