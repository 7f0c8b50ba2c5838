"""A provider that answers as a test tells it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import anyio

from delegate_mcp.domain.errors import ErrorKind, ProviderError
from delegate_mcp.domain.listed import ListedModel
from delegate_mcp.domain.outcome import Completion
from delegate_mcp.domain.usage import Usage
from delegate_mcp.providers.base import Ask, Report

Handler = Callable[[Ask, Report], Awaitable[Completion]]


def answers(text: str, usage: Usage = Usage(10, 5)) -> Handler:
    async def answer(_: Ask, report: Report) -> Completion:
        report(1)
        return Completion(text=text, finish_reason="stop", usage=usage)

    return answer


def fails(kind: ErrorKind, *, retry_after_s: float | None = None) -> Handler:
    async def answer(_: Ask, _report: Report) -> Completion:
        raise ProviderError(kind, f"made up {kind}", retry_after_s=retry_after_s)

    return answer


@dataclass(slots=True)
class Silent:
    """Says nothing until it is let go; knows when it was asked and when it was given up."""

    text: str = "late"
    words: int = 0
    asked: anyio.Event = field(default_factory=anyio.Event)
    go_on: anyio.Event = field(default_factory=anyio.Event)
    given_up: anyio.Event = field(default_factory=anyio.Event)

    async def __call__(self, ask: Ask, report: Report) -> Completion:
        self.asked.set()
        if self.words:
            report(self.words)
        try:
            await self.go_on.wait()
        except anyio.get_cancelled_exc_class():
            self.given_up.set()
            raise
        report(1)
        return Completion(text=self.text, finish_reason="stop", usage=Usage(10, 5))


@dataclass(slots=True)
class FakeProvider:
    """Its handlers in order, the last again and again."""

    name: str
    handlers: list[Handler]
    asks: list[Ask] = field(default_factory=list[Ask])

    async def complete(self, ask: Ask, report: Report) -> Completion:
        self.asks.append(ask)
        handler = self.handlers.pop(0) if len(self.handlers) > 1 else self.handlers[0]
        return await handler(ask, report)

    async def list_models(self) -> tuple[ListedModel, ...]:
        return ()

    async def aclose(self) -> None:
        """Nothing to close."""
