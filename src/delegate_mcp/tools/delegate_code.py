"""`delegate_code`: code goes to a file, or changes files."""

from delegate_mcp.tools.delegating import delegating
from delegate_mcp.tools.row import ToolRow

ROW = ToolRow(
    run=delegating("delegate_code", "coding"),
    title="Code",
    description="Write, change or debug code: save_to a new file, or edit.",
    lists=("prompt", "files", "save_to", "edit", "edit_in", "check", "thread"),
    edits=True,
)
