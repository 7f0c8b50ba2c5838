"""`ui://delegate/budget`: the dashboard's page as an MCP App, and `dashboard://{period}`, which that page reads.

The page asks its host to read that resource. A tool for it, even one that only the page may call, would stand in
`tools/list`; a resource costs the director nothing.
"""

from typing import Any

from mcp.server.apps import APP_MIME_TYPE

from delegate_mcp.dashboard import PAGE_URI
from delegate_mcp.holder import CONNECTION, AppHolder
from delegate_mcp.resources.row import PeriodRow, ResourceRow


async def _page(_: AppHolder) -> str:
    from delegate_mcp.dashboard.page import page

    return page().html


async def _data(holder: AppHolder, period: str) -> dict[str, Any]:
    from delegate_mcp.dashboard.data import dashboard_data

    return await dashboard_data(await holder.app(), period, CONNECTION.get())


ROW = ResourceRow(
    uri=PAGE_URI,
    name="budget page",
    description="The same and the report as a page with plots, for hosts that show MCP Apps.",
    read=_page,
    mime_type=APP_MIME_TYPE,
    meta={"ui": {"csp": {}, "prefersBorder": True}},
)
DATA = PeriodRow(
    uri="dashboard://{period}",
    name="dashboard",
    description="What the budget page plots of today, 7d, 30d, 90d or all.",
    read=_data,
)
