"""What a host tells its model of us before the first call, schemas and instructions, counted once a connection.

An upper bound: a host may show a tool's schema only when its model looks for it.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable

from delegate_mcp.domain.usage import estimate_tokens

MOST_CONNECTIONS = 10_000
"""Of more, the oldest are forgotten, and counted again should they call once more."""


class Listing:
    """Gives its tokens to the first call of each connection."""

    def __init__(self) -> None:
        self._texts: Callable[[], Iterable[str]] = tuple
        self._tokens: int | None = None
        self._told: OrderedDict[str, None] = OrderedDict()

    def consists_of(self, texts: Callable[[], Iterable[str]]) -> None:
        """`texts` gives what is told; it is asked at the first call, not before."""
        self._texts, self._tokens = texts, None

    def tokens_for(self, connection: str) -> int:
        """Its tokens at the connection's first call, then 0."""
        if connection in self._told:
            return 0
        self._told[connection] = None
        if len(self._told) > MOST_CONNECTIONS:
            self._told.popitem(last=False)
        if self._tokens is None:
            self._tokens = sum(estimate_tokens(text) for text in self._texts())
        return self._tokens
