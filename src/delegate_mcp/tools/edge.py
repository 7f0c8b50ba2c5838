"""The one way from a tool to the app and back: here a DelegateError becomes what the director reads."""

import json
import logging
import os
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

import anyio
from mcp.server.mcpserver import Context
from mcp_types import CallToolResult, TextContent

from delegate_mcp.domain.errors import DelegateError
from delegate_mcp.domain.request import DelegateRequest
from delegate_mcp.domain.usage import estimate_tokens
from delegate_mcp.holder import CONNECTION, AppHolder
from delegate_mcp.tools.asking_roots import host_roots, is_near
from delegate_mcp.tools.patience import patience_s

if TYPE_CHECKING:
    from delegate_mcp.app import App
    from delegate_mcp.delivery.reply import Reply
    from delegate_mcp.dispatch.calls import RunningCall

logger = logging.getLogger(__name__)

ToolContext = Context[AppHolder, Any]

# How often a host hears of tokens that arrive; a waiting call costs no more than this many wake-ups.
PROGRESS_EVERY_S = 0.5


async def delegate(ctx: ToolContext, **asked: Any) -> CallToolResult:
    """Run one call, `asked` being fields of a DelegateRequest, until it ends or the host's patience does."""

    async def run() -> "Reply":
        app, request = await asking(ctx, **asked)
        return await follow(ctx, app, app.start(request))

    return await as_result(run())


async def asking(ctx: ToolContext, **asked: Any) -> "tuple[App, DelegateRequest]":
    """The app, and the request of whoever asks with what is known of them."""
    holder = ctx.request_context.lifespan_context
    app = await holder.app()
    fence = app.roots.given_by(await host_roots(ctx), trusted=is_near(ctx))
    request = DelegateRequest(
        connection=CONNECTION.get(),
        director_input_tokens=written(ctx),
        listing_tokens=holder.listing.tokens_for(CONNECTION.get()),
        roots=fence.roots,
        **asked,
    )
    return app, request


def written(ctx: ToolContext) -> int:
    """Tokens that the director wrote to make this call (estimate)."""
    arguments = (ctx.request_context.params or {}).get("arguments")
    return estimate_tokens(json.dumps(arguments, ensure_ascii=False, default=str))


async def follow(ctx: ToolContext, app: "App", call: "RunningCall[Reply]", *, cancels: bool = True) -> "Reply":
    """Wait for a call and tell its progress. A cancel by the host reaches the call where this request began it."""
    told, ticks = 0.0, 0
    try:
        with anyio.move_on_after(patience_s(app.settings.calls.patience_s, _host(ctx), os.environ)):
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
    return call.outcome() if call.done.is_set() else await app.still_running(call)


def _host(ctx: ToolContext) -> str:
    known = ctx.session.client_params
    return known.client_info.name if known is not None else ""


async def as_result(work: Awaitable["Reply"]) -> CallToolResult:
    """What comes of it, as plain text for the director; route, usage and cost in `_meta`, which nobody pays for.

    A defect of ours ends as a short error too: the SDK would print the whole stack, which takes seconds.
    """
    from delegate_mcp.delivery.failure_text import failure_reply

    try:
        reply = await work
    except DelegateError as error:
        reply = failure_reply(error)
    except Exception as error:
        logger.warning("A call ended in %s, which is a defect of delegate-mcp.", type(error).__name__)
        logger.debug("Where it came from:", exc_info=error)
        reply = failure_reply(
            DelegateError(
                f"A defect of delegate-mcp ended this call ({type(error).__name__}). Nothing of other calls is lost. "
                "Ask once more; if it comes again, start the server with DELEGATE_MCP_LOG_LEVEL=DEBUG and report what "
                "it prints."
            )
        )
    return CallToolResult(
        content=[TextContent(type="text", text=reply.text)], is_error=reply.is_error, _meta=reply.meta
    )
