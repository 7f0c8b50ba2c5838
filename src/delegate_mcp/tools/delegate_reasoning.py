"""`delegate_reasoning`."""

from delegate_mcp.tools.delegating import voting
from delegate_mcp.tools.row import ToolRow

ROW = ToolRow(
    run=voting("delegate_reasoning", "reasoning"),
    title="Reasoning",
    description="Hard thinking: maths, logic, trade-offs, plans. votes: ask so many models.",
)
