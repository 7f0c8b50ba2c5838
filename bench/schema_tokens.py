"""What the director pays for having us connected: o200k tokens of tools/list, and the instructions."""

import tempfile
from pathlib import Path
from typing import Any, cast

from bench import tokens
from bench.figure import Figure
from bench.raw_stdio import BARE, RawServer, ours

MOST_TOKENS = 900
MOST_INSTRUCTION_CHARS = 2_048


def _listed(command: tuple[str, ...], home: Path) -> tuple[str, list[dict[str, Any]]]:
    with RawServer(command, home) as server:
        instructions = server.handshake().get("instructions", "")
        return str(instructions), cast("list[dict[str, Any]]", server.ask("tools/list", {})["tools"])


def measure() -> list[Figure]:
    """Both lists come over the wire, as a host sees them."""
    with tempfile.TemporaryDirectory() as home:
        instructions, tools = _listed(ours(), Path(home))
        _, bare_tools = _listed(BARE, Path(home))
    per_tool = ", ".join(f"{tool['name']} {tokens.count(tokens.tool_list([tool]))}" for tool in tools)
    return [
        Figure(
            name=f"tools/list, {len(tools)} tools",
            unit="tokens",
            ours=tokens.count(tokens.tool_list(tools)),
            reference=tokens.count(tokens.tool_list(bare_tools)),
            reference_name="bare, 1 tool",
            at_most=MOST_TOKENS,
            note=f"o200k tokens of name, description and inputSchema as one compact JSON array; {per_tool}",
        ),
        Figure(name="instructions", unit="characters", ours=len(instructions), at_most=MOST_INSTRUCTION_CHARS),
        Figure(name="instructions, tokens", unit="tokens", ours=tokens.count(instructions)),
    ]
