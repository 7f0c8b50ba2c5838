"""A cancel reaches the socket, whichever client holds it."""

import anyio
import anyio.abc
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


async def test_a_cancel_within_the_tls_handshake_closes_the_connection() -> None:
    said_hello, hung_up = anyio.Event(), anyio.Event()

    def report(tokens: int) -> None:
        """Nothing is ever told."""

    async def say_nothing(connection: anyio.abc.SocketStream) -> None:
        async with connection:
            async for _ in connection:
                said_hello.set()
        hung_up.set()

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        port = listener.extra(anyio.abc.SocketAttribute.local_port)  # noqa: S610 - not Django
        address = f"https://127.0.0.1:{port}/v1"
        asked = OpenAICompatibleProvider(BY_NAME["mistral"], base_url=address, api_key="k")
        with anyio.fail_after(10):
            async with anyio.create_task_group() as serving:
                serving.start_soon(listener.serve, say_nothing)
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(asked.complete, ASK, report)
                    await said_hello.wait()
                    tasks.cancel_scope.cancel()
                await hung_up.wait()
                serving.cancel_scope.cancel()
        await asked.aclose()
