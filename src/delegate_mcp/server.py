"""The MCP server, made from the TOOLS, RESOURCES and PROMPTS tuples."""

import json
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager

from mcp.server import MCPServer
from mcp.server.apps import Apps
from mcp.server.mcpserver.tools import Tool

from delegate_mcp import __version__
from delegate_mcp.holder import AppHolder
from delegate_mcp.instructions import INSTRUCTIONS
from delegate_mcp.notices import ChangeNotices, name_connection
from delegate_mcp.prompts import PROMPTS
from delegate_mcp.resources import PAGES, PERIODS, RECOMMEND, RESOURCES
from delegate_mcp.tools import TOOLS
from delegate_mcp.tools.asking_roots import follow_roots


def build_server(holder: AppHolder) -> MCPServer[AppHolder]:
    """Return a server over an app that is opened at first use. The caller enters and leaves the holder."""

    @asynccontextmanager
    async def lifespan(_: MCPServer[AppHolder]) -> AsyncGenerator[AppHolder]:
        # SSE enters this once a connection, so it owns nothing.
        yield holder

    tools = [row.build() for row in TOOLS]
    holder.listing.consists_of(lambda: _listed(tools))
    apps = Apps()
    for row in PAGES:
        apps.add_resource(row.build(holder))
    notices = ChangeNotices("budget://current", holder.follow)
    server = MCPServer(
        "delegate-mcp",
        title="Delegate",
        instructions=INSTRUCTIONS,
        version=__version__,
        tools=tools,
        resources=[row.build(holder) for row in RESOURCES],
        extensions=[apps],
        lifespan=lifespan,
        subscriptions=notices.bus,
        middleware=[name_connection],
        log_level="WARNING",
    )
    for row in (*PERIODS, RECOMMEND):
        row.add_to(server, holder)
    for row in PROMPTS:
        server.add_prompt(row.build())
    notices.serve_legacy(server)
    follow_roots(server)
    holder.watch(notices.changed)
    holder.tend_batches()
    holder.tend_models()
    return server


def _listed(tools: Sequence[Tool]) -> Iterator[str]:
    """What a host shows its model of us."""
    yield INSTRUCTIONS
    for tool in tools:
        yield json.dumps([tool.name, tool.description, tool.parameters], separators=(",", ":"))
