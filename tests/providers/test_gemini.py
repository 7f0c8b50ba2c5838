from dataclasses import replace
from typing import Any

import httpx
import pytest

from delegate_mcp.domain.brief import Message
from delegate_mcp.domain.errors import ErrorKind, ProviderError
from delegate_mcp.domain.listed import ListedModel
from delegate_mcp.domain.outcome import Completion
from delegate_mcp.domain.plan import AskOptions
from delegate_mcp.domain.usage import Usage
from delegate_mcp.providers.base import Ask
from delegate_mcp.providers.gemini import GeminiProvider
from delegate_mcp.providers.registry import BY_NAME
from tests.fakes.gemini_service import GeminiService, framed, piece, quota_failure, streamed
from tests.fakes.openai_service import Pieces, failing

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
ASK = Ask(
    model="gemini-3.8-flash",
    messages=(
        Message("system", "Be brief."),
        Message("user", "Hello"),
        Message("assistant", "Hi"),
        Message("user", "Where is the Louvre?"),
    ),
)
USED = {"promptTokenCount": 12, "candidatesTokenCount": 5, "thoughtsTokenCount": 30, "cachedContentTokenCount": 8}


def provider(service: GeminiService, base_url: str = "https://gemini.test") -> GeminiProvider:
    return GeminiProvider(BY_NAME["gemini"], base_url=base_url, api_key="AIza-test", transport=service)


async def complete(answer: httpx.Response, ask: Ask = ASK) -> Completion:
    return await provider(GeminiService(answer)).complete(ask, lambda _: None)


async def failure(answer: httpx.Response, ask: Ask = ASK) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await complete(answer, ask)
    return caught.value


async def sent(ask: Ask, answer: str = "Paris") -> dict[str, Any]:
    service = GeminiService(streamed(piece(answer, finish="STOP")))
    await provider(service).complete(ask, lambda _: None)
    return service.bodies[0]


async def test_an_answer_is_put_together_without_its_thoughts() -> None:
    told: list[int] = []
    pieces = (
        piece("In ", thought="Museums…", modelVersion="gemini-3.8-flash-002"),
        piece("Paris."),
        piece(finish="STOP", usageMetadata=USED),
    )
    answer = await provider(GeminiService(streamed(*pieces))).complete(ASK, told.append)
    assert answer == Completion(
        text="In Paris.", finish_reason="stop", usage=Usage(12, 35, 8), model="gemini-3.8-flash-002"
    )
    assert told == [2, 3, 5]


async def test_system_words_and_roles_stand_where_gemini_wants_them() -> None:
    body = await sent(replace(ASK, options=AskOptions(temperature=0.3, max_output_tokens=77)))
    assert body["systemInstruction"]["parts"] == [{"text": "Be brief."}]
    assert [(turn["role"], turn["parts"][0]["text"]) for turn in body["contents"]] == [
        ("user", "Hello"),
        ("model", "Hi"),
        ("user", "Where is the Louvre?"),
    ]
    assert body["generationConfig"] == {"temperature": 0.3, "maxOutputTokens": 77}


@pytest.mark.parametrize(
    ("base_url", "path"),
    [
        ("https://gemini.test", "/v1/models"),
        ("https://gemini.test/v1beta", "/v1beta/models"),
        ("http://127.0.0.1:4020/gemini/v1beta/", "/gemini/v1beta/models"),
    ],
)
async def test_the_api_version_may_stand_in_the_base_url(base_url: str, path: str) -> None:
    service = GeminiService(streamed(piece("Paris", finish="STOP")))
    await provider(service, base_url).complete(ASK, lambda _: None)
    assert service.requests[0].url.path == f"{path}/gemini-3.8-flash:streamGenerateContent"
    assert service.requests[0].headers["x-goog-api-key"] == "AIza-test"


async def test_only_connecting_is_limited_in_time() -> None:
    service = GeminiService(streamed(piece("Paris", finish="STOP")))
    await provider(service).complete(replace(ASK, connect_timeout_s=1.5), lambda _: None)
    assert service.requests[0].extensions["timeout"] == {"connect": 1.5, "read": None, "write": None, "pool": None}
    assert "x-server-timeout" not in service.requests[0].headers


async def test_a_schema_is_native_and_words_beside_a_search() -> None:
    native = await sent(replace(ASK, json_schema=SCHEMA), "{}")
    assert native["generationConfig"]["responseMimeType"] == "application/json"
    assert native["generationConfig"]["responseJsonSchema"] == SCHEMA
    searching = await sent(replace(ASK, json_schema=SCHEMA, options=AskOptions(web_search=True)), "{}")
    assert "responseJsonSchema" not in searching["generationConfig"]
    assert '"city"' in searching["systemInstruction"]["parts"][0]["text"]
    assert searching["tools"] == [{"googleSearch": {}}]


@pytest.mark.parametrize(
    ("model", "thinking"),
    [
        ("gemini-3.8-flash", {"includethoughts": True, "thinkinglevel": "LOW"}),
        ("gemini-2.5-flash-lite", {"includethoughts": True, "thinkingbudget": 1024}),
        ("gemma-4-27b-it", {}),
    ],
)
async def test_effort_is_told_as_the_model_takes_it(model: str, thinking: object) -> None:
    body = await sent(replace(ASK, model=model, options=AskOptions(reasoning_effort="low")))
    told: dict[str, Any] = body["generationConfig"].get("thinkingConfig") or {}
    assert {name.replace("_", "").lower(): value for name, value in told.items()} == thinking  # the API takes both


async def test_a_grounded_answer_names_its_sources_once() -> None:
    chunks = [{"web": {"uri": "https://louvre.fr", "title": "Louvre"}}, {"web": {"uri": "https://paris.fr"}}]
    grounded = piece(finish="STOP")
    grounded["candidates"][0]["groundingMetadata"] = {"groundingChunks": [*chunks, chunks[0]]}
    answer = await complete(streamed(piece("Paris"), grounded))
    assert answer.sources == ("https://louvre.fr", "https://paris.fr")


async def test_what_the_search_fetched_counts_as_input() -> None:
    used = {"promptTokenCount": 32, "toolUsePromptTokenCount": 2395, "candidatesTokenCount": 41}
    assert (await complete(streamed(piece("Paris", finish="STOP", usageMetadata=used)))).usage == Usage(2427, 41)


async def test_an_answer_at_its_limit_says_so() -> None:
    assert (await complete(streamed(piece("The Louvre", finish="MAX_TOKENS")))).finish_reason == "length"


async def test_a_limit_reached_in_thought_is_a_bad_answer_with_its_usage() -> None:
    used = {"promptTokenCount": 12, "thoughtsTokenCount": 50}
    error = await failure(streamed(piece(finish="MAX_TOKENS", usageMetadata=used)))
    assert error.kind is ErrorKind.BAD_ANSWER
    assert "all 50 output tokens went into reasoning" in str(error)
    assert error.usage == Usage(12, 50)


@pytest.mark.parametrize("finish", ["SAFETY", "PROHIBITED_CONTENT", "RECITATION", "SPII", "BLOCKLIST"])
async def test_a_blocked_answer_is_refused(finish: str) -> None:
    assert (await failure(streamed(piece("The"), piece(finish=finish)))).kind is ErrorKind.REFUSED


async def test_a_blocked_prompt_is_refused() -> None:
    blocked = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 12}}
    error = await failure(streamed(blocked))
    assert (error.kind, error.usage) == (ErrorKind.REFUSED, Usage(12))


async def test_a_stream_that_just_ends_is_cut() -> None:
    error = await failure(streamed(piece("The Louvre")))
    assert error.kind is ErrorKind.BAD_ANSWER
    assert "cut" in str(error)
    assert error.usage is not None
    assert error.usage.output_tokens == 3


async def test_an_empty_answer_is_a_bad_answer() -> None:
    assert (await failure(streamed(piece(finish="STOP")))).kind is ErrorKind.BAD_ANSWER


async def test_a_daily_refusal_is_told_from_its_quota_id_and_asked_once() -> None:
    body = quota_failure("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "20")
    service = GeminiService(failing(429, body, {"retry-after": "0"}))
    with pytest.raises(ProviderError) as caught:
        await provider(service).complete(ASK, lambda _: None)
    error = caught.value
    assert (error.kind, error.status, error.window, error.limit) == (ErrorKind.RATE_LIMITED, 429, "day", 20)
    assert len(service.requests) == 1


async def test_an_error_within_the_stream_is_classified() -> None:
    broken = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
    error = await failure(streamed(piece("The"), broken))
    assert (error.kind, error.status) == (ErrorKind.OVERLOADED, 503)
    assert error.usage is not None


async def test_a_piece_that_is_no_json_is_a_bad_answer_that_repeats_nothing_of_it() -> None:
    body = Pieces(b'data: {"candidates": [{"content": {"parts": [{"text": "secret\r\n\r\n')
    error = await failure(httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=body))
    assert error.kind is ErrorKind.BAD_ANSWER
    assert "secret" not in str(error)


@pytest.mark.parametrize(
    "data",
    [
        "42",
        "[]",
        "null",
        '"words"',
        '{"error": "overloaded"}',
        '{"error": {}}',
        '{"error": null}',
        '{"candidates": 5}',
        '{"candidates": [5]}',
        '{"usageMetadata": []}',
        pytest.param("[" * 100_000, id="nested"),
    ],
)
async def test_a_piece_that_is_not_of_the_apis_form_is_a_bad_answer(data: str) -> None:
    body = Pieces(framed(piece("The Louvre")), f"data: {data}\r\n\r\n".encode())
    error = await failure(httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=body))
    assert error.kind is ErrorKind.BAD_ANSWER
    assert error.usage is not None
    assert error.usage.output_tokens == 3


async def test_an_answer_without_content_is_a_bad_answer() -> None:
    assert (await failure(httpx.Response(204))).kind is ErrorKind.BAD_ANSWER
    assert (await failure(httpx.Response(200, headers={"content-type": "text/event-stream"}))).kind is (
        ErrorKind.BAD_ANSWER
    )


async def test_a_web_page_that_names_the_model_says_that_the_address_is_wrong() -> None:
    page = "<html>The requested URL <code>/x/models/gemini-3.8-flash</code> was not found on this server.</html>"
    error = await failure(httpx.Response(404, html=page))
    assert error.kind is ErrorKind.BAD_ANSWER
    assert "providers.gemini.base_url" in str(error)


async def test_a_connection_that_breaks_is_a_network_error_with_partial_usage() -> None:
    error = await failure(streamed(piece("The Louvre"), error=httpx.ReadError("reset")))
    assert error.kind is ErrorKind.NETWORK
    assert error.usage is not None
    assert error.usage.output_tokens == 3


async def test_a_connection_that_breaks_after_the_end_has_lost_nothing() -> None:
    answer = await complete(streamed(piece("Paris", finish="STOP"), error=httpx.ReadError("reset")))
    assert answer.text == "Paris"


@pytest.mark.parametrize(
    ("raised", "kind"),
    [(httpx.ConnectError("x"), ErrorKind.NETWORK), (httpx.ConnectTimeout("x"), ErrorKind.TIMEOUT)],
)
async def test_a_connection_that_is_never_made_is_tried_once(raised: Exception, kind: ErrorKind) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise raised

    service = GeminiService(refuse)
    with pytest.raises(ProviderError) as caught:
        await provider(service).complete(ASK, lambda _: None)
    assert (caught.value.kind, caught.value.usage) == (kind, None)
    assert len(service.requests) == 1


async def test_models_that_write_text_are_listed_without_their_prefix() -> None:
    models = [
        {
            "name": "models/gemini-3.8-flash",
            "inputTokenLimit": 1_048_576,
            "outputTokenLimit": 65_536,
            "supportedGenerationMethods": ["generateContent", "countTokens"],
        },
        {"name": "models/embedding-002", "supportedGenerationMethods": ["embedContent"]},
    ]
    gemini = provider(GeminiService(httpx.Response(200, json={"models": models})))
    assert await gemini.list_models() == (
        ListedModel(model="gemini-3.8-flash", context_tokens=1_048_576, max_output_tokens=65_536, free=True),
    )
    await gemini.aclose()


async def test_a_list_that_fails_is_a_provider_error() -> None:
    body = {"error": {"code": 400, "message": "API key not valid. Please pass a valid API key."}}
    with pytest.raises(ProviderError) as caught:
        await provider(GeminiService(failing(400, body))).list_models()
    assert caught.value.kind is ErrorKind.AUTH


async def test_a_list_that_cannot_be_asked_for_is_a_network_error() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    asked = provider(GeminiService(refuse))
    with pytest.raises(ProviderError) as caught:
        await asked.list_models()
    assert caught.value.kind is ErrorKind.NETWORK
    assert asked.name == "gemini"
