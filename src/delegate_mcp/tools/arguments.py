"""Arguments that a tool cannot use, told in a line.

The SDK passes over a name that it does not know in silence, and tells of a wrong value with a class of ours and the
address of a page.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from pydantic import ValidationError


class CheckedTool(Tool):
    """The SDK's tool, with errors that a director can act on."""

    async def run(self, arguments: dict[str, Any], context: Any, convert_result: bool = False) -> Any:  # noqa: FBT001, FBT002 - the SDK's signature
        """Refuse what cannot be used, then run the tool. ToolError: its text is what the director reads."""
        known = list(self.fn_metadata.arg_model.model_fields)
        if unknown := [name for name in arguments if name not in known]:
            raise ToolError(" ".join(_unknown(name, known) for name in unknown))
        try:
            return await super().run(arguments, context, convert_result)
        except ToolError as error:
            if isinstance(error.__cause__, ValidationError):
                raise ToolError(_wrong(error.__cause__.errors(include_url=False))) from error
            raise


def _unknown(name: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1)
    there = f"Is {near[0]} meant?" if near else f"There are: {', '.join(known)}."
    return f"{name[:60]}: there is no such parameter. {there}"


def _wrong(errors: Sequence[Mapping[str, Any]]) -> str:
    """Where and what of each, never the value: it may be a whole prompt."""
    told = [f"{'.'.join(map(str, error['loc']))}: {error['msg']}." for error in errors]
    return " ".join(dict.fromkeys(told))
