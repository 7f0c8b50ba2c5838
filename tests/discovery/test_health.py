"""`models://health`: how each provider and model has fared."""

from collections.abc import Iterable
from typing import Any

from delegate_mcp.catalog.catalog import load_catalog
from delegate_mcp.discovery.health import health
from delegate_mcp.discovery.timing import ProviderList
from delegate_mcp.domain.availability import Availability, ProviderState
from delegate_mcp.domain.errors import ErrorKind
from delegate_mcp.domain.listed import ListedModel
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.outcome import Attempt
from delegate_mcp.domain.usage import Usage
from delegate_mcp.ledger.base import CallRow
from delegate_mcp.ledger.reports import CallRecord
from delegate_mcp.ledger.snapshot import Cooldown, LedgerSnapshot, OpenBreaker, Tombstone
from delegate_mcp.providers.registry import BY_NAME

NOW = 1_800_000_000.0
MODEL = ModelId("groq", "openai/gpt-oss-20b")


def record(at: float, *attempts: Attempt) -> CallRecord:
    call = CallRow(
        call_id="c", state="ok", started_at=at - 1, ended_at=at, tool="quick", task_type="quick", private=False,
        parent=None, pid=1, candidate=MODEL, error=None,
    )  # fmt: skip
    return CallRecord(
        call=call, rule="", complexity="", conversation=None, project=None, tier="free", brief_tokens=1, written=1,
        read=1, listing=0, spared=Usage(), saved_usd=Usage().input_tokens * 0, attempts=attempts,  # pyright: ignore[reportArgumentType] - no money is looked at
    )  # fmt: skip


def answered(latency_ms: float, tokens: int = 100, first_ms: float | None = 0.0) -> Attempt:
    return Attempt(
        number=1, model_id=MODEL, tier="free", outcome="ok", latency_ms=latency_ms, first_token_ms=first_ms,
        usage=Usage(10, tokens),
    )  # fmt: skip


def failed(kind: ErrorKind = ErrorKind.OVERLOADED) -> Attempt:
    return Attempt(number=1, model_id=MODEL, tier="free", outcome="failed", error_kind=kind)


def seen(
    *records: CallRecord,
    usable: bool = True,
    lists: Iterable[tuple[str, ProviderList]] = (),
    off: frozenset[str] = frozenset(),
    **snapshot: Any,
) -> dict[str, Any]:
    """What is told of Groq."""
    found = health(
        [BY_NAME["groq"]],
        availability=Availability({"groq": ProviderState(name="groq", usable=usable, why="key set")}),
        snapshot=LedgerSnapshot(taken_at=NOW, **snapshot),
        records=records,
        lists=dict(lists),
        next_list={"groq": NOW + 60},
        catalog=load_catalog(),
        off=off,
    )
    return found["providers"][0]


def test_latency_and_speed_are_told_by_model_with_the_slow_end() -> None:
    calls = [record(NOW - 100 + number, answered(100.0 * number)) for number in range(1, 21)]
    model = seen(*calls)["models"]["openai/gpt-oss-20b"]
    assert (model["state"], model["answers"], model["failures"]) == ("ok", 20, 0)
    assert model["latency_ms"] == {"p50": 1000.0, "p95": 1900.0}
    assert model["tokens_s"] == {"p50": 90.9, "p95": 50.0}
    assert model["last_success"] == "2027-01-15T07:58:40Z"


def test_speed_is_counted_from_the_first_token_on() -> None:
    model = seen(record(NOW, answered(1_500, 100, first_ms=500)))["models"]["openai/gpt-oss-20b"]
    assert model["tokens_s"]["p50"] == 100.0


def test_answers_that_came_at_once_or_of_no_token_have_no_speed_and_break_nothing() -> None:
    model = seen(record(NOW, answered(0.0)), record(NOW, answered(10, 0)))["models"]["openai/gpt-oss-20b"]
    assert "tokens_s" not in model


def test_the_state_of_a_provider_says_what_its_calls_showed() -> None:
    open_ = (OpenBreaker("groq", NOW + 30, 5),)
    assert seen()["state"] == "unproven"
    assert seen(record(NOW, answered(1)))["state"] == "ok"
    assert seen(usable=False)["state"] == "unusable"
    assert seen(off=frozenset({"groq"}))["state"] == "refused"
    failing = seen(record(NOW - 9, failed()), breakers=open_)
    assert failing["state"] == "failing"
    assert failing["last_failure"] == {"at": "2027-01-15T07:59:51Z", "kind": "overloaded"}
    assert failing["asked_again"] == "2027-01-15T08:00:30Z"


def test_one_that_the_next_call_may_try_is_recovering() -> None:
    over = (OpenBreaker("groq", NOW, 5),)
    assert seen(record(NOW - 9, failed()), breakers=over)["state"] == "recovering"


def test_the_state_of_a_model_says_what_holds_it_back() -> None:
    name = MODEL.model
    assert seen(record(NOW - 9, answered(1)), record(NOW, failed()))["models"][name]["state"] == "failing"
    assert seen(record(NOW - 9, failed()), record(NOW, answered(1)))["models"][name]["state"] == "ok"
    cold = Cooldown(MODEL, NOW + 20, ErrorKind.RATE_LIMITED)
    cooling = seen(record(NOW, failed(ErrorKind.RATE_LIMITED)), cooldowns=(cold,))["models"][name]
    assert (cooling["state"], cooling["asked_again"]) == ("cooling", "2027-01-15T08:00:20Z")
    assert seen(gone=(Tombstone(MODEL, NOW),))["models"][name]["state"] == "gone"


def test_a_list_tells_its_age_its_scans_and_its_failures() -> None:
    known = ProviderList(
        models=(ListedModel(model="m"),), found_at=NOW - 3600, asked_at=NOW - 60, failures=2, error="no answer",
        scans=5, avoided=40, listing_ms=80.0,
    )  # fmt: skip
    assert seen(lists=[("groq", known)])["list"] == {
        "models": 1, "age_s": 3600, "ms": 80.0, "scans": 5, "scans_avoided": 40, "failures": 2, "error": "no answer",
        "next": "2027-01-15T08:01:00Z",
    }  # fmt: skip
    assert "list" not in seen(usable=False, lists=[("groq", known)])
