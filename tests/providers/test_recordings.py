"""Real answers of real services, replayed through the real SDKs and our own client."""

from decimal import Decimal
from typing import Any

import pytest

from delegate_mcp.domain.brief import Message
from delegate_mcp.domain.errors import ErrorKind, ProviderError
from delegate_mcp.domain.outcome import Completion
from delegate_mcp.domain.usage import RateLimit, Usage
from delegate_mcp.providers.base import Ask, Provider
from delegate_mcp.providers.gemini import GeminiProvider
from delegate_mcp.providers.groq import GroqProvider
from delegate_mcp.providers.openai_compatible import OpenAICompatibleProvider
from delegate_mcp.providers.registry import BY_NAME
from tests.fakes.recordings import Cassette, cassette

HF_TOGETHER = "https://router.huggingface.co/together/v1"


def provider(name: str, tape: Cassette, base_url: str | None = None) -> Provider:
    row = BY_NAME[name]
    address: dict[str, Any] = {"base_url": base_url or row.base_url, "api_key": "key", "transport": tape}
    match row.wire:
        case "groq":
            return GroqProvider(row, **address)
        case "gemini":
            return GeminiProvider(row, **address)
        case _:
            return OpenAICompatibleProvider(row, **address)


async def replayed(name: str, recording: str, *, model: str = "m", base_url: str | None = None) -> Completion:
    asked = provider(name, cassette(f"{name}/{recording}.yaml"), base_url)
    return await asked.complete(Ask(model=model, messages=(Message("user", "Hello"),)), lambda _: None)


async def failed(name: str, recording: str, *, model: str = "m") -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await replayed(name, recording, model=model)
    return caught.value


async def test_groqs_answer_comes_with_its_limits() -> None:
    answer = await replayed("groq", "openllmetry_test_chat_legacy")
    assert answer.text.startswith("Here's a joke about OpenTelemetry")
    assert answer.finish_reason == "stop"
    assert answer.usage == Usage(18, 43)
    assert answer.rate_limits == (
        RateLimit("requests", "day", 14400, 14398, 10.332999999),
        RateLimit("tokens", "minute", 30000, 29987, 0.026),
    )


async def test_groqs_stream_is_put_together() -> None:
    answer = await replayed("groq", "openllmetry_test_chat_streaming_legacy")
    assert answer.text.startswith("A joke about OpenTelemetry!\n\nWhy")
    assert answer.usage == Usage(18, 73)
    assert [limit.period for limit in answer.rate_limits] == ["day", "minute"]


async def test_groqs_thinking_is_dropped() -> None:
    answer = await replayed("groq", "pydantic_ai_test_groq_model_thinking_part")
    assert "<think>" not in answer.text
    assert "alfajores" in answer.text.lower()


async def test_groqs_missing_model_is_gone() -> None:
    error = await failed("groq", "pydantic_ai_test_tool_regular_error")
    assert (error.kind, error.status) == (ErrorKind.MODEL_GONE, 404)
    assert "non-existent" in str(error)


@pytest.mark.parametrize("name", ["tool_use_failed_error", "tool_use_failed_error_with_text"])
async def test_groqs_failed_tool_use_is_a_bad_answer(name: str) -> None:
    error = await failed("groq", f"pydantic_ai_test_{name}")
    assert (error.kind, error.status) == (ErrorKind.BAD_ANSWER, 400)
    assert "foo" not in str(error)


async def test_geminis_stream_is_put_together() -> None:
    answer = await replayed("gemini", "pydantic_ai_test_google_model_stream", model="gemini-2.0-flash-exp")
    assert (answer.text, answer.finish_reason) == ("The capital of France is Paris.", "stop")
    assert (answer.usage, answer.model) == (Usage(13, 8), "gemini-2.0-flash-exp")


async def test_geminis_thoughts_are_counted_and_left_out() -> None:
    answer = await replayed(
        "gemini", "pydantic_ai_test_google_stream_usage_is_live_mid_stream", model="gemini-2.5-flash"
    )
    assert answer.text.split() == [str(number) for number in range(1, 31)]
    assert answer.usage == Usage(18, 115)
    thinking = await replayed("gemini", "pydantic_ai_test_google_model_thinking_part", model="gemini-3-pro-preview")
    assert not thinking.text.startswith("**")


async def test_geminis_answer_at_its_limit_says_length() -> None:
    answer = await replayed("gemini", "pydantic_ai_test_google_model_max_tokens", model="gemini-2.5-flash")
    assert answer.finish_reason == "length"
    assert answer.text


async def test_geminis_limit_reached_in_thought_is_a_bad_answer() -> None:
    error = await failed(
        "gemini", "pydantic_ai_test_google_model_max_tokens_thinking_model_empty_response", model="gemini-2.5-pro"
    )
    assert error.kind is ErrorKind.BAD_ANSWER
    assert "reasoning" in str(error)
    assert error.usage == Usage(15, 2)


async def test_geminis_safety_stop_is_refused() -> None:
    error = await failed("gemini", "pydantic_ai_test_google_model_safety_settings", model="gemini-1.5-flash")
    assert error.kind is ErrorKind.REFUSED


async def test_geminis_sources_are_named() -> None:
    answer = await replayed("gemini", "pydantic_ai_test_google_model_web_search_tool", model="gemini-2.5-pro")
    assert "San Francisco" in answer.text
    assert any(source.startswith("https://vertexaisearch.cloud.google.com/") for source in answer.sources)


async def test_geminis_429_without_details_is_a_rate_limit() -> None:
    error = await failed("gemini", "crewai_429_resource_exhausted", model="gemini-2.0-flash")
    assert (error.kind, error.status, error.window) == (ErrorKind.RATE_LIMITED, 429, None)


async def test_openrouters_stream_comes_with_its_cost() -> None:
    answer = await replayed("openrouter", "pydantic_ai_test_openrouter_streaming_reasoning")
    assert answer.text.startswith("2 + 2 = 4")
    assert (answer.usage, answer.cost_usd) == (Usage(43, 36), Decimal("0.000669"))


async def test_openrouters_error_after_the_limit_in_thought_is_a_bad_answer() -> None:
    error = await failed("openrouter", "pydantic_ai_test_openrouter_stream_error")
    assert error.kind is ErrorKind.BAD_ANSWER
    assert "all 10 output tokens went into reasoning" in str(error)
    assert error.usage == Usage(43, 10)


async def test_a_limit_of_the_service_behind_openrouter_is_an_overload() -> None:
    error = await failed("openrouter", "pydantic_ai_test_openrouter_errors_raised")
    assert (error.kind, error.status) == (ErrorKind.OVERLOADED, 429)
    assert "user_" not in str(error)


async def test_mistrals_thinking_parts_are_left_out() -> None:
    answer = await replayed("mistral", "pydantic_ai_test_mistral_model_thinking_part")
    assert "river" in answer.text.lower()
    assert "Analogizing" not in answer.text


async def test_mistrals_cached_tokens_are_read() -> None:
    tape = cassette("mistral/pydantic_ai_test_mistral_history_uses_prompt_cache.yaml")
    asked = provider("mistral", tape)
    ask = Ask(model="m", messages=(Message("user", "Hello"),))
    first = await asked.complete(ask, lambda _: None)
    second = await asked.complete(ask, lambda _: None)
    assert (first.usage, second.usage) == (Usage(253, 5, 0), Usage(268, 5, 224))


async def test_hugging_faces_thinking_is_dropped_and_its_retry_after_ignored() -> None:
    answer = await replayed("huggingface", "pydantic_ai_test_hf_model_thinking_part", base_url=HF_TOGETHER)
    assert "<think>" not in answer.text
    assert answer.rate_limits == ()


async def test_a_tool_call_in_place_of_an_answer_is_a_bad_answer() -> None:
    tape = cassette("huggingface/pydantic_ai_test_request_structured_response.yaml")
    with pytest.raises(ProviderError) as caught:
        await provider("huggingface", tape, HF_TOGETHER).complete(
            Ask(model="m", messages=(Message("user", "Hello"),)), lambda _: None
        )
    assert caught.value.kind is ErrorKind.BAD_ANSWER


async def test_cerebras_answers() -> None:
    answer = await replayed("cerebras", "pydantic_ai_test_cerebras_model_simple")
    assert (answer.text, answer.usage) == ("2 + 2 = 4.", Usage(43, 9))
