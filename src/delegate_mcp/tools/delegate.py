"""`delegate`: any task type; the tool in which the shared parameters are described."""

from delegate_mcp.tools.delegating import delegating
from delegate_mcp.tools.row import ToolRow

ROW = ToolRow(
    run=delegating("delegate"),
    title="Delegate",
    description="Hand any job to a free or cheap model chosen for it. All delegate_* tools share these parameters.",
)
