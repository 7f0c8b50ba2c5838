"""What services tell of an account's quota where they are asked for it; pure.

To add a service: give its registry row a `quota_path`, and put the reader of that answer into `READERS`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from delegate_mcp.domain.usage import RateLimit
from delegate_mcp.providers.json_view import mapping

SOURCE = "account"
"""Where a limit of these was learned, as `budget://current` shows it."""


def quota_of(provider: str, body: object) -> tuple[RateLimit, ...]:
    """The limits that the answer of that service tells; empty where it tells none."""
    read = READERS.get(provider)
    return read(body) if read is not None else ()


def _openrouter(body: object) -> tuple[RateLimit, ...]:
    """`free_model_daily_requests`: all `:free` models together, by the UTC day. Its `rate_limit` means nothing now."""
    free = mapping(mapping(mapping(body).get("data")).get("free_model_daily_requests"))
    limit, remaining = _whole(free.get("limit")), _whole(free.get("remaining"))
    if limit is None:
        return ()
    return (RateLimit("requests", "day", limit, remaining, source=SOURCE, scope="account"),)


def _whole(value: object) -> int | None:
    """A count, or None where there is none."""
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 else None


READERS: Mapping[str, Callable[[object], tuple[RateLimit, ...]]] = MappingProxyType({"openrouter": _openrouter})
"""How each service's answer is read."""
