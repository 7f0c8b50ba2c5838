"""What the ledgers ask of their database: statements by name, the same names with the same values in either SQL."""

import platform
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Protocol

UNLEASED_S = 3600.0
"""So long a call without a lease may be under way (planning, waiting for room) while its process lives."""
SERVER_ENDED = "its server ended"
HOUR_S = 3600
"""Use is summed up by the hour."""


class Rows(Protocol):
    """What a statement found; columns by their names."""

    def fetchone(self) -> Any:
        """The next row, or None."""
        ...

    def __iter__(self) -> Iterator[Any]: ...


class Statements(Protocol):
    """The statements of one transaction."""

    def send(self, name: str, values: Mapping[str, Any], /) -> Rows:
        """Send that statement; its rows may come only when they are asked for, so send first and read then."""
        ...


@cache
def this_machine() -> str:
    """Its name: a process id says something only where it was given."""
    return platform.node()
