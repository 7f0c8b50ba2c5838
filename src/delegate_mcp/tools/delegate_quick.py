"""`delegate_quick`."""

from delegate_mcp.tools.delegating import MOST_USED, delegating
from delegate_mcp.tools.row import ToolRow

ROW = ToolRow(
    run=delegating("delegate_quick", "quick"),
    title="Quick answer",
    description="Questions, summaries, rewriting, extraction, classification.",
    lists=MOST_USED,
)
