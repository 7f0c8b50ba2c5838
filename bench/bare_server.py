"""The least an MCP server can be: the SDK's own, with one tool. What ours is measured against."""

from mcp.server import MCPServer

server = MCPServer("bare")


@server.tool(structured_output=False)
async def echo(text: str) -> str:
    """Give the text back."""
    return text


if __name__ == "__main__":
    server.run()
