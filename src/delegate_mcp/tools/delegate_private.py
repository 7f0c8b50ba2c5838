"""`delegate_private`: no `on_limit`, since what runs on this machine has no rate limit."""

from mcp_types import CallToolResult

from delegate_mcp.tools.edge import ToolContext, delegate
from delegate_mcp.tools.parameters import Files, JsonSchema, SaveTo, Thread
from delegate_mcp.tools.row import ToolRow


async def delegate_private(
    ctx: ToolContext,
    *,
    prompt: str,
    files: Files = None,
    save_to: SaveTo = None,
    json_schema: JsonSchema = None,
    thread: Thread = None,
) -> CallToolResult:
    """Ask local models only."""
    return await delegate(
        ctx,
        tool="delegate_private",
        task_type="private",
        prompt=prompt,
        files=tuple(files or ()),
        save_to=save_to,
        json_schema=json_schema,
        thread=thread,
    )


ROW = ToolRow(
    run=delegate_private,
    title="Private",
    description="Confidential or personal data: runs on this machine only, never in a cloud.",
    open_world=False,
)
