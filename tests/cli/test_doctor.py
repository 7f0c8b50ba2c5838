"""What the doctor says of the services' health, as all processes know it."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from delegate_mcp.catalog.catalog import load_catalog
from delegate_mcp.cli.doctor import Check, model_checks, provider_checks, run
from delegate_mcp.domain.availability import Availability, ProviderState
from delegate_mcp.domain.errors import ErrorKind
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.ledger.snapshot import Cooldown, LedgerSnapshot, OpenBreaker, ProviderOff, Tombstone
from delegate_mcp.providers.registry import BY_NAME
from delegate_mcp.routing.known import Known
from tests.fakes.person import become

NOW = 1_795_000_000.0
SET_UP = Availability({"groq": ProviderState(name="groq", usable=True, why="key set: GROQ_API_KEY")})
ROWS = (BY_NAME["groq"],)


def known(**facts: Any) -> Known:
    """What is known, with the key of mark `0badcafe` set."""
    return Known(
        catalog=load_catalog(),
        availability=SET_UP,
        snapshot=LedgerSnapshot(taken_at=NOW, **facts),
        key_marks={"groq": "0badcafe"},
    )


def groq(state: Known) -> Check:
    (check,) = provider_checks(ROWS, SET_UP, state)
    return check


def test_a_healthy_provider_is_as_it_was_found_with_what_it_does_with_prompts() -> None:
    told = BY_NAME["groq"].data.told()
    assert groq(known()) == Check("groq", ok=True, found=f"key set: GROQ_API_KEY; it {told}")


def test_a_provider_that_the_data_policy_keeps_out_is_told_as_such() -> None:
    check = groq(replace(known(), data_policy="no_retention"))
    assert "so no_retention keeps it from being asked" in check.found


def test_a_key_that_was_refused_is_told_with_where_to_get_a_new_one() -> None:
    check = groq(known(off=(ProviderOff("groq", "0badcafe", NOW),)))
    assert not check.ok
    assert check.found.startswith("GROQ_API_KEY was refused on 2026-11-18")
    assert check.mend == "get a new one at https://console.groq.com/keys"


def test_a_key_that_has_changed_since_is_not_held_against_anybody() -> None:
    assert groq(known(off=(ProviderOff("groq", "0ddba11", NOW),))).ok


def test_an_open_breaker_is_told_with_the_time_of_the_next_try() -> None:
    check = groq(known(breakers=(OpenBreaker("groq", NOW + 20, 7),)))
    assert not check.ok
    assert "failed 7 times in a row, asked again at 11:07:00 UTC" in check.found
    assert groq(known(breakers=(OpenBreaker("groq", NOW - 1, 7),))).ok


def test_models_that_cool_down_or_are_gone_have_a_line_each() -> None:
    state = known(
        cooldowns=(
            Cooldown(ModelId("groq", "b"), NOW + 86_400, ErrorKind.RATE_LIMITED),
            Cooldown(ModelId("groq", "*"), NOW + 20, ErrorKind.RATE_LIMITED),
            Cooldown(ModelId("groq", "over"), NOW - 1, ErrorKind.RATE_LIMITED),
        ),
        gone=(Tombstone(ModelId("groq", "old"), NOW),),
    )
    assert [(check.name, check.found) for check in model_checks(state)] == [
        ("all of groq", "cools down after rate limited, asked again at 11:07:00 UTC"),
        ("groq:b", "cools down after rate limited, asked again at 2026-11-19 11:06:40 UTC"),
        ("groq:old", "its service has said since 2026-11-18 that it is gone"),
    ]


def test_what_a_service_dropped_at_once_has_one_line() -> None:
    state = known(gone=tuple(Tombstone(ModelId("groq", name), NOW) for name in ("b", "a")))
    assert [(check.name, check.found) for check in model_checks(state)] == [
        ("2 of groq", "gone since 2026-11-18, says its service: a, b")
    ]


async def test_an_override_that_leads_nowhere_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    become(tmp_path, monkeypatch, MODEL_OVERRIDE_REASONNG="qwen3:14b")
    await run(argparse.Namespace(json=False))
    assert "MODEL_OVERRIDE_REASONNG: there is no role or task type 'reasonng'" in capsys.readouterr().out
