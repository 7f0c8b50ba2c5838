"""What reports read of every ledger."""

from dataclasses import replace
from decimal import Decimal

from delegate_mcp.domain.errors import ErrorKind
from delegate_mcp.domain.usage import Usage
from delegate_mcp.ledger.base import Ledger
from tests.fakes.ledger_rows import GEMINI, GROQ, MIDNIGHT, NOON, asked, call_end, call_start, ended
from tests.ledger.conftest import Opener

CENT = Decimal("0.01")


async def test_a_record_holds_the_call_its_attempts_and_both_sides_of_its_balance(ledger: Ledger) -> None:
    await ledger.begin_call(replace(call_start("a"), project="api-1a2b3c"))
    await ledger.reserve(asked("a", 1, GEMINI))
    await ledger.reserve(asked("a", 2))
    failed = ended("a", 1, GEMINI, error_kind=ErrorKind.OVERLOADED, usage=Usage())
    answered = ended("a", 2, cost_usd=CENT)
    await ledger.settle(failed)
    await ledger.settle(answered)
    end = call_end("a", saved_usd=Decimal("0.2"), director=(30, 60))
    await ledger.end_call(replace(end, spared=Usage(500, 90), listing_tokens=1200))
    (record,) = await ledger.records(MIDNIGHT, NOON + 1)
    assert (record.call.call_id, record.call.state, record.call.candidate) == ("a", "ok", GROQ)
    assert (record.rule, record.complexity, record.conversation) == ("rules.toml:quick", "simple", "c-1")
    assert (record.project, record.tier, record.brief_tokens) == ("api-1a2b3c", "free", 120)
    assert (record.written, record.read, record.listing) == (30, 60, 1200)
    assert (record.spared, record.saved_usd, record.cost_usd) == (Usage(500, 90), Decimal("0.2"), CENT)
    assert record.attempts == (failed.attempt, answered.attempt)


async def test_records_are_those_that_began_in_the_period_the_oldest_first(ledger: Ledger) -> None:
    for call_id, at in (("late", NOON), ("first", MIDNIGHT), ("before", MIDNIGHT - 1), ("second", NOON - 1)):
        await ledger.begin_call(call_start(call_id, at))
    assert [record.call.call_id for record in await ledger.records(MIDNIGHT, NOON)] == ["first", "second"]


async def test_a_call_under_way_has_no_end_and_one_whose_server_died_has_failed(open_ledger: Opener) -> None:
    ledger = await open_ledger(NOON, living=(1,))
    await ledger.begin_call(call_start("lives", pid=1))
    await ledger.begin_call(call_start("died", NOON + 1, pid=2))
    await ledger.reserve(asked("lives"))
    lives, died = await ledger.records(0, NOON + 2)
    assert (lives.call.state, lives.attempts, lives.tier, lives.saved_usd) == ("running", (), None, 0)
    assert died.call.state == "failed"


async def test_what_the_director_spends_later_is_counted_with_the_call_and_in_all_sums(ledger: Ledger) -> None:
    await ledger.begin_call(call_start("a"))
    assert await ledger.charge("a", written=5, read=40, usd=CENT) == -CENT  # while it runs
    await ledger.end_call(call_end("a", saved_usd=Decimal("0.2"), director=(30, 60)))
    assert await ledger.charge("a", written=1, read=2, usd=CENT) == Decimal("0.18")
    (record,) = await ledger.records(0, NOON + 1)
    assert (record.written, record.read, record.saved_usd) == (36, 102, Decimal("0.18"))
    totals = await ledger.totals(0)
    assert (totals.director_input_tokens, totals.director_output_tokens) == (36, 102)
    assert (totals.saved_usd, totals.tiers[0].saved_usd) == (Decimal("0.18"), Decimal("0.18"))


async def test_a_charge_to_a_call_that_is_not_known_counts_nowhere(ledger: Ledger) -> None:
    assert await ledger.charge("nobody", written=5, read=40, usd=CENT) is None
    assert await ledger.records(0, NOON) == ()


async def test_what_is_forgotten_takes_the_projects_name_with_it(ledger: Ledger) -> None:
    await ledger.begin_call(replace(call_start("a"), project="api-1a2b3c"))
    await ledger.reserve(asked("a"))
    await ledger.settle(ended("a"))
    await ledger.end_call(call_end("a"))
    await ledger.forget_calls(NOON + 3)  # its minute still counts it
    (record,) = await ledger.records(0, NOON + 1)
    assert (record.project, record.conversation) == (None, None)
