"""`models://catalog`: what is usable now, and why the rest is not."""

from typing import Any

from delegate_mcp.holder import AppHolder
from delegate_mcp.resources.row import ResourceRow


async def _read(holder: AppHolder) -> dict[str, Any]:
    return await (await holder.app()).models()


ROW = ResourceRow(
    uri="models://catalog",
    name="models",
    description="Usable models by provider, roles and aliases; for the others, why not and what to do.",
    read=_read,
)
