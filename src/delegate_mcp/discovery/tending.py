"""The background of a server: asks for lists whose time has come, and looks whether a service that failed is back."""

import logging
from collections.abc import Awaitable, Callable

from delegate_mcp.discovery.lists import ModelLists
from delegate_mcp.domain.availability import Availability
from delegate_mcp.domain.errors import DelegateError
from delegate_mcp.ledger.snapshot import LedgerSnapshot

logger = logging.getLogger(__name__)

FIRST_S, EVERY_S = 1.0, 60.0
"""A server's first call is not to wait for lists; from then on it looks so often whether one is due."""


async def tend(
    lists: ModelLists,
    *,
    look: Callable[[], Awaitable[Availability]],
    snapshot: Callable[[], Awaitable[LedgerSnapshot]],
    sleep: Callable[[float], Awaitable[None]],
) -> None:
    """Go on until cancelled, from the first call that may leave this machine. A ledger that is away ends nothing."""
    await lists.wanted.wait()
    pause_s = FIRST_S
    while True:
        await sleep(pause_s)
        pause_s = EVERY_S
        try:
            failing = frozenset(breaker.provider for breaker in (await snapshot()).breakers)
            await lists.refresh(await look(), failing)
        except DelegateError as error:
            logger.info("The lists of models are looked at later: %s", error)
