"""Choice by what is left: who has room now comes first, who has not is passed over, and when it has again."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegate_mcp.catalog.catalog import Alias, load_catalog
from delegate_mcp.domain.errors import ErrorKind, NoCandidateError
from delegate_mcp.domain.limit import Limit
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.plan import PassedOver, RoutePlan
from delegate_mcp.domain.request import OnLimit
from delegate_mcp.domain.usage import RateLimit
from delegate_mcp.ledger.days import next_day_start
from delegate_mcp.ledger.snapshot import (
    Cooldown,
    LearnedLimit,
    LedgerSnapshot,
    ModelUse,
    OpenBreaker,
    ProviderOff,
    Tombstone,
)
from tests.routing.scene import GROQ_20B, NOW, available, names, planned, why_not

FAST = str(GROQ_20B)
GROQ_120B = ModelId("groq", "openai/gpt-oss-120b")
LITE = ModelId("gemini", "gemini-3.5-flash-lite")
CLOUDS = available("groq", "gemini", "mistral")

COOLING = LedgerSnapshot(taken_at=NOW, cooldowns=(Cooldown(GROQ_20B, NOW + 30, ErrorKind.RATE_LIMITED),))
OPEN = LedgerSnapshot(taken_at=NOW, breakers=(OpenBreaker("groq", NOW + 45, 5),))
SPENT_DAY = LedgerSnapshot(taken_at=NOW, use={GROQ_20B: ModelUse(requests_day=999, reserved_requests=1)})
FULL_MINUTE = LedgerSnapshot(
    taken_at=NOW, use={GROQ_20B: ModelUse(requests_minute=2, tokens_minute=7_500, oldest_in_minute=NOW - 20)}
)

IDS_OF_PAUSES = ["cooling", "breaker", "day", "minute"]


def passed(drafted: RoutePlan, model: str = FAST) -> PassedOver:
    return next(row for row in drafted.passed_over if row.model == model)


def quick(snapshot: LedgerSnapshot, on_limit: OnLimit = "degrade", **more: Any) -> RoutePlan:
    return planned(on=CLOUDS, task_type="quick", snapshot=snapshot, on_limit=on_limit, **more)


@pytest.mark.parametrize(
    ("snapshot", "why", "short", "until"),
    [
        (COOLING, "cooling down until 11:07:10 UTC after rate_limited", "no quota", NOW + 30),
        (OPEN, "groq failed 5 times in a row: asked again at 11:07:25 UTC", "not answering", NOW + 45),
        (
            SPENT_DAY,
            "all 1,000 requests of today are used, room again at 2026-11-19 00:00:00 UTC",
            "no quota",
            next_day_start(NOW, "utc"),
        ),
        (
            FULL_MINUTE,
            "500 of 8,000 tokens of this minute are left, 1,154 are needed, room again at 11:07:20 UTC",
            "no quota",
            NOW + 40,
        ),
    ],
    ids=IDS_OF_PAUSES,
)
def test_who_cannot_take_it_now_is_passed_over_with_the_time_of_its_return(
    snapshot: LedgerSnapshot, why: str, short: str, until: float
) -> None:
    drafted = quick(snapshot)
    assert names(drafted)[0] == str(LITE)
    assert passed(drafted) == PassedOver(FAST, why, temporary=True, until=until, short=short)


@pytest.mark.parametrize(
    "snapshot", [COOLING, OPEN, SPENT_DAY, FULL_MINUTE], ids=["cooling", "breaker", "day", "minute"]
)
@pytest.mark.parametrize("on_limit", ["wait", "fail"])
def test_who_waits_or_wants_to_fail_gets_the_rules_order_whatever_the_room(
    snapshot: LedgerSnapshot, on_limit: OnLimit
) -> None:
    assert names(quick(snapshot, on_limit))[:2] == [FAST, str(LITE)]


def test_what_is_over_no_longer_stands_in_the_way() -> None:
    for snapshot in (COOLING, OPEN):
        assert names(quick(replace(snapshot, taken_at=NOW + 46)))[0] == FAST


def test_the_reason_that_lasts_longest_is_told() -> None:
    both = replace(COOLING, use=SPENT_DAY.use)
    assert passed(quick(both)).until == next_day_start(NOW, "utc")


def test_the_whole_account_cools_down_together() -> None:
    cooling = Cooldown(ModelId("groq", "*"), NOW + 30, ErrorKind.RATE_LIMITED)
    drafted = quick(LedgerSnapshot(taken_at=NOW, cooldowns=(cooling,)))
    assert passed(drafted).until == NOW + 30


def test_a_limit_of_the_account_counts_all_its_models() -> None:
    use = {ModelId("openrouter", "some/other:free"): ModelUse(requests_day=50)}
    with pytest.raises(NoCandidateError, match="all 50 requests of today are used"):
        planned(on=available("openrouter"), task_type="quick", snapshot=LedgerSnapshot(taken_at=NOW, use=use))


def test_what_somebody_else_used_of_the_same_key_counts() -> None:
    told = LearnedLimit(GROQ_20B, RateLimit("requests", "day", 1_000, 0), NOW - 5, elsewhere=1_000)
    drafted = quick(LedgerSnapshot(taken_at=NOW, limits=(told,)))
    assert passed(drafted).temporary


def test_geminis_day_ends_at_midnight_pacific() -> None:
    snapshot = LedgerSnapshot(taken_at=NOW, use={LITE: ModelUse(requests_day=500)})
    assert passed(quick(snapshot), str(LITE)).until == next_day_start(NOW, "pacific")


@pytest.mark.parametrize("on_limit", ["degrade", "wait", "fail"])
def test_what_can_never_fit_is_passed_over_for_good_whatever_the_caller_wants(on_limit: OnLimit) -> None:
    drafted = quick(LedgerSnapshot(taken_at=NOW), on_limit, tokens=7_900)
    assert passed(drafted).why.startswith("would be refused: 8,492 tokens")
    assert not passed(drafted).temporary


def test_a_service_that_gives_nothing_at_all_is_no_matter_of_time() -> None:
    told = LearnedLimit(GROQ_20B, RateLimit("requests", "day", 0), NOW - 5)
    drafted = quick(LedgerSnapshot(taken_at=NOW, limits=(told,)), "wait")
    assert (passed(drafted).why, passed(drafted).temporary) == ("its service gives no requests on this account", False)


def test_how_many_candidates_stand_before_the_one_that_was_passed_over_is_kept() -> None:
    drafted = quick(LedgerSnapshot(taken_at=NOW, use={LITE: ModelUse(requests_day=500)}))
    assert names(drafted)[0] == FAST
    assert passed(drafted, str(LITE)).after == 1


def test_a_candidate_carries_what_its_reservation_needs() -> None:
    first, second = quick(LedgerSnapshot(taken_at=NOW)).candidates[:2]
    assert first.limits == (
        Limit("requests", "minute", 30),
        Limit("requests", "day", 1_000),
        Limit("tokens", "minute", 8_000),
        Limit("tokens", "day", 200_000),
    )
    assert (first.reset, second.reset) == ("utc", "pacific")


# --- nobody has room ------------------------------------------------------------------------------------------------


def test_where_only_time_stands_in_the_way_the_earliest_time_is_told() -> None:
    cooldowns = (
        Cooldown(GROQ_20B, NOW + 30, ErrorKind.RATE_LIMITED),
        Cooldown(ModelId("groq", "*"), NOW + 90, ErrorKind.RATE_LIMITED),
        Cooldown(LITE, NOW + 20, ErrorKind.RATE_LIMITED),
    )
    with pytest.raises(NoCandidateError) as caught:
        planned(
            on=available("groq"),
            task_type="compaction",
            snapshot=LedgerSnapshot(taken_at=NOW, cooldowns=cooldowns),
        )
    lines = str(caught.value).splitlines()
    assert lines[0] == (
        "No model has room for this call now (compaction, simple, rules.toml:compaction). "
        "Room again at 11:08:10 UTC. Nothing was sent."
    )
    assert lines[-1].startswith("What to do: ask again in 90 s, or with on_limit=wait")
    assert caught.value.until == NOW + 90


def test_a_named_model_without_room_is_an_error_with_its_time_unless_the_caller_waits() -> None:
    with pytest.raises(NoCandidateError) as caught:
        planned(on=CLOUDS, model=FAST, snapshot=COOLING)
    assert caught.value.until == NOW + 30
    assert names(planned(on=CLOUDS, model=FAST, snapshot=COOLING, on_limit="wait")) == [FAST]


def test_a_month_whose_end_nobody_knows_is_told_without_a_time() -> None:
    small = ModelId("mistral", "mistral-small-latest")
    told = LearnedLimit(
        ModelId("mistral", "*"), RateLimit("tokens", "month", 1_000, 0, scope="account"), NOW - 5, elsewhere=1_000
    )
    with pytest.raises(NoCandidateError) as caught:
        planned(on=CLOUDS, model=str(small), snapshot=LedgerSnapshot(taken_at=NOW, limits=(told,)), tokens=100)
    assert caught.value.until is None
    assert "Room again" not in str(caught.value).splitlines()[0]


# --- keys that were refused, and models that are gone -----------------------------------------------------------------


@pytest.mark.parametrize("on_limit", ["degrade", "wait"])
def test_a_key_that_was_refused_is_off_until_it_changes(on_limit: OnLimit) -> None:
    off = LedgerSnapshot(taken_at=NOW, off=(ProviderOff("groq", "0badcafe", NOW - 100),))
    drafted = quick(off, on_limit, key_marks={"groq": "0badcafe"})
    assert passed(drafted) == PassedOver(
        FAST, "GROQ_API_KEY was refused on 2026-11-18: get a new one at https://console.groq.com/keys"
    )
    assert names(quick(off, key_marks={"groq": "600dcafe"}))[0] == FAST


GONE = LedgerSnapshot(taken_at=NOW, gone=(Tombstone(GROQ_20B, NOW - 100),))


def test_a_model_that_is_gone_is_passed_over_for_good() -> None:
    drafted = quick(GONE, "wait")
    assert names(drafted)[0] == str(LITE)
    assert passed(drafted) == PassedOver(FAST, "its service has said since 2026-11-18 that it is gone")


def with_alias(name: str, to: ModelId) -> dict[str, Any]:
    catalog = load_catalog()
    return {"catalog": replace(catalog, aliases={**catalog.aliases, name: Alias(name, to, "retired at Groq")})}


@pytest.mark.parametrize("name", [FAST, GROQ_20B.model, "gpt-oss-20b"])
def test_the_successor_of_a_model_that_is_gone_takes_its_place_and_the_route_says_so(name: str) -> None:
    first = quick(GONE, **with_alias(name, GROQ_120B)).candidates[0]
    assert (first.model_id, first.asked_as) == (GROQ_120B, FAST)
    assert f"{FAST} retired at Groq" in first.why


def test_a_successor_that_is_gone_too_leads_on_to_its_own() -> None:
    both = replace(GONE, gone=(*GONE.gone, Tombstone(GROQ_120B, NOW - 50)))
    catalog = load_catalog()
    aliases = {
        **catalog.aliases,
        "gpt-oss-20b": Alias("gpt-oss-20b", GROQ_120B, "retired"),
        "gpt-oss-120b": Alias("gpt-oss-120b", LITE, "retired"),
    }
    first = quick(both, catalog=replace(catalog, aliases=aliases)).candidates[0]
    assert (first.model_id, first.asked_as) == (LITE, FAST)


def test_successors_that_lead_back_to_what_is_gone_lead_nowhere() -> None:
    both = replace(GONE, gone=(*GONE.gone, Tombstone(GROQ_120B, NOW - 50)))
    catalog = load_catalog()
    aliases = {
        "gpt-oss-20b": Alias("gpt-oss-20b", GROQ_120B, "retired"),
        "gpt-oss-120b": Alias("gpt-oss-120b", GROQ_20B, "retired"),
    }
    assert names(quick(both, catalog=replace(catalog, aliases=aliases)))[0] == str(LITE)


def test_a_named_model_that_is_gone_is_its_successor() -> None:
    drafted = planned(on=CLOUDS, model=FAST, snapshot=GONE, **with_alias("gpt-oss-20b", GROQ_120B))
    assert [(row.model_id, row.asked_as) for row in drafted.candidates] == [(GROQ_120B, FAST)]


def test_the_quality_floor_holds_for_a_successor_in_a_rule() -> None:
    gone = LedgerSnapshot(taken_at=NOW, gone=(Tombstone(GROQ_120B, NOW - 50),))
    weak = ModelId("openrouter", "openai/gpt-oss-20b:free")
    catalog = load_catalog()
    models = {**catalog.models, weak: replace(catalog.models[weak], quality=1, rubric={})}
    aliases = {**catalog.aliases, "gpt-oss-120b": Alias("gpt-oss-120b", weak, "retired")}
    drafted = planned(
        on=available("groq", "gemini", "openrouter"),
        task_type="reasoning",
        snapshot=gone,
        catalog=replace(catalog, models=models, aliases=aliases),
    )
    assert str(weak) not in names(drafted)
    assert "below the floor" in why_not(drafted)[str(weak)]


# --- whatever the ledger says -----------------------------------------------------------------------------------------

IDS = st.sampled_from([GROQ_20B, GROQ_120B, LITE, ModelId("mistral", "mistral-small-latest")])
TIMES = st.floats(NOW - 100, NOW + 100)
USES = st.builds(
    ModelUse,
    requests_minute=st.integers(0, 40),
    tokens_minute=st.integers(0, 300_000),
    requests_day=st.integers(0, 1_200),
    tokens_day=st.integers(0, 250_000),
    reserved_requests=st.integers(0, 3),
    reserved_tokens=st.integers(0, 9_000),
    oldest_in_minute=st.none() | st.floats(NOW - 59, NOW),
)
SNAPSHOTS = st.builds(
    LedgerSnapshot,
    taken_at=st.just(NOW),
    use=st.dictionaries(IDS, USES),
    cooldowns=st.lists(st.builds(Cooldown, IDS, TIMES, st.just(ErrorKind.RATE_LIMITED))).map(tuple),
    breakers=st.lists(st.builds(OpenBreaker, st.sampled_from(["groq", "gemini"]), TIMES, st.just(5))).map(tuple),
    gone=st.lists(st.builds(Tombstone, IDS, TIMES)).map(tuple),
)


@given(SNAPSHOTS)
def test_degrading_keeps_the_order_and_loses_nobody(snapshot: LedgerSnapshot) -> None:
    """Candidates with room are a part of the rule's order, and each other one is passed over with its reason."""
    whole = names(quick(snapshot, "wait")) if _anybody(snapshot, "wait") else []
    if not _anybody(snapshot, "degrade"):
        return
    drafted = quick(snapshot)
    chosen = names(drafted)
    assert chosen == [name for name in whole if name in chosen]
    healing = {row.model for row in drafted.passed_over if row.temporary}
    assert healing == set(whole) - set(chosen)
    assert all(row.until is None or row.until > NOW for row in drafted.passed_over if row.temporary)


def _anybody(snapshot: LedgerSnapshot, on_limit: OnLimit) -> bool:
    try:
        return bool(quick(snapshot, on_limit).candidates)
    except NoCandidateError:
        return False
