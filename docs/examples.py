"""Examples that the pages show, made by running the code: nothing in them is typed by hand."""

from delegate_mcp.catalog.catalog import load_catalog
from delegate_mcp.cli.route import explained, shown
from delegate_mcp.domain.availability import Availability, ProviderState
from delegate_mcp.domain.brief import Brief, Message
from delegate_mcp.domain.request import DelegateRequest
from delegate_mcp.ledger.base import LedgerSnapshot
from delegate_mcp.providers.registry import PROVIDERS
from delegate_mcp.routing.known import Known
from delegate_mcp.routing.planner import draft
from delegate_mcp.routing.rules import load_rules

PROMPT = """Review this diff for race conditions:

diff --git a/queue.py b/queue.py
--- a/queue.py
+++ b/queue.py
@@ -8,6 +8,7 @@ def take(self):
-        with self.lock: return self.items.pop()
+        if self.items: return self.items.pop()
"""
SET_UP = ("groq", "gemini", "claude")
SERVED = {"ollama": ("qwen3-coder:30b", "llama3.2:3b")}


def route() -> str:
    """The prompt, and what `route --explain` says of it where that is set up."""
    states = {
        row.name: ProviderState(
            name=row.name,
            usable=row.name in (*SET_UP, *SERVED),
            why="not installed" if row.wire == "cli" else "not running" if row.local else "no key",
            models=SERVED.get(row.name),
        )
        for row in PROVIDERS
    }
    known = Known(
        catalog=load_catalog(), availability=Availability(states), snapshot=LedgerSnapshot(taken_at=1_795_000_000.0)
    )
    brief = Brief(messages=(Message("user", PROMPT),), prompt=PROMPT, input_tokens=120)
    plan = draft(brief, DelegateRequest(prompt=PROMPT), rules=load_rules(), known=known)
    return f"```text\n{PROMPT}```\n\n```text\n{shown(plan)}\n\n{explained(plan)}\n```"
