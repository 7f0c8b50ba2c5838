"""`delegate_batch`: one call of the director, hundreds of delegations."""

from typing import TYPE_CHECKING, Any

from mcp_types import CallToolResult

from delegate_mcp.dashboard import LINK
from delegate_mcp.tools.edge import ToolContext, as_result, asking, follow
from delegate_mcp.tools.parameters import Files, JsonSchema, SaveTo
from delegate_mcp.tools.row import ToolRow

if TYPE_CHECKING:
    from delegate_mcp.delivery.reply import Reply


async def delegate_batch(
    ctx: ToolContext,
    *,
    prompt: str,
    items: list[Any] | None = None,
    files: Files = None,
    items_file: str | None = None,
    json_schema: JsonSchema = None,
    save_to: SaveTo = None,
    task_type: str = "auto",
) -> CallToolResult:
    """Ask the same of every item."""

    async def run() -> "Reply":
        from delegate_mcp.batch.request import TOOL, BatchRequest

        app, asked = await asking(
            ctx, tool=TOOL, prompt=prompt, task_type=task_type, json_schema=json_schema, save_to=save_to
        )
        ask = BatchRequest(asked=asked, items=items, files=files, items_file=items_file)
        return await follow(ctx, app, await app.start_batch(ask))

    return await as_result(run())


ROW = ToolRow(
    run=delegate_batch,
    title="Batch",
    lists=("prompt", "items", "files", "items_file", "json_schema", "save_to", "task_type"),
    description="One prompt with {item} or {item.field} for many items, files or lines of items_file.",
    meta=LINK,
)
