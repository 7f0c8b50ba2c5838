"""The order of the tiers: design or critical, implementation, routine on a rented machine, all else."""

from dataclasses import replace
from typing import Any

import pytest

from delegate_mcp.catalog.catalog import load_catalog
from delegate_mcp.domain.model_id import ModelId
from tests.routing.scene import COMPLEX, LOCAL, available, names, planned

ALL = available("groq", "gemini", "claude", local=LOCAL)


@pytest.mark.parametrize(
    ("prompt", "task_type"),
    [
        ("Design the data model for our booking system", "architecture"),
        ("Which database should the new service use, what are the trade-offs?", "architecture"),
        ("The payment service lost orders in production, find the root cause", "architecture"),
        ("Implement the design of the parser that is described in docs/parser.md", "architecture"),
        ("Implement the parser described in docs/parser.md", "execution"),
        ("Write unit tests for the cart module", "execution"),
        ("Why does this crash? KeyError: 'id' in cart.py", "execution"),
        ("Summarize the release notes in three bullets", "tasks"),
        ("capital of mongolia?", "tasks"),
    ],
)
def test_tiered_work_takes_the_first_tier_whose_signs_it_shows(prompt: str, task_type: str) -> None:
    drafted = planned(prompt, on=ALL, task_type="tiered")
    assert drafted.rule == f"rules.toml:{task_type}"
    assert drafted.told.signals


def test_routine_work_goes_to_the_rented_machine_while_it_runs() -> None:
    catalog = load_catalog()
    model = replace(catalog.models[ModelId("groq", "openai/gpt-oss-20b")], model_id=ModelId("rented", "box"), limits=())
    catalog = replace(catalog, models={**catalog.models, model.model_id: model})
    on = available("groq", "rented")
    told: dict[str, Any] = {"on": on, "task_type": "tiered", "catalog": catalog, "paid": True}
    assert names(planned("Summarize the release notes", rented_up=("box",), **told))[0] == "rented:box"
    assert "rented:box" not in names(planned("Summarize the release notes", **told))
    assert planned("Implement the parser", rented_up=("box",), **told).task_type == "execution"


def test_what_is_said_to_be_private_stays_here_in_every_tier() -> None:
    drafted = planned("Keep this between us: design the merger of our firm", on=ALL, task_type="tiered")
    assert {candidate.tier for candidate in drafted.candidates} == {"local"}


def test_only_work_that_is_not_simple_is_voted_on() -> None:
    simple, harder = planned("List the files", on=ALL, task_type="tasks"), planned(COMPLEX, on=ALL, task_type="tasks")
    assert (simple.votes, harder.votes) == (1, 2)
    assert planned(on=ALL, task_type="quick").votes == 1


def test_a_long_context_model_reads_first_for_the_strongest_where_there_is_much_to_read() -> None:
    much = planned("Design the new scheduler", on=ALL, task_type="architecture", tokens=60_000)
    assert much.gather is not None
    assert next(str(reader.model_id) for reader in much.gather.readers) == "gemini:gemini-3.8-flash"
    assert names(much)[0] == "claude:opus"
    assert planned("Design the new scheduler", on=ALL, task_type="architecture", tokens=500).gather is None
    junior = planned("Implement the scheduler", on=ALL, task_type="execution", tokens=5_000).gather
    assert junior is not None
    assert [str(reader.model_id) for reader in junior.readers] == ["groq:openai/gpt-oss-20b"]


def test_nobody_reads_first_who_may_not_see_it() -> None:
    assert planned(on=ALL, task_type="architecture", tokens=20_000, private=True).gather is None
    blocked = planned(on=ALL, task_type="execution", tokens=5_000, data_policy="no_retention")
    assert blocked.gather is None
