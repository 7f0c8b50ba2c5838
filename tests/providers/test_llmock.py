"""The three clients against `llmock`, a stand-in for these services that others wrote, run as a real process."""

from collections.abc import Iterator
from typing import Any

import pytest

from delegate_mcp.domain.brief import Message
from delegate_mcp.domain.errors import ErrorKind, ProviderError
from delegate_mcp.providers.base import Ask, Provider
from delegate_mcp.providers.gemini import GeminiProvider
from delegate_mcp.providers.groq import GroqProvider
from delegate_mcp.providers.openai_compatible import OpenAICompatibleProvider
from delegate_mcp.providers.registry import BY_NAME
from tests.fakes.llmock import Llmock

SERVICES = ("groq", "gemini", "openai")
ASK = Ask(model="some-model", messages=(Message("user", "Say something about the Louvre."),))


@pytest.fixture(scope="module")
def llmock() -> Iterator[Llmock]:
    with Llmock() as running:
        yield running


def provider(service: str, llmock: Llmock) -> Provider:
    match service:
        case "groq":
            return GroqProvider(BY_NAME["groq"], base_url=f"{llmock.url}/groq", api_key="key")
        case "gemini":
            return GeminiProvider(BY_NAME["gemini"], base_url=f"{llmock.url}/gemini/v1beta", api_key="key")
        case _:
            return OpenAICompatibleProvider(BY_NAME["openai"], base_url=f"{llmock.url}/v1", api_key="key")


async def failure(service: str, llmock: Llmock, **behavior: Any) -> ProviderError:
    llmock.script(**behavior)
    asked = provider(service, llmock)
    with pytest.raises(ProviderError) as caught:
        await asked.complete(ASK, lambda _: None)
    await asked.aclose()
    verdict = llmock.verdict()
    assert (verdict["calls"], verdict["attempts"], verdict["faults_injected"]) == (1, 1, 1)
    return caught.value


@pytest.mark.parametrize("service", SERVICES)
async def test_an_answer_comes_with_usage_over_a_connection_that_is_kept(service: str, llmock: Llmock) -> None:
    llmock.script(type="reply", text="Paris.", times=2)
    asked = provider(service, llmock)
    told: list[int] = []
    for _ in range(2):
        answer = await asked.complete(ASK, told.append)
        assert answer.text == "Paris."
        assert answer.finish_reason == "stop"
        assert answer.usage.output_tokens > 0
    assert told
    await asked.aclose()


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, ErrorKind.AUTH),
        (429, ErrorKind.RATE_LIMITED),
        (500, ErrorKind.OVERLOADED),
        (503, ErrorKind.OVERLOADED),
    ],
)
async def test_a_failure_is_classified_and_not_tried_again(
    service: str, status: int, kind: ErrorKind, llmock: Llmock
) -> None:
    error = await failure(service, llmock, type="fail", status=status, retry_after=3)
    assert (error.kind, error.status) == (kind, status)
    if kind is ErrorKind.RATE_LIMITED:
        assert error.retry_after_s == 3.0


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("truncate", ErrorKind.BAD_ANSWER),
        ("disconnect", ErrorKind.NETWORK),
        ("malformed", ErrorKind.BAD_ANSWER),
    ],
)
async def test_a_broken_stream_is_never_taken_for_an_answer(
    service: str, fault: str, kind: ErrorKind, llmock: Llmock
) -> None:
    error = await failure(service, llmock, type="stream_fault", kind=fault, after_chunks=2)
    assert error.kind is kind


@pytest.mark.parametrize("service", SERVICES)
async def test_models_are_listed(service: str, llmock: Llmock) -> None:
    asked = provider(service, llmock)
    assert await asked.list_models()
    await asked.aclose()


async def test_a_service_that_is_not_there_is_a_network_error(llmock: Llmock) -> None:
    nobody = OpenAICompatibleProvider(BY_NAME["ollama"], base_url="http://127.0.0.1:9/v1", api_key=None)
    with pytest.raises(ProviderError) as caught:
        await nobody.complete(ASK, lambda _: None)
    assert caught.value.kind is ErrorKind.NETWORK
    await nobody.aclose()
