"""The background of a server: asks for lists whose time has come, and looks whether a service that failed is back."""

import logging
from collections.abc import Awaitable, Callable

from delegate_mcp.discovery.lists import ModelLists
from delegate_mcp.domain.availability import Availability
from delegate_mcp.domain.errors import DelegateError
from delegate_mcp.ledger.health import failing_since
from delegate_mcp.ledger.snapshot import LedgerSnapshot, OpenBreaker

logger = logging.getLogger(__name__)

FIRST_S, EVERY_S = 1.0, 60.0
"""A server's first call is not to wait for lists; from then on it looks so often whether one is due."""


async def tend(
    lists: ModelLists,
    *,
    look: Callable[[], Awaitable[Availability]],
    snapshot: Callable[[], Awaitable[LedgerSnapshot]],
    half_open: Callable[[OpenBreaker], Awaitable[object]],
    sleep: Callable[[float], Awaitable[None]],
) -> None:
    """Go on until cancelled, from the first call that may leave this machine. A ledger that is away ends nothing."""
    await lists.wanted.wait()
    pause_s = FIRST_S
    while True:
        await sleep(pause_s)
        pause_s = EVERY_S
        try:
            await look_around(lists, await look(), await snapshot(), half_open)
        except DelegateError as error:
            logger.info("The lists of models are looked at later: %s", error)


async def look_around(
    lists: ModelLists,
    availability: Availability,
    snapshot: LedgerSnapshot,
    half_open: Callable[[OpenBreaker], Awaitable[object]],
    *,
    asked: bool = False,
) -> None:
    """Ask for the lists that are due; of a service that shows that it is back the breaker is half open at once.

    One call may try it then: its answer closes the breaker, its failure opens it for longer than before.
    """
    open_now = {breaker.provider: breaker for breaker in snapshot.breakers if breaker.until > snapshot.taken_at}
    failing = {name: failing_since(breaker) for name, breaker in open_now.items()}
    for name in await lists.refresh(availability, failing, asked=asked):
        await half_open(open_now[name])
