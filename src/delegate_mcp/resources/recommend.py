"""`models://recommend/{task}`: the five models that fit a task type, or a prompt, best, with their points."""

from mcp.server.mcpserver import MCPServer

from delegate_mcp.holder import AppHolder
from delegate_mcp.resources.row import JSON, told


class RecommendRow:
    """The one resource with a task in its URI."""

    uri = "models://recommend/{task}"
    name = "recommend"
    description = "The five models that fit a task type or a prompt best right now, with their points."

    def add_to(self, server: MCPServer[AppHolder], holder: AppHolder) -> None:
        """Let the server have it."""

        async def read(task: str) -> str:
            async def recommend() -> dict[str, object]:
                return await (await holder.app()).recommend(task)

            return await told(recommend())

        server.resource(self.uri, name=self.name, description=self.description, mime_type=JSON)(read)


ROW = RecommendRow()
