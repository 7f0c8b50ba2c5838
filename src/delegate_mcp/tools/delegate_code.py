"""`delegate_code`: no `json_schema`, since code is text; `edit_in` lets a CLI backend work on the files themselves."""

from typing import Annotated

from mcp_types import CallToolResult
from pydantic import Field

from delegate_mcp.tools.edge import ToolContext, delegate
from delegate_mcp.tools.parameters import Files, OnLimit, SaveTo, Thread
from delegate_mcp.tools.row import ToolRow


async def delegate_code(
    ctx: ToolContext,
    *,
    prompt: str,
    files: Files = None,
    save_to: SaveTo = None,
    edit_in: Annotated[str | None, Field(description="Directory an agent may edit; else text only")] = None,
    thread: Thread = None,
    on_limit: OnLimit = "degrade",
) -> CallToolResult:
    """Ask for the task type `coding`."""
    return await delegate(
        ctx,
        tool="delegate_code",
        task_type="coding",
        prompt=prompt,
        files=tuple(files or ()),
        save_to=save_to,
        edit_in=edit_in,
        thread=thread,
        on_limit=on_limit,
    )


ROW = ToolRow(
    run=delegate_code,
    title="Code",
    description="Write, change or debug code. Use save_to for a new file.",
    edits=True,
)
