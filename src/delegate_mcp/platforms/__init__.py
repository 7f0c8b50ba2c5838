"""What differs between Linux, macOS and Windows: user directories, private files, programs, processes.

`posix` and `windows` hold the same functions, each as its systems know them; the other modules are what the rest of
the code asks for. Imported when the server starts, so it loads nothing that answering `initialize` does not need.
"""

from delegate_mcp.platforms.files import FileLock, only_ours, private_dir, write_private
from delegate_mcp.platforms.places import cache_dir, has_screen, home_dir, runtime_dir
from delegate_mcp.platforms.processes import (
    detach,
    end_group,
    end_pid,
    end_process,
    limit_own_memory,
    pid_alive,
    process_started,
    start_detached,
    start_process,
    termination_signals,
)
from delegate_mcp.platforms.programs import find_program, shim_target

__all__ = [
    "FileLock",
    "cache_dir",
    "detach",
    "end_group",
    "end_pid",
    "end_process",
    "find_program",
    "has_screen",
    "home_dir",
    "limit_own_memory",
    "only_ours",
    "pid_alive",
    "private_dir",
    "process_started",
    "runtime_dir",
    "shim_target",
    "start_detached",
    "start_process",
    "termination_signals",
    "write_private",
]
