"""`delegate_result`: the rest of a long answer, or a call still running."""

from typing import TYPE_CHECKING, Annotated

from mcp_types import CallToolResult
from pydantic import Field

from delegate_mcp.tools.edge import ToolContext, as_result, follow, written
from delegate_mcp.tools.row import ToolRow

if TYPE_CHECKING:
    from delegate_mcp.delivery.reply import Reply


async def delegate_result(
    ctx: ToolContext,
    call_id: str,
    offset: Annotated[int, Field(description="Characters already read", ge=0)] = 0,
) -> CallToolResult:
    """Wait for a call that is under way, or read on in one that has ended."""

    async def wait() -> "Reply":
        app = await ctx.request_context.lifespan_context.app()
        running = await app.running(call_id)
        if running is None:
            reply = await app.result(call_id, offset)
        else:
            reply = await follow(ctx, app, running, cancels=False)
        return await app.fetched(call_id, reply, written=written(ctx), counted=running is not None)

    return await as_result(wait())


ROW = ToolRow(
    run=delegate_result,
    title="Result",
    description="Rest of a long answer, or a call still running.",
    writes=False,
    open_world=False,
)
