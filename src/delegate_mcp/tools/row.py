"""What a tool is here: a function, when a director should use it, and what hosts may assume of it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mcp.server.mcpserver.tools import Tool
from mcp_types import CallToolResult, ToolAnnotations

from delegate_mcp.tools.arguments import CheckedTool
from delegate_mcp.tools.parameters import lean


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRow:
    """One tool."""

    run: Callable[..., Awaitable[CallToolResult]]
    description: str
    """When to use it, in few words: the director pays for them in every conversation."""
    title: str
    writes: bool = True
    """May write a file (`save_to`)."""
    edits: bool = False
    """May change files that are there."""
    lists: tuple[str, ...] | None = None
    """The parameters that a director reads of, as bare types; None: all, described. Others are taken all the same."""
    open_world: bool = True
    """May ask a service outside this machine."""
    meta: Mapping[str, Any] | None = None
    """What hosts read and no model does."""

    def build(self) -> Tool:
        """The SDK's tool, with a schema of only what a director needs to read."""
        tool = CheckedTool.from_function(
            self.run,
            title=self.title,
            description=self.description,
            annotations=ToolAnnotations(
                title=self.title,
                read_only_hint=not self.writes,
                destructive_hint=self.edits,
                idempotent_hint=not self.writes,
                open_world_hint=self.open_world,
            ),
            meta=None if self.meta is None else dict(self.meta),
            structured_output=False,
        )
        tool.parameters = lean(tool.parameters, self.lists)
        return tool
