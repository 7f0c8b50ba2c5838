"""What a director is shown of the tools, held fast: a change here is a change of what every conversation pays for."""

import json
from pathlib import Path

import pytest

from delegate_mcp.instructions import INSTRUCTIONS
from tests.fakes.person import become, connected

SNAPS = Path(__file__).parent / "toolsnaps"


async def test_every_tool_is_as_its_snapshot_shows_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    become(tmp_path, monkeypatch)
    async with connected() as host:
        tools = (await host.list_tools()).tools
    shown = {tool.name: tool.model_dump(by_alias=True, exclude_none=True) for tool in tools}
    assert {path.stem for path in SNAPS.glob("*.json")} == set(shown)
    for name, tool in shown.items():
        assert tool == json.loads((SNAPS / f"{name}.json").read_text(encoding="utf-8")), (
            f"{name} changed: run `python -m tests.toolsnaps` and read the difference"
        )


async def test_hosts_may_trust_the_annotations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    become(tmp_path, monkeypatch)
    async with connected() as host:
        tools = {tool.name: tool for tool in (await host.list_tools()).tools}
    for tool in tools.values():
        assert tool.annotations is not None
        assert tool.output_schema is None
    read_only = {name for name, tool in tools.items() if tool.annotations and tool.annotations.read_only_hint}
    closed_world = {name for name, tool in tools.items() if tool.annotations and not tool.annotations.open_world_hint}
    destructive = {name for name, tool in tools.items() if tool.annotations and tool.annotations.destructive_hint}
    assert read_only == {"delegate_result"}
    assert closed_world == {"delegate_private", "delegate_result"}
    assert destructive == {"delegate_code"}


def test_the_instructions_fit_what_hosts_show() -> None:
    assert len(INSTRUCTIONS) <= 2_048
    for said in ("files", "save_to", "delegate_private", "delegate_result", "on_limit"):
        assert said in INSTRUCTIONS
