"""Every tool, in the order in which a host lists them. To add one: a file with its ROW, and a line here."""

from delegate_mcp.tools import (
    delegate,
    delegate_batch,
    delegate_code,
    delegate_longcontext,
    delegate_private,
    delegate_quick,
    delegate_reasoning,
    delegate_result,
)
from delegate_mcp.tools.row import ToolRow

TOOLS: tuple[ToolRow, ...] = (
    delegate_quick.ROW,
    delegate_reasoning.ROW,
    delegate_code.ROW,
    delegate_longcontext.ROW,
    delegate_private.ROW,
    delegate.ROW,
    delegate_batch.ROW,
    delegate_result.ROW,
)
