"""A provider whose service tells of its account's quota on a page of its own: asked now and then, beside an answer."""

import time
from collections.abc import Callable
from dataclasses import replace

from delegate_mcp.domain.listed import ListedModel
from delegate_mcp.domain.outcome import Completion
from delegate_mcp.providers.base import Ask, Report
from delegate_mcp.providers.openai_compatible import OpenAICompatibleProvider

EVERY_S = 600.0
"""The page costs a request, and other programs' use of the account shows no sooner."""


class QuotaAwareProvider:
    """The provider itself, with what the page tells among the limits of an answer."""

    def __init__(self, inner: OpenAICompatibleProvider, clock: Callable[[], float] = time.monotonic) -> None:
        self._inner = inner
        self._clock = clock
        self._next = clock()

    @property
    def name(self) -> str:
        """The registry row's name."""
        return self._inner.name

    async def complete(self, ask: Ask, report: Report) -> Completion:
        """Answer once."""
        completion = await self._inner.complete(ask, report)
        if self._clock() < self._next:
            return completion
        self._next = self._clock() + EVERY_S
        return replace(completion, rate_limits=(*completion.rate_limits, *await self._inner.quota()))

    async def list_models(self) -> tuple[ListedModel, ...]:
        """What the service offers right now."""
        return await self._inner.list_models()

    async def aclose(self) -> None:
        """Close connections."""
        await self._inner.aclose()
