"""Every resource. To add one: a file with its ROW, and a line here."""

from delegate_mcp.resources import budget, budget_page, catalog, health, recommend
from delegate_mcp.resources.row import PeriodRow, ResourceRow

RESOURCES: tuple[ResourceRow, ...] = (budget.ROW, catalog.ROW, health.ROW)
PAGES: tuple[ResourceRow, ...] = (budget_page.ROW,)
"""MCP Apps."""
PERIODS: tuple[PeriodRow, ...] = (budget_page.DATA,)
"""Those that exist once for each period."""
RECOMMEND = recommend.ROW
"""The one with a task in its URI."""
