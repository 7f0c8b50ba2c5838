"""delegate-mcp: a director model decides and checks; free and cheap inference does the work."""

__version__ = "0.1.0"
