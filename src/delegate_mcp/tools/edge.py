"""The one way from a tool to the app and back: here a DelegateError becomes what the director reads."""

import json
from typing import TYPE_CHECKING, Any

import anyio
from mcp.server.mcpserver import Context
from mcp_types import CallToolResult, TextContent

from delegate_mcp.domain.errors import DelegateError
from delegate_mcp.domain.request import DelegateRequest
from delegate_mcp.domain.usage import estimate_tokens
from delegate_mcp.holder import CONNECTION, AppHolder

if TYPE_CHECKING:
    from delegate_mcp.app import App
    from delegate_mcp.delivery.reply import Reply
    from delegate_mcp.dispatch.calls import RunningCall

ToolContext = Context[AppHolder, Any]

# How often a host hears of tokens that arrive; a waiting call costs no more than this many wake-ups.
PROGRESS_EVERY_S = 0.5


async def delegate(ctx: ToolContext, **asked: Any) -> CallToolResult:
    """Run one call, `asked` being fields of a DelegateRequest, until it ends or the host's patience does."""
    from delegate_mcp.delivery.failure_text import failure_reply

    arguments = (ctx.request_context.params or {}).get("arguments")
    written = estimate_tokens(json.dumps(arguments, ensure_ascii=False, default=str))
    request = DelegateRequest(connection=CONNECTION.get(), director_input_tokens=written, **asked)
    try:
        app = await ctx.request_context.lifespan_context.app()
        reply = await follow(ctx, app, app.start(request))
    except DelegateError as error:
        reply = failure_reply(error)
    return as_result(reply)


async def follow(ctx: ToolContext, app: "App", call: "RunningCall[Reply]", *, cancels: bool = True) -> "Reply":
    """Wait for a call and tell its progress. A cancel by the host reaches the call where this request began it."""
    told, ticks = 0.0, 0
    try:
        with anyio.move_on_after(app.settings.calls.patience_s):
            while not call.done.is_set():
                with anyio.move_on_after(PROGRESS_EVERY_S):
                    await call.done.wait()
                if call.progress.ticks != ticks and not call.done.is_set():
                    ticks = call.progress.ticks
                    # The protocol wants progress to grow with every report; a fallback starts its tokens anew.
                    told = max(told + 1, float(call.progress.tokens))
                    await ctx.report_progress(told, None, call.progress.message)
    except anyio.get_cancelled_exc_class():
        if cancels:
            call.scope.cancel()
        raise
    return call.outcome() if call.done.is_set() else app.still_running(call)


def as_result(reply: "Reply") -> CallToolResult:
    """Plain text for the director; route, usage and cost in `_meta`, which programs read and nobody pays for."""
    return CallToolResult(
        content=[TextContent(type="text", text=reply.text)], is_error=reply.is_error, _meta=reply.meta
    )
