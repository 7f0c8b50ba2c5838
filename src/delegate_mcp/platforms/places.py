"""Where our files stand, and whether there is a screen to show a page on."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

APP = "delegate-mcp"


def home_dir(environ: Mapping[str, str]) -> Path:
    """Where the ledger, results and the settings file stand: DELEGATE_MCP_HOME, else the user's data directory."""
    if named := environ.get("DELEGATE_MCP_HOME", "").strip():
        return Path(named).expanduser().absolute()
    import platformdirs

    return platformdirs.user_data_path(APP, appauthor=False)


def cache_dir(environ: Mapping[str, str]) -> Path:
    """What can be fetched again (the embedded model): DELEGATE_MCP_CACHE, else `cache` in DELEGATE_MCP_HOME."""
    if named := environ.get("DELEGATE_MCP_CACHE", "").strip():
        return Path(named).expanduser().absolute()
    if environ.get("DELEGATE_MCP_HOME", "").strip():
        return home_dir(environ) / "cache"
    import platformdirs

    return platformdirs.user_cache_path(APP, appauthor=False)


def runtime_dir(environ: Mapping[str, str]) -> Path:
    """Where what runs right now is found: `run` in DELEGATE_MCP_HOME, else the user's runtime directory.

    Hosts of MCP servers pass few variables on, so XDG_RUNTIME_DIR's usual place is looked at too; /tmp never is,
    where anybody could have made the directory first.
    """
    if environ.get("DELEGATE_MCP_HOME", "").strip():
        return home_dir(environ) / "run"
    if sys.platform == "linux":
        for place in (environ.get("XDG_RUNTIME_DIR", "").strip(), f"/run/user/{os.getuid()}"):
            if place and os.access(place, os.W_OK):
                return Path(place) / APP
    return cache_dir(environ) / "run"


def has_screen(environ: Mapping[str, str]) -> bool:
    """Whether a browser would open a window; where it would not, one in the terminal might start instead."""
    if sys.platform in {"win32", "darwin"}:
        return True
    return any(environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
