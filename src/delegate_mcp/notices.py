"""Tell subscribers of both protocol eras that a resource changed, and name the connection a message came by."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from mcp.server import MCPServer
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.session import ServerSession
from mcp.server.subscriptions import InMemorySubscriptionBus, ResourceUpdated, ServerEvent
from mcp_types import EmptyResult, SubscribeRequestParams, UnsubscribeRequestParams

from delegate_mcp.holder import CONNECTION

# Older clients that subscribed and left without a word are forgotten after so many newer ones.
MOST_LEGACY_SUBSCRIBERS = 256


class _Bus(InMemorySubscriptionBus):
    """The SDK's bus, which also tells when somebody begins to listen."""

    def __init__(self, begun: Callable[[], None]) -> None:
        super().__init__()
        self._begun = begun

    def subscribe(self, listener: Callable[[ServerEvent], None]) -> Callable[[], None]:
        self._begun()
        return super().subscribe(listener)


class ChangeNotices:
    """Publishes changes of a resource: on the bus for `subscriptions/listen`, by session for `resources/subscribe`."""

    def __init__(self, uri: str, begun: Callable[[], None]) -> None:
        """`begun` is called when somebody subscribes."""
        self.bus = _Bus(begun)
        self._uri = uri
        self._begun = begun
        self._sessions: OrderedDict[str, ServerSession] = OrderedDict()

    async def changed(self) -> None:
        """Tell every subscriber."""
        await self.bus.publish(ResourceUpdated(uri=self._uri))
        for session in tuple(self._sessions.values()):
            await session.send_resource_updated(self._uri)

    def serve_legacy(self, server: MCPServer[Any]) -> None:
        """Serve `resources/subscribe` of the handshake era, which MCPServer itself leaves out."""
        # The SDK has no public way from an MCPServer to its low-level server.
        lowlevel = server._lowlevel_server  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        lowlevel.add_request_handler("resources/subscribe", SubscribeRequestParams, self._subscribe)
        lowlevel.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, self._unsubscribe)

    async def _subscribe(self, ctx: ServerRequestContext[Any, Any], params: SubscribeRequestParams) -> EmptyResult:
        if str(params.uri) == self._uri:
            self._begun()
            self._sessions[CONNECTION.get()] = ctx.session
            if len(self._sessions) > MOST_LEGACY_SUBSCRIBERS:
                self._sessions.popitem(last=False)
        return EmptyResult()

    async def _unsubscribe(self, ctx: ServerRequestContext[Any, Any], params: UnsubscribeRequestParams) -> EmptyResult:
        del ctx
        if str(params.uri) == self._uri:
            self._sessions.pop(CONNECTION.get(), None)
        return EmptyResult()


async def name_connection(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Middleware: on HTTP the client's own id names the connection; on stdio the process does."""
    headers = getattr(ctx.request, "headers", None)
    query = getattr(ctx.request, "query_params", None)
    known = (headers and headers.get("mcp-session-id")) or (query and query.get("session_id"))
    if not known:
        return await call_next(ctx)
    token = CONNECTION.set(str(known)[:12])
    try:
        return await call_next(ctx)
    finally:
        CONNECTION.reset(token)
