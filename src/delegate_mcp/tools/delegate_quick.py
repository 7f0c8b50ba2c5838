"""`delegate_quick`."""

from delegate_mcp.tools.delegating import voting
from delegate_mcp.tools.row import ToolRow

ROW = ToolRow(
    run=voting("delegate_quick", "quick"),
    title="Quick answer",
    description="Questions, summaries, rewriting, extraction, classification.",
)
