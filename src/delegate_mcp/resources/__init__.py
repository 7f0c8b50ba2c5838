"""Every resource. To add one: a file with its ROW, and a line here."""

from delegate_mcp.resources import budget, catalog
from delegate_mcp.resources.row import ResourceRow

RESOURCES: tuple[ResourceRow, ...] = (budget.ROW, catalog.ROW)
