"""The price list, loaded once, beside the first call and not before it."""

import logging
from typing import NoReturn

import anyio
from anyio.abc import TaskGroup

from delegate_mcp.catalog.prices import Prices, load_prices
from delegate_mcp.domain.usage import Usage

logger = logging.getLogger(__name__)


class PriceList:
    """Gives the prices to whoever asks; the first who asks loads them."""

    def __init__(self) -> None:
        self._prices: Prices | None = None
        self._lock = anyio.Lock()

    def load_soon(self, tasks: TaskGroup) -> None:
        """Begin loading in the background where nobody has."""
        if self._prices is None and not self._lock.locked():
            tasks.start_soon(self.get)

    async def get(self) -> Prices:
        """The prices; a list that cannot be loaded knows no model, which costs nobody an answer."""
        if self._prices is None:
            async with self._lock:
                if self._prices is None:
                    try:
                        self._prices = await load_prices()
                    except Exception:
                        logger.exception("The price list cannot be loaded; savings are not counted.")
                        self._prices = Prices(_unknown)
        return self._prices


def _unknown(model_ref: str, _usage: Usage, _provider: str | None) -> NoReturn:
    raise LookupError(model_ref)
