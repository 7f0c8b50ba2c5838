"""delegate-mcp: a director model decides and checks; free and cheap inference does the work.

As a library: `from delegate_mcp import open_app`, see `delegate_mcp.library`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from delegate_mcp.library import Answer, Delegation, Orchestration, open_app

__version__ = "0.1.0"
__all__ = ["Answer", "Delegation", "Orchestration", "__version__", "open_app"]


def __getattr__(name: str) -> Any:
    """The library's names, loaded at first use: the server starts without them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from delegate_mcp import library

    return getattr(library, name)
