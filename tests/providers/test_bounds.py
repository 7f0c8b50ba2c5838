"""Bodies without end: however a service's client reads them, no more is taken than is of use."""

from collections.abc import AsyncIterator

import httpx
import pytest

from delegate_mcp.domain.brief import Message
from delegate_mcp.domain.errors import ErrorKind, ProviderError
from delegate_mcp.providers.base import Ask, Provider
from delegate_mcp.providers.gemini import GeminiProvider
from delegate_mcp.providers.groq import GroqProvider
from delegate_mcp.providers.openai_compatible import OpenAICompatibleProvider
from delegate_mcp.providers.registry import BY_NAME
from delegate_mcp.providers.streaming import LONGEST
from tests.fakes.openai_service import OpenAIService

ASK = Ask(model="m", messages=(Message("user", "Hello"),))
PIECE = b"x" * 65_536


class Endless(httpx.AsyncByteStream):
    """A body that never pauses and does not end before all of it was too much."""

    def __init__(self) -> None:
        self.taken = 0
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self.taken < 4 * LONGEST:
            self.taken += len(PIECE)
            yield PIECE

    async def aclose(self) -> None:
        self.closed = True


def provider(wire: str, service: OpenAIService) -> Provider:
    match wire:
        case "groq":
            return GroqProvider(BY_NAME["groq"], base_url="https://x.test", api_key="k", transport=service)
        case "gemini":
            return GeminiProvider(BY_NAME["gemini"], base_url="https://x.test", api_key="k", transport=service)
        case _:
            row = BY_NAME["mistral"]
            return OpenAICompatibleProvider(row, base_url="https://x.test", api_key="k", transport=service)


async def ended(wire: str, status: int, content_type: str) -> tuple[ErrorKind, Endless]:
    body = Endless()
    service = OpenAIService(httpx.Response(status, headers={"content-type": content_type}, stream=body))
    asked = provider(wire, service)
    with pytest.raises(ProviderError) as caught:
        await asked.complete(ASK, lambda _: None)
    await asked.aclose()
    return caught.value.kind, body


@pytest.mark.parametrize("wire", ["groq", "gemini", "openai"])
async def test_of_an_errors_body_only_the_beginning_is_read(wire: str) -> None:
    kind, body = await ended(wire, 500, "application/json")
    assert kind is ErrorKind.OVERLOADED
    assert body.taken <= 2 * len(PIECE)
    assert body.closed


@pytest.mark.parametrize("content_type", ["text/event-stream", "application/json"])
@pytest.mark.parametrize("wire", ["groq", "gemini", "openai"])
async def test_an_answer_without_end_is_a_bad_answer(wire: str, content_type: str) -> None:
    kind, body = await ended(wire, 200, content_type)
    assert kind is ErrorKind.BAD_ANSWER
    assert body.taken <= LONGEST + 2 * len(PIECE)
    assert body.closed
