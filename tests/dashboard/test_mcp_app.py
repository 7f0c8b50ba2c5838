"""The page as an MCP App, as a host finds it, and what it costs a director: nothing."""

import json
from pathlib import Path

import pytest
from anyio import Path as AsyncPath
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from mcp.shared.exceptions import MCPError
from mcp_types import TextResourceContents

from delegate_mcp.dashboard.page import page
from tests.fakes.person import become, connected, environment, read_json
from tests.fakes.services import services

PAGE = "ui://delegate/budget"


async def test_a_host_finds_the_page_by_the_budget_and_by_the_tool_that_runs_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch)
    async with connected() as host:
        assert EXTENSION_ID in (host.server_capabilities.extensions or {})
        resources = {str(row.uri): row for row in (await host.list_resources()).resources}
        tools = {tool.name: tool.meta for tool in (await host.list_tools()).tools}
        (content,) = (await host.read_resource(PAGE)).contents
    link = {"ui": {"resourceUri": PAGE}}
    assert resources["budget://current"].meta == link
    assert {name for name, meta in tools.items() if meta} == {"delegate_batch"}
    assert tools["delegate_batch"] == link
    assert resources[PAGE].mime_type == APP_MIME_TYPE
    assert isinstance(content, TextResourceContents)
    assert (content.mime_type, content.text) == (APP_MIME_TYPE, page().html)
    assert (content.meta or {})["ui"] == {"csp": {}, "prefersBorder": True}  # nothing of any other origin


async def test_reading_the_page_opens_no_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    become(tmp_path, monkeypatch)
    async with connected() as host:
        await host.read_resource(PAGE)
    assert not await AsyncPath(environment(tmp_path)["DELEGATE_MCP_HOME"], "ledger.db").exists()


async def test_the_page_reads_its_data_as_a_resource_so_that_no_tool_is_listed_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with services() as world:
        become(tmp_path, monkeypatch, **world.groq_env)
        async with connected() as host:
            await host.call_tool("delegate_quick", {"prompt": "Hello?"})
            told = await read_json(host, "dashboard://today")
            templates = (await host.list_resource_templates()).resource_templates
            with pytest.raises(MCPError, match="take one of today, 7d"):
                await host.read_resource("dashboard://soon")
            listed = json.dumps([tool.model_dump(mode="json") for tool in (await host.list_tools()).tools])
    assert "dashboard://{period}" in [template.uri_template for template in templates]
    assert (told["calls"]["ok"], told["step"]) == (1, "hour")
    assert told["budget"]["connection"]["calls"] == 1
    assert "dashboard" not in listed
