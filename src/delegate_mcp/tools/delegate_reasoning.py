"""`delegate_reasoning`."""

from delegate_mcp.tools.delegating import MOST_USED, delegating
from delegate_mcp.tools.row import ToolRow

ROW = ToolRow(
    run=delegating("delegate_reasoning", "reasoning"),
    title="Reasoning",
    description="Hard thinking: maths, logic, trade-offs, plans.",
    lists=(*MOST_USED, "votes"),
)
