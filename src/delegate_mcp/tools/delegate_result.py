"""`delegate_result`: the rest of a long answer, or a call still running."""

from typing import Annotated

from mcp_types import CallToolResult
from pydantic import Field

from delegate_mcp.domain.errors import DelegateError
from delegate_mcp.tools.edge import ToolContext, as_result, follow
from delegate_mcp.tools.row import ToolRow


async def delegate_result(
    ctx: ToolContext,
    call_id: str,
    offset: Annotated[int, Field(description="Characters already read", ge=0)] = 0,
) -> CallToolResult:
    """Wait for a call that is under way, or read on in one that has ended."""
    from delegate_mcp.delivery.failure_text import failure_reply

    try:
        app = await ctx.request_context.lifespan_context.app()
        running = app.running(call_id)
        reply = await follow(ctx, app, running, cancels=False) if running else await app.result(call_id, offset)
    except DelegateError as error:
        reply = failure_reply(error)
    return as_result(reply)


ROW = ToolRow(
    run=delegate_result,
    title="Result",
    description="Rest of a long answer, or a call still running.",
    writes=False,
    open_world=False,
)
