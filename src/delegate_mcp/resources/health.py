"""`models://health`: how each provider and model has fared lately."""

from typing import Any

from delegate_mcp.holder import AppHolder
from delegate_mcp.resources.row import ResourceRow


async def _read(holder: AppHolder) -> dict[str, Any]:
    return await (await holder.app()).models_health()


ROW = ResourceRow(
    uri="models://health",
    name="health",
    description="State, last success, latency and speed by provider and model; age of their lists.",
    read=_read,
)
