"""The edge between a host and the app: a host that drops long calls, and a defect of ours."""

import pytest
from mcp.client import Client

from delegate_mcp.app import App
from delegate_mcp.holder import AppHolder
from delegate_mcp.server import build_server
from delegate_mcp.tools.patience import patience_s
from tests.fakes.person import text_of


@pytest.mark.parametrize(
    ("setting", "host", "environ", "expected"),
    [
        (100, "claude-code", {}, 100),
        (100, "Cline", {}, 55),
        (100, "jcode", {}, 25),
        (20, "jcode", {}, 20),
        (0.1, "claude-code", {}, 0.1),
        (100, "claude-code", {"MCP_TOOL_TIMEOUT": "60000"}, 55),
        (100, "claude-code", {"MCP_TOOL_TIMEOUT": "600000"}, 100),
        (100, "claude-code", {"MCP_TOOL_TIMEOUT": "3000"}, 1),
        (100, "claude-code", {"MCP_TOOL_TIMEOUT": "soon"}, 100),
    ],
)
def test_the_shortest_of_setting_and_host_counts(
    setting: float, host: str, environ: dict[str, str], expected: float
) -> None:
    assert patience_s(setting, host, environ) == expected


async def test_a_defect_of_ours_is_a_short_error_without_a_stack(capfd: pytest.CaptureFixture[str]) -> None:
    async def broken(*_: object) -> App:
        raise ZeroDivisionError("a secret of the prompt")

    async with AppHolder(broken) as holder, Client(build_server(holder)) as client:
        result = await client.call_tool("delegate_quick", {"prompt": "hello"})
    assert result.is_error
    assert "ZeroDivisionError" in text_of(result)
    assert "a secret of the prompt" not in text_of(result)
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("delegate_quick", {"promt": "hello", "prompt": "x"}, "promt: there is no such parameter. Is prompt meant?"),
        ("delegate_result", {"call_id": "c1", "x": 1}, "x: there is no such parameter. There are: call_id, offset."),
        ("delegate_quick", {}, "prompt: Field required."),
        ("delegate_quick", {"prompt": "a secret", "votes": 99}, "votes: Input should be less than or equal to 9."),
        ("delegate_quick", {"prompt": "x", "files": [1, 2]}, "files.0: Input should be a valid string. files.1: Input"),
    ],
)
async def test_arguments_that_cannot_be_used_are_a_line_that_says_which_and_why(
    tool: str, arguments: dict[str, object], told: str
) -> None:
    async def unused(*_: object) -> App:
        raise AssertionError

    async with AppHolder(unused) as holder, Client(build_server(holder)) as client:
        result = await client.call_tool(tool, arguments)
    assert result.is_error
    assert text_of(result).startswith(told)
    assert "pydantic" not in text_of(result)
    assert "secret" not in text_of(result)
