import subprocess
import sys

import pytest

# What answering `initialize` does not need. Each of these costs the host's person time at every start.
LATER = (
    "delegate_mcp.wiring",
    "delegate_mcp.app",
    "delegate_mcp.config.settings",
    "delegate_mcp.routing",
    "delegate_mcp.providers",
    "delegate_mcp.ledger",
    "pydantic_settings",
    "sqlite3",
    "groq",
    "google.genai",
    "genai_prices",
    "jsonschema",
    "markdownify",
    "xllamacpp",
)


@pytest.fixture(scope="module")
def loaded_at_start() -> frozenset[str]:
    program = "import delegate_mcp.__main__, delegate_mcp.cli.serve, sys; print(*sys.modules)"
    return frozenset(subprocess.check_output([sys.executable, "-c", program], text=True).split())


@pytest.mark.parametrize("module", LATER)
def test_the_server_starts_without(module: str, loaded_at_start: frozenset[str]) -> None:
    assert module not in loaded_at_start


def test_the_list_of_what_is_loaded_is_the_servers(loaded_at_start: frozenset[str]) -> None:
    assert {"delegate_mcp.server", "mcp.server"} <= loaded_at_start
