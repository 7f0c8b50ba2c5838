"""A person's machine for one test: an own home, an own project directory, none of this machine's keys or programs."""

import json
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client
from mcp_types import CallToolResult, TextContent, TextResourceContents

from delegate_mcp.holder import AppHolder
from delegate_mcp.providers.registry import PROVIDERS
from delegate_mcp.server import build_server
from delegate_mcp.wiring import open_app

# Ports that nothing listens on: whatever runs on the tester's machine is none of a test's business.
_NOWHERE = "http://127.0.0.1:9/v1"


def environment(tmp_path: Path) -> dict[str, str]:
    """Variables of a person who has set up nothing."""
    home = tmp_path / "person"
    home.mkdir(exist_ok=True)
    nowhere = {
        f"DELEGATE_MCP_PROVIDERS__{row.name.upper().replace('-', '_')}__BASE_URL": _NOWHERE
        for row in PROVIDERS
        if row.local and row.base_url
    }
    return {
        "PATH": str(tmp_path / "no-programs"),
        "HOME": str(home),
        "USERPROFILE": str(home),
        "DELEGATE_MCP_HOME": str(home / "delegate"),
        "DELEGATE_MCP_CACHE": str(home / "cache"),
        "DELEGATE_MCP_DISCOVERY__BACKGROUND": "false",  # a test that wants it says so
        **nowhere,
    }


def become(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **variables: str) -> Path:
    """Let this process be that person's; returns the project directory it stands in."""
    for name in list(os.environ):
        if name.startswith(("DELEGATE_MCP_", "CLAUDE", "ANTHROPIC_")) or name.endswith(("_API_KEY", "_TOKEN")):
            monkeypatch.delenv(name)
    for name, value in (environment(tmp_path) | variables).items():
        monkeypatch.setenv(name, value)
    project = tmp_path / "project"
    project.mkdir(exist_ok=True)
    monkeypatch.chdir(project)
    return project


@asynccontextmanager
async def connected(**options: Any) -> AsyncGenerator[Client]:
    """A host connected to a server of this process."""
    async with AppHolder(open_app) as holder, Client(build_server(holder), **options) as client:
        yield client


async def read_json(client: Client, uri: str) -> dict[str, Any]:
    """A resource as it is now, past the client's cache."""
    contents = (await client.read_resource(uri, cache_mode="bypass")).contents[0]
    assert isinstance(contents, TextResourceContents)
    return json.loads(contents.text)


def text_of(result: CallToolResult) -> str:
    """What the director reads."""
    assert len(result.content) == 1
    block = result.content[0]
    assert isinstance(block, TextContent)
    return block.text


def facts_of(result: CallToolResult) -> dict[str, Any]:
    """What programs read."""
    assert result.meta is not None
    return result.meta["delegate"]
