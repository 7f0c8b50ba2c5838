"""`delegate`: any task type; the tool in which the shared parameters are described."""

from typing import Annotated

from mcp_types import CallToolResult
from pydantic import Field

from delegate_mcp.tools.edge import ToolContext
from delegate_mcp.tools.edge import delegate as hand_over
from delegate_mcp.tools.parameters import (
    DescribedFiles,
    DescribedOnLimit,
    DescribedPrompt,
    DescribedSaveTo,
    DescribedThread,
    JsonSchema,
)
from delegate_mcp.tools.row import ToolRow


async def delegate(
    ctx: ToolContext,
    *,
    prompt: DescribedPrompt,
    task_type: Annotated[str, Field(description="auto, quick, coding, code_review, research (web), …")] = "auto",
    model: Annotated[str | None, Field(description="Force one, as in models://catalog")] = None,
    files: DescribedFiles = None,
    save_to: DescribedSaveTo = None,
    json_schema: JsonSchema = None,
    thread: DescribedThread = None,
    on_limit: DescribedOnLimit = "degrade",
) -> CallToolResult:
    """Ask for any task type, of any model."""
    return await hand_over(
        ctx,
        tool="delegate",
        task_type=task_type,
        model=model,
        prompt=prompt,
        files=tuple(files or ()),
        save_to=save_to,
        json_schema=json_schema,
        thread=thread,
        on_limit=on_limit,
    )


ROW = ToolRow(
    run=delegate,
    title="Delegate",
    description="Hand any job to a free or cheap model chosen for it. All delegate_* tools share these parameters.",
)
