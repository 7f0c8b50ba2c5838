"""Asks the host for its roots, where its protocol and the host have them."""

from pathlib import Path
from typing import Any

from mcp.server import MCPServer
from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver import Context
from mcp.shared.exceptions import MCPError
from mcp.shared.message import ServerMessageMetadata
from mcp_types import ListRootsRequest, ListRootsResult, NotificationParams
from pydantic import ValidationError

from delegate_mcp.holder import CONNECTION, AppHolder

# A host that says that it has roots and then does not tell them holds up its first call only.
ANSWER_S = 2.0


async def host_roots(ctx: Context[AppHolder, Any]) -> tuple[Path, ...]:
    """The directories that the host named; empty where there is none to be had.

    The handshake era has a request for them. In the newer one they are deprecated and would cost a round trip in every
    call: there the working directory counts, which hosts set to the project.
    """
    session = ctx.session
    declared = session.client_capabilities
    if declared is None or declared.roots is None or not session.can_send_request:
        return ()

    async def ask() -> list[str]:
        try:
            told = await session.send_request(
                ListRootsRequest(), ListRootsResult, ANSWER_S, ServerMessageMetadata(related_request_id=ctx.request_id)
            )
        except (MCPError, ValidationError):
            return []
        return [str(root.uri) for root in told.roots]

    return await ctx.request_context.lifespan_context.host_roots.of(CONNECTION.get(), ask)


def is_near(ctx: Context[AppHolder, Any]) -> bool:
    """Whether the host started this process (stdio), rather than having come over HTTP."""
    return ctx.request_context.request is None


def follow_roots(server: MCPServer[AppHolder]) -> None:
    """Ask anew once the host says that its roots have changed."""

    async def changed(ctx: ServerRequestContext[AppHolder, Any], params: NotificationParams) -> None:
        del params
        ctx.lifespan_context.host_roots.forget(CONNECTION.get())

    # The SDK has no public way from an MCPServer to its low-level server.
    lowlevel = server._lowlevel_server  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    lowlevel.add_notification_handler("notifications/roots/list_changed", NotificationParams, changed)
