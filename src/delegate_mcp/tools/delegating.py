"""The tools that hand over work share one function and one signature; each lists of it what its work needs.

Every delegate tool takes every shared parameter. `delegate` lists and describes them all and says so; the others list
those that their work asks for most, since the director reads each list in each conversation.
"""

from collections.abc import Awaitable, Callable

from mcp_types import CallToolResult

from delegate_mcp.domain.request import AUTO
from delegate_mcp.tools import parameters as given
from delegate_mcp.tools.edge import ToolContext, delegate

Handler = Callable[..., Awaitable[CallToolResult]]
MOST_USED = ("prompt", "files", "save_to", "json_schema", "thread")
"""What a tool lists that asks for text."""


def delegating(tool: str, kind: str | None = None) -> Handler:
    """A tool function that hands its prompt over as work of that kind; None: of the kind that the caller names."""

    async def run(
        ctx: ToolContext,
        *,
        prompt: given.Prompt,
        task_type: given.TaskType = AUTO,
        model: given.ModelName = None,
        files: given.Files = None,
        save_to: given.SaveTo = None,
        overwrite: given.Overwrite = False,
        json_schema: given.JsonSchema = None,
        thread: given.Thread = None,
        verdict: given.VerdictOn = None,
        max_result_tokens: given.MaxResultTokens = None,
        votes: given.Votes = 1,
        edit: given.Edit = False,
        edit_in: given.EditIn = None,
        check: given.Check = None,
        tries: given.Tries = 3,
        on_limit: given.OnLimit = "degrade",
    ) -> CallToolResult:
        return await delegate(
            ctx,
            tool=tool,
            prompt=prompt,
            task_type=kind or task_type,  # what is private stays so, whatever else is asked of it
            model=model,
            files=tuple(files or ()),
            save_to=save_to,
            overwrite=overwrite,
            json_schema=json_schema,
            thread=thread,
            verdict=verdict,
            max_result_tokens=max_result_tokens,
            votes=votes,
            edit=edit,
            edit_in=edit_in,
            check=check,
            tries=tries,
            on_limit=on_limit,
        )

    run.__name__ = tool
    return run
