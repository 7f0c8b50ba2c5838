"""`budget://current`: what is left of every quota, what was used, and what it saved."""

from typing import Any

from delegate_mcp.dashboard import LINK
from delegate_mcp.holder import CONNECTION, AppHolder
from delegate_mcp.resources.row import ResourceRow


async def _read(holder: AppHolder) -> dict[str, Any]:
    return await (await holder.app()).budget(CONNECTION.get())


ROW = ResourceRow(
    uri="budget://current",
    name="budget",
    description="Quota left by provider and model, use by tier, cost and net savings.",
    read=_read,
    meta=LINK,
)
