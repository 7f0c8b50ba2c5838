"""What a report says of recorded calls and the director's messages."""

from decimal import Decimal

import pytest

from delegate_mcp.catalog.prices import Prices
from delegate_mcp.domain.usage import Usage
from delegate_mcp.ledger.reports import CallRecord
from delegate_mcp.reporting.periods import Period
from delegate_mcp.reporting.project import project_label
from delegate_mcp.reporting.report import Source, comparison, report
from delegate_mcp.reporting.transcripts import Message, Transcripts
from tests.fakes.call_records import record, tried
from tests.fakes.ledger_rows import NOON

DAY_S = 86_400.0
API, SITE = "/home/me/api", "/home/me/site"


def cent_a_token(model_ref: str, usage: Usage, provider: str | None) -> Decimal:
    del provider
    if not model_ref.startswith("claude"):
        raise LookupError(model_ref)
    return usage.total * Decimal("0.01")


def source(*records: CallRecord, days: int = 1, transcripts: Transcripts | None = None) -> Source:
    return Source(
        period=Period(NOON - days * DAY_S, NOON, f"{days}d"),
        records=records,
        director_model="claude-opus-5-5",
        prices=Prices(cent_a_token),
        transcripts=transcripts,
    )


def said(conversation: str, tokens: int, model: str = "claude-opus-5-5", *, cached: int = 0) -> Message:
    return Message(NOON, model, conversation, Usage(tokens + cached, 0, cached), of_ours=False)


def told(*messages: Message, **conversations: str) -> Transcripts:
    """Messages; and the calls that the transcripts tie to a conversation."""
    return Transcripts([*messages], conversations=conversations, directories={"s1": API, "s2": SITE})


def test_amounts_change_in_parts_of_a_by_the_day_and_shares_in_points() -> None:
    before = source(record("a", tried()), record("b", state="failed"), days=2)
    after = source(record("c", tried()), record("d", tried()), record("e", tried()), record("f", state="failed"))
    change = comparison(before, after)["compare"]["change"]
    assert change["calls_per_day"] == {"a": 1.0, "b": 4.0, "change": 3.0}
    assert change["tokens_per_day"] == {"a": 60.0, "b": 360.0, "change": 5.0}
    assert change["success_rate"] == {"a": 0.5, "b": 0.75, "change": 0.25}
    assert "claude_tokens_per_day" not in change


def test_the_measured_share_counts_all_that_the_director_used() -> None:
    found = told(said("s1", 80, cached=800), said("s2", 100), c1="s1")
    claude = report(source(record("c1", tried()), record("c2", tried()), transcripts=found), None, ())["claude"]
    assert claude["free_share"] == pytest.approx(240 / (240 + 980), abs=1e-4)
    assert claude["free_share_of_new_tokens"] == pytest.approx(240 / (240 + 180), abs=1e-4)
    delegating = claude["delegating_conversations"]  # of what was delegated there, and what was said there
    assert delegating == {
        "conversations": 1,
        "free_share": pytest.approx(120 / (120 + 880), abs=1e-4),
        "free_share_of_new_tokens": 120 / (120 + 80),
    }


def test_without_a_word_of_the_director_nothing_is_measured() -> None:
    claude = report(source(record("c1", tried()), transcripts=told()), None, ())["claude"]
    assert (claude["free_share"], claude["delegating_conversations"]["free_share"]) == (None, None)


def test_a_model_without_a_known_price_is_named_and_counts_as_nothing() -> None:
    found = told(said("s1", 100), said("s1", 50, "other-1"), said("s1", 10, "claude-opus-5-5[1m]"))
    claude = report(source(transcripts=found), None, ())["claude"]
    assert (claude["usd"], claude["unpriced_models"]) == ("1.1", ["other-1"])


def test_transcripts_name_the_projects_that_a_shared_ledger_knows_by_hash_and_those_it_does_not_know() -> None:
    shared = record("c1", tried(), project=project_label(API, named=False))
    unknown = record("c2", tried(), conversation="s2")
    found = told(said("s1", 80), said("s2", 100))
    plain = report(source(shared, unknown), "project", ())["groups"]
    assert list(plain) == ["(not known)", project_label(API, named=False)]
    named = report(source(shared, unknown, transcripts=found), "project", ())["groups"]
    assert {name: (group["calls"]["total"], group["claude"]["tokens"]) for name, group in named.items()} == {
        project_label(API): (1, 80),
        project_label(SITE): (1, 100),
    }


def test_a_day_on_which_only_the_director_worked_is_a_group_too() -> None:
    groups = report(source(transcripts=told(said("s1", 80))), "day", ())["groups"]
    assert {day: (group["calls"]["total"], group["claude"]["tokens"]) for day, group in groups.items()} == {
        "2026-11-21": (0, 80)
    }
