"""What services do with prompts: who may be asked under a policy."""

import pytest

from delegate_mcp.providers.data_use import UNKNOWN, DataUse
from delegate_mcp.providers.registry import BY_NAME, PROVIDERS
from tests.routing.scene import LOCAL, available, names, planned, why_not


def test_no_training_passes_over_services_that_train_or_do_not_say() -> None:
    plan = planned(
        "Hello", on=available("groq", "gemini", "nvidia"), task_type="summarization", data_policy="no_training"
    )
    assert {name.partition(":")[0] for name in names(plan)} == {"groq"}
    assert any('data_policy is "no_training": it may train' in why for why in why_not(plan).values())


def test_no_retention_leaves_only_this_machine() -> None:
    plan = planned("Hello", on=available("groq", "gemini", local=LOCAL), task_type="quick", data_policy="no_retention")
    assert {name.partition(":")[0] for name in names(plan)} == {"ollama"}


def test_what_an_account_has_agreed_counts_in_place_of_its_tier() -> None:
    plan = planned(
        "Hello",
        on=available("groq", "gemini", local=LOCAL),
        task_type="quick",
        data_policy="no_retention",
        agreed={"groq": "no_retention"},
    )
    assert "groq" in {name.partition(":")[0] for name in names(plan)}


def test_unknown_counts_as_the_worst() -> None:
    assert UNKNOWN.allowed_by("any")
    assert not UNKNOWN.allowed_by("no_training")
    assert not DataUse(trains="no").allowed_by("no_retention")
    assert DataUse(trains="no", keeps="no").allowed_by("no_retention")


@pytest.mark.parametrize("row", [row for row in PROVIDERS if not row.local], ids=lambda row: row.name)
def test_what_is_said_of_a_service_has_its_page_and_month(row: object) -> None:
    for use in (BY_NAME[getattr(row, "name", "")].data, BY_NAME[getattr(row, "name", "")].data_paid):
        if use is not None and (use.trains, use.keeps) != ("unknown", "unknown"):
            assert use.source.startswith("https://")
            assert use.seen


def test_a_key_that_is_billed_has_the_terms_of_the_paid_tier() -> None:
    gemini = BY_NAME["gemini"]
    assert (gemini.data_use("free").trains, gemini.data_use("paid").trains) == ("yes", "no")
