"""`budget://current`: what is left of every quota, what was used, and what it saved."""

from typing import TYPE_CHECKING, Any

from delegate_mcp.holder import CONNECTION
from delegate_mcp.resources.row import ResourceRow

if TYPE_CHECKING:
    from delegate_mcp.app import App


async def _read(app: "App") -> dict[str, Any]:
    return await app.budget(CONNECTION.get())


ROW = ResourceRow(
    uri="budget://current",
    name="budget",
    description="Quota left by provider and model, use by tier, cost and net savings.",
    read=_read,
)
