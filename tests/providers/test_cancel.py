"""A cancel reaches the socket, whichever client holds it."""

import anyio
import httpx
import pytest

from delegate_mcp.domain.brief import Message
from delegate_mcp.providers.base import Ask, Provider
from delegate_mcp.providers.gemini import GeminiProvider
from delegate_mcp.providers.groq import GroqProvider
from delegate_mcp.providers.openai_compatible import OpenAICompatibleProvider
from delegate_mcp.providers.registry import BY_NAME
from tests.fakes import gemini_service
from tests.fakes.openai_service import OpenAIService, Pieces, chunk, event

ASK = Ask(model="m", messages=(Message("user", "Hello"),))


def silent_after(first: bytes) -> tuple[Pieces, OpenAIService]:
    body = Pieces(first, then_silence=True)
    return body, OpenAIService(httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=body))


@pytest.mark.parametrize("wire", ["groq", "gemini", "openai"])
async def test_a_cancel_closes_the_connection(wire: str) -> None:
    first = gemini_service.framed(gemini_service.piece("The")) if wire == "gemini" else event(chunk("The"))
    body, service = silent_after(first)
    asked: Provider
    match wire:
        case "groq":
            asked = GroqProvider(BY_NAME["groq"], base_url="https://x.test", api_key="k", transport=service)
        case "gemini":
            asked = GeminiProvider(BY_NAME["gemini"], base_url="https://x.test", api_key="k", transport=service)
        case _:
            asked = OpenAICompatibleProvider(
                BY_NAME["mistral"], base_url="https://x.test", api_key="k", transport=service
            )
    begun = anyio.Event()

    def report(tokens: int) -> None:
        begun.set()

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(asked.complete, ASK, report)
            await begun.wait()
            assert not body.closed
            tasks.cancel_scope.cancel()
    assert body.closed
