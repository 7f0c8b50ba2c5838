from dataclasses import replace

import httpx
import pytest

from delegate_mcp.domain.brief import Message
from delegate_mcp.domain.errors import ErrorKind, ProviderError
from delegate_mcp.domain.listed import ListedModel
from delegate_mcp.domain.outcome import Completion
from delegate_mcp.domain.plan import AskOptions
from delegate_mcp.domain.usage import RateLimit, Usage
from delegate_mcp.providers.base import Ask
from delegate_mcp.providers.groq import GroqProvider
from delegate_mcp.providers.registry import BY_NAME
from tests.fakes.openai_service import USAGE, OpenAIService, answering, chunk, event, failing, stream_of, streamed

ASK = Ask(model="openai/gpt-oss-20b", messages=(Message("user", "Where is the Louvre?"),))
HEADERS = {
    "x-ratelimit-limit-requests": "1000",
    "x-ratelimit-remaining-requests": "999",
    "x-ratelimit-reset-requests": "1m26.4s",
    "x-ratelimit-limit-tokens": "8000",
    "x-ratelimit-remaining-tokens": "7900",
    "x-ratelimit-reset-tokens": "750ms",
}


def provider(service: OpenAIService, base_url: str = "https://groq.test") -> GroqProvider:
    return GroqProvider(BY_NAME["groq"], base_url=base_url, api_key="gsk_test", transport=service)


async def failure(answer: httpx.Response | OpenAIService) -> ProviderError:
    service = answer if isinstance(answer, OpenAIService) else OpenAIService(answer)
    with pytest.raises(ProviderError) as caught:
        await provider(service).complete(ASK, lambda _: None)
    return caught.value


async def test_an_answer_comes_with_usage_and_the_limits_of_the_headers() -> None:
    told: list[int] = []
    answer = await provider(OpenAIService(answering("In ", "Paris.", headers=HEADERS))).complete(ASK, told.append)
    assert answer == Completion(
        text="In Paris.",
        finish_reason="stop",
        usage=Usage(12, 7),
        rate_limits=(RateLimit("requests", "day", 1000, 999, 86.4), RateLimit("tokens", "minute", 8000, 7900, 0.75)),
        model="served",
    )
    assert told == [1, 3]


@pytest.mark.parametrize("given", ["https://groq.test", "https://groq.test/", "https://groq.test/openai/v1"])
async def test_the_base_url_may_hold_what_the_sdk_appends(given: str) -> None:
    service = OpenAIService(answering("Paris"))
    await provider(service, given).complete(ASK, lambda _: None)
    assert service.requests[0].url == "https://groq.test/openai/v1/chat/completions"
    assert service.requests[0].headers["authorization"] == "Bearer gsk_test"


async def test_effort_limit_and_a_stream_with_usage_are_asked_for() -> None:
    service = OpenAIService(answering("Paris"))
    options = AskOptions(reasoning_effort="high", max_output_tokens=50, temperature=0)
    await provider(service).complete(replace(ASK, options=options), lambda _: None)
    assert service.bodies[0] == {
        "model": "openai/gpt-oss-20b",
        "messages": [{"role": "user", "content": "Where is the Louvre?"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_completion_tokens": 50,
        "temperature": 0,
        "reasoning_effort": "high",
    }
    assert service.requests[0].extensions["timeout"]["read"] is None


async def test_qwen_is_told_to_keep_its_reasoning_apart() -> None:
    service = OpenAIService(answering("Paris"))
    await provider(service).complete(replace(ASK, model="qwen/qwen3.8-27b"), lambda _: None)
    assert service.bodies[0]["reasoning_format"] == "parsed"


async def test_usage_in_groqs_own_place_is_read() -> None:
    last = {**chunk(finish="stop"), "x_groq": {"id": "req_1", "usage": USAGE}}
    answer = await provider(OpenAIService(streamed(chunk("Paris"), last, "[DONE]"))).complete(ASK, lambda _: None)
    assert answer.usage == Usage(12, 7)


@pytest.mark.parametrize("status", [429, 498, 500, 503])
async def test_a_failed_request_is_not_asked_again(status: int) -> None:
    service = OpenAIService(failing(status, {"error": {"message": "no"}}, {"retry-after": "0"}))
    error = await failure(service)
    assert error.status == status
    assert len(service.requests) == 1


async def test_a_429_keeps_its_window_and_the_limits_of_its_headers() -> None:
    message = "Rate limit reached for model `x` on tokens per minute (TPM): Limit 8000, Used 7000, Requested 2931."
    error = await failure(failing(429, {"error": {"message": message}}, {**HEADERS, "retry-after": "11.8125"}))
    assert (error.kind, error.window, error.limit, error.retry_after_s) == (
        ErrorKind.RATE_LIMITED,
        "minute",
        8000,
        11.8125,
    )
    assert [limit.source for limit in error.rate_limits] == ["header", "refusal"]


async def test_a_stream_that_just_ends_is_cut_although_the_sdk_takes_it_for_whole() -> None:
    error = await failure(streamed(chunk("The Louvre")))
    assert error.kind is ErrorKind.BAD_ANSWER
    assert "cut" in str(error)


async def test_a_stream_that_ends_early_with_a_reason_in_its_own_place_is_an_error() -> None:
    error = await failure(streamed(chunk("The"), {**chunk(), "x_groq": {"error": "over capacity"}}))
    assert error.kind is ErrorKind.OVERLOADED


async def test_a_connection_that_breaks_is_a_network_error_with_partial_usage() -> None:
    error = await failure(stream_of(event(chunk("The Louvre is")), error=httpx.ReadError("reset")))
    assert error.kind is ErrorKind.NETWORK
    assert error.usage is not None
    assert error.usage.output_tokens == 4


@pytest.mark.parametrize(
    ("raised", "kind"),
    [(httpx.ConnectError("x"), ErrorKind.NETWORK), (httpx.ConnectTimeout("x"), ErrorKind.TIMEOUT)],
)
async def test_a_connection_that_is_never_made_used_nothing(raised: Exception, kind: ErrorKind) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise raised

    service = OpenAIService(refuse)
    error = await failure(service)
    assert (error.kind, error.usage) == (kind, None)
    assert len(service.requests) == 1


async def test_models_are_listed_with_their_sizes() -> None:
    model = {"id": "openai/gpt-oss-20b", "object": "model", "created": 1, "owned_by": "OpenAI"}
    data = [{**model, "context_window": 131_072, "max_completion_tokens": 65_536}]
    service = OpenAIService(httpx.Response(200, json={"object": "list", "data": data}))
    groq = provider(service)
    assert await groq.list_models() == (
        ListedModel(model="openai/gpt-oss-20b", context_tokens=131_072, max_output_tokens=65_536, free=True),
    )
    await groq.aclose()


async def test_a_list_that_fails_is_a_provider_error() -> None:
    with pytest.raises(ProviderError) as caught:
        await provider(OpenAIService(failing(401, {"error": {"message": "no"}}))).list_models()
    assert caught.value.kind is ErrorKind.AUTH


async def test_a_list_that_cannot_be_asked_for_is_a_network_error() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    asked = provider(OpenAIService(refuse))
    with pytest.raises(ProviderError) as caught:
        await asked.list_models()
    assert caught.value.kind is ErrorKind.NETWORK
    assert asked.name == "groq"
