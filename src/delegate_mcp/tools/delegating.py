"""The tools that differ only in what kind of work they hand over share one function body and one signature."""

from collections.abc import Awaitable, Callable

from mcp_types import CallToolResult

from delegate_mcp.tools.edge import ToolContext, delegate
from delegate_mcp.tools.parameters import Files, JsonSchema, OnLimit, SaveTo, Thread, Votes


def delegating(tool: str, task_type: str) -> Callable[..., Awaitable[CallToolResult]]:
    """A tool function that hands its prompt over as `task_type`."""

    async def run(
        ctx: ToolContext,
        *,
        prompt: str,
        files: Files = None,
        save_to: SaveTo = None,
        json_schema: JsonSchema = None,
        thread: Thread = None,
        on_limit: OnLimit = "degrade",
    ) -> CallToolResult:
        return await delegate(
            ctx,
            tool=tool,
            task_type=task_type,
            prompt=prompt,
            files=tuple(files or ()),
            save_to=save_to,
            json_schema=json_schema,
            thread=thread,
            on_limit=on_limit,
        )

    run.__name__ = tool
    return run


def voting(tool: str, task_type: str) -> Callable[..., Awaitable[CallToolResult]]:
    """The same with `votes`: how many models answer, most of whom must agree."""

    async def run(
        ctx: ToolContext,
        *,
        prompt: str,
        files: Files = None,
        save_to: SaveTo = None,
        json_schema: JsonSchema = None,
        thread: Thread = None,
        on_limit: OnLimit = "degrade",
        votes: Votes = 1,
    ) -> CallToolResult:
        return await delegate(
            ctx,
            tool=tool,
            task_type=task_type,
            prompt=prompt,
            files=tuple(files or ()),
            save_to=save_to,
            json_schema=json_schema,
            thread=thread,
            on_limit=on_limit,
            votes=votes,
        )

    run.__name__ = tool
    return run
