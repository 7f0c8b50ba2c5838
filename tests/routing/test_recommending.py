"""Which models fit a piece of work best right now."""

from collections.abc import Mapping
from dataclasses import replace

from delegate_mcp.catalog.catalog import load_catalog
from delegate_mcp.domain.brief import Brief, Message
from delegate_mcp.domain.errors import ErrorKind
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.request import DelegateRequest
from delegate_mcp.ledger.snapshot import Cooldown, LedgerSnapshot, ModelUse, OpenBreaker
from delegate_mcp.routing.known import Known
from delegate_mcp.routing.recommending import Recommended, available, recommend
from delegate_mcp.routing.rules import load_rules
from delegate_mcp.routing.work import work_of
from tests.routing.scene import GROQ_20B, LOCAL, NOW
from tests.routing.scene import available as there

EMPTY = LedgerSnapshot(taken_at=NOW)


def known(*usable: str, local: Mapping[str, tuple[str, ...]] | None = None, snapshot: LedgerSnapshot = EMPTY) -> Known:
    return Known(catalog=load_catalog(), availability=there(*usable, local=local), snapshot=snapshot)


def best(task_type: str, on: Known, *, tokens: int = 50, private: bool = False) -> list[Recommended]:
    brief = Brief(messages=(Message("user", "do it"),), prompt="do it", input_tokens=tokens, private=private)
    request = DelegateRequest(prompt="do it", task_type=task_type)
    return recommend(brief, work_of(brief, request, load_rules(), on, None), on)


def test_five_at_most_are_named_the_best_first() -> None:
    found = best("quick", known("groq", "gemini", "mistral", "openrouter", "cerebras"))
    assert len(found) == 5
    assert [row.points.total for row in found] == sorted((row.points.total for row in found), reverse=True)
    assert found[0].named
    assert found[0].points.preference == 25


def test_who_cannot_be_asked_or_is_too_small_is_not_named() -> None:
    assert {row.model.model_id.provider for row in best("quick", known("groq"))} == {"groq"}
    long = best("quick", known("groq", "gemini"), tokens=400_000)
    assert {row.model.model_id.provider for row in long} == {"gemini"}
    assert best("quick", known()) == []


def test_private_work_is_for_models_of_this_machine_alone() -> None:
    found = best("quick", known("groq", "gemini", local=LOCAL), private=True)
    assert found
    assert {row.tier for row in found} == {"local"}


def test_what_is_used_up_or_failing_has_no_points_for_availability() -> None:
    model = load_catalog().models[GROQ_20B]
    assert available(known("groq"), model) == 1.0
    used = LedgerSnapshot(taken_at=NOW, use={GROQ_20B: ModelUse(requests_day=250, tokens_day=20_000)})
    assert available(known("groq", snapshot=used), model) == 0.75
    cold = replace(EMPTY, cooldowns=(Cooldown(GROQ_20B, NOW + 9, ErrorKind.RATE_LIMITED),))
    assert available(known("groq", snapshot=cold), model) == 0.0
    broken = replace(EMPTY, breakers=(OpenBreaker("groq", NOW + 9, 5),))
    assert available(known("groq", snapshot=broken), model) == 0.0
    elsewhere = replace(EMPTY, cooldowns=(Cooldown(ModelId("groq", "other"), NOW + 9, ErrorKind.RATE_LIMITED),))
    assert available(known("groq", snapshot=elsewhere), model) == 1.0
