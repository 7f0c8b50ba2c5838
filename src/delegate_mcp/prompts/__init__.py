"""Every prompt. To add one: a file with its ROW, and a line here."""

from delegate_mcp.prompts import direct
from delegate_mcp.prompts.row import PromptRow

PROMPTS: tuple[PromptRow, ...] = (direct.ROW,)
