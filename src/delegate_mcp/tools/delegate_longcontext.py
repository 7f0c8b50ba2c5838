"""`delegate_longcontext`."""

from delegate_mcp.tools.delegating import delegating
from delegate_mcp.tools.row import ToolRow

ROW = ToolRow(
    run=delegating("delegate_longcontext", "long_context"),
    title="Long context",
    description="Input beyond 30k tokens: large files, logs, books.",
    lists=("prompt", "files", "save_to"),
)
