"""What a prompt is here: a function that returns the words."""

from collections.abc import Callable
from dataclasses import dataclass

from mcp.server.mcpserver.prompts import Prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptRow:
    """One prompt."""

    name: str
    description: str
    render: Callable[..., str]

    def build(self) -> Prompt:
        """The SDK's prompt."""
        return Prompt.from_function(self.render, name=self.name, description=self.description)
