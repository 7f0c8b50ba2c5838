"""`models://catalog`: what is usable now, and why the rest is not."""

from typing import TYPE_CHECKING, Any

from delegate_mcp.resources.row import ResourceRow

if TYPE_CHECKING:
    from delegate_mcp.app import App


async def _read(app: "App") -> dict[str, Any]:
    return await app.models()


ROW = ResourceRow(
    uri="models://catalog",
    name="models",
    description="Usable models by provider, roles and aliases; for the others, why not and what to do.",
    read=_read,
)
