"""The report as a page with plots: in a browser on this machine, and as an MCP App in hosts that show one."""

PAGE_URI = "ui://delegate/budget"
LINK = {"ui": {"resourceUri": PAGE_URI}}
"""The `_meta` by which a host finds the page of what it shows; no model reads it."""
