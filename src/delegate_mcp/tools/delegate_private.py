"""`delegate_private`: local models only, whatever else is asked."""

from delegate_mcp.tools.delegating import MOST_USED, delegating
from delegate_mcp.tools.row import ToolRow

ROW = ToolRow(
    run=delegating("delegate_private", "private"),
    title="Private",
    description="Confidential or personal data: runs on this machine only, never in a cloud.",
    lists=MOST_USED,
    open_world=False,
)
