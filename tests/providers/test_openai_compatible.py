import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import anyio
import httpx
import pytest
from anyio.abc import ByteStream, SocketAttribute

from delegate_mcp.domain.brief import Message
from delegate_mcp.domain.errors import ErrorKind, ProviderError
from delegate_mcp.domain.listed import ListedModel
from delegate_mcp.domain.outcome import Completion
from delegate_mcp.domain.plan import AskOptions
from delegate_mcp.domain.usage import RateLimit, Usage
from delegate_mcp.providers.base import Ask
from delegate_mcp.providers.openai_compatible import OpenAICompatibleProvider
from delegate_mcp.providers.registry import BY_NAME, ProviderRow
from tests.fakes.openai_service import (
    USAGE,
    Handler,
    OpenAIService,
    Pieces,
    answering,
    chunk,
    event,
    failing,
    stream_of,
    streamed,
)

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
ASK = Ask(model="m", messages=(Message("system", "Be brief."), Message("user", "Where is the Louvre?")))
JSON_ASK = replace(ASK, json_schema=SCHEMA)


def provider(service: OpenAIService, row: ProviderRow = BY_NAME["openrouter"]) -> OpenAICompatibleProvider:
    base_url = (row.base_url or "http://127.0.0.1:9/v1") if row.local else "https://service.test/api/v1"
    return OpenAICompatibleProvider(row, base_url=base_url, api_key="sk-test", transport=service)


async def complete(answer: httpx.Response, ask: Ask = ASK, row: ProviderRow = BY_NAME["openrouter"]) -> Completion:
    return await provider(OpenAIService(answer), row).complete(ask, lambda _: None)


async def failure(answer: httpx.Response, ask: Ask = ASK, row: ProviderRow = BY_NAME["openrouter"]) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await complete(answer, ask, row)
    return caught.value


async def sent(ask: Ask, row: ProviderRow) -> dict[str, Any]:
    answer = '{"city": "Paris"}' if ask.json_schema else "Paris"
    service = OpenAIService(answering(answer))
    await provider(service, row).complete(ask, lambda _: None)
    return service.bodies[0]


async def test_an_answer_is_put_together_with_usage_and_limits() -> None:
    headers = {"x-ratelimit-limit-requests-day": "50", "x-ratelimit-remaining-requests-day": "49"}
    answer = await complete(answering("In ", "Paris", ".", headers=headers))
    assert answer == Completion(
        text="In Paris.",
        finish_reason="stop",
        usage=Usage(12, 7),
        rate_limits=(RateLimit("requests", "day", 50, 49, scope="account"),),
        model="served",
    )


async def test_one_request_asks_for_a_stream_with_usage() -> None:
    service = OpenAIService(answering("Paris"))
    options = AskOptions(temperature=0.2, max_output_tokens=99, reasoning_effort="high")
    await provider(service).complete(replace(ASK, options=options), lambda _: None)
    (request,) = service.requests
    assert request.url == "https://service.test/api/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer sk-test"
    assert request.headers["x-title"] == "delegate-mcp"
    assert service.bodies[0] == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Where is the Louvre?"},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 99,
        "temperature": 0.2,
        "usage": {"include": True},
    }


async def test_only_connecting_is_limited_in_time() -> None:
    service = OpenAIService(answering("Paris"))
    await provider(service).complete(replace(ASK, connect_timeout_s=1.5), lambda _: None)
    assert service.requests[0].extensions["timeout"] == {"connect": 1.5, "read": None, "write": None, "pool": None}


async def test_every_token_is_reported_thoughts_too() -> None:
    told: list[int] = []
    pieces = [chunk(""), chunk(reasoning="x" * 8), chunk("y" * 8), chunk("z" * 4, finish="stop"), "[DONE]"]
    await provider(OpenAIService(streamed(*pieces))).complete(ASK, told.append)
    assert told == [2, 4, 5]


async def test_reasoning_is_no_part_of_the_answer() -> None:
    pieces = [chunk(reasoning="hm"), chunk(reasoning_content="hm"), chunk("Paris", finish="stop"), "[DONE]"]
    assert (await complete(streamed(*pieces))).text == "Paris"


async def test_parts_of_thinking_are_no_part_of_the_answer() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    said = [{"type": "text", "text": "Paris"}]
    pieces = [chunk(content=[thinking]), chunk(content=said), chunk(finish="stop"), "[DONE]"]
    assert (await complete(streamed(*pieces))).text == "Paris"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("<think>\nhm\n</think>\n\nParis", "Paris"),
        ("<think></think><think>again</think>Paris", "Paris"),
        ("A <think> tag stays", "A <think> tag stays"),
    ],
)
async def test_a_think_block_at_the_beginning_is_dropped(raw: str, text: str) -> None:
    assert (await complete(answering(*raw))).text == text


async def test_a_think_block_that_never_closes_is_no_answer() -> None:
    error = await failure(answering("<think>on and on", finish="length"))
    assert error.kind is ErrorKind.BAD_ANSWER
    assert "all 7 output tokens went into reasoning" in str(error)


@pytest.mark.parametrize(
    ("said", "reason"),
    [("stop", "stop"), ("length", "length"), ("model_length", "length"), ("tool_calls", "other")],
)
async def test_finish_reasons_are_mapped(said: str, reason: str) -> None:
    assert (await complete(answering("Paris", finish=said))).finish_reason == reason


async def test_cached_tokens_and_cost_are_read() -> None:
    usage = {"prompt_tokens": 900, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 800}}
    pieces = [chunk("Paris", finish="stop"), chunk(usage={**usage, "cost": 0.000669}), "[DONE]"]
    answer = await complete(streamed(*pieces))
    assert answer.usage == Usage(900, 5, 800)
    assert answer.cost_usd == Decimal("0.000669")


async def test_a_service_that_reports_no_usage_gets_an_estimate() -> None:
    answer = await complete(streamed(chunk("Paris it is", finish="stop"), "[DONE]"))
    assert answer.usage.estimated
    assert answer.usage.input_tokens > 5
    assert answer.usage.output_tokens == 3


async def test_a_service_that_does_not_stream_is_read_too() -> None:
    message = {"role": "assistant", "content": "Paris", "reasoning_content": "hm"}
    body = {"model": "served", "choices": [{"message": message, "finish_reason": "stop"}], "usage": USAGE}
    answer = await complete(httpx.Response(200, json=body))
    assert (answer.text, answer.usage) == ("Paris", Usage(12, 7))


async def test_keepalives_crlf_and_cut_characters_do_no_harm() -> None:
    whole = (": PROCESSING\r\n\r\n" + event(chunk("Grüße 🌍")).decode().replace("data: ", "data:")).encode()
    last = event(chunk(finish="stop")) + event("[DONE]")
    cut = [whole[place : place + 1] for place in range(len(whole))]
    assert (await complete(stream_of(*cut, last))).text == "Grüße 🌍"


async def test_a_stream_that_just_ends_is_cut_and_says_what_was_used() -> None:
    error = await failure(streamed(chunk("The Louvre is"), chunk(usage=USAGE)))
    assert error.kind is ErrorKind.BAD_ANSWER
    assert "cut" in str(error)
    assert error.usage == Usage(12, 7)


async def test_a_connection_that_breaks_in_mid_answer_is_a_network_error_with_partial_usage() -> None:
    error = await failure(stream_of(event(chunk("The Louvre is")), error=httpx.ReadError("reset")))
    assert error.kind is ErrorKind.NETWORK
    assert error.usage is not None
    assert (error.usage.output_tokens, error.usage.estimated) == (4, True)


async def test_a_connection_that_breaks_after_the_end_has_lost_nothing() -> None:
    pieces = [event(chunk("Paris", finish="stop")), event(chunk(usage=USAGE))]
    answer = await complete(stream_of(*pieces, error=httpx.RemoteProtocolError("incomplete chunked read")))
    assert (answer.text, answer.usage) == ("Paris", Usage(12, 7))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"object": "error", "message": "Rate limit exceeded", "type": "rate_limited"}, ErrorKind.RATE_LIMITED),
        ({"object": "error", "message": "Internal server error", "code": "3700"}, ErrorKind.OVERLOADED),
        ({"message": "Wrong API Key", "type": "authentication_error"}, ErrorKind.AUTH),
        ({"detail": "the engine is gone"}, ErrorKind.OVERLOADED),
    ],
)
async def test_an_error_without_an_error_object_inside_a_success_is_that_error(
    body: dict[str, str], kind: ErrorKind
) -> None:
    assert (await failure(httpx.Response(200, json=body), row=BY_NAME["mistral"])).kind is kind
    in_stream = await failure(streamed(chunk("The"), body), row=BY_NAME["mistral"])
    assert (in_stream.kind, in_stream.usage is not None) == (kind, True)


async def test_a_piece_that_is_no_json_is_a_bad_answer() -> None:
    error = await failure(stream_of(event(chunk("The")), b'data: {"choices": [{"del\n\n'))
    assert error.kind is ErrorKind.BAD_ANSWER
    assert "malformed" in str(error)


async def test_an_empty_answer_is_a_bad_answer() -> None:
    error = await failure(answering("", " \n"))
    assert error.kind is ErrorKind.BAD_ANSWER
    assert "empty" in str(error)


async def test_a_limit_reached_in_thought_says_so() -> None:
    error = await failure(streamed(chunk(reasoning="hm"), chunk(finish="length"), chunk(usage=USAGE), "[DONE]"))
    assert error.kind is ErrorKind.BAD_ANSWER
    assert "reasoning" in str(error)
    assert error.usage == Usage(12, 7)


@pytest.mark.parametrize(
    ("pieces", "kind"),
    [
        ([chunk("I"), chunk(finish="content_filter"), "[DONE]"], ErrorKind.REFUSED),
        ([chunk(refusal="I cannot"), chunk(finish="stop"), "[DONE]"], ErrorKind.REFUSED),
        ([chunk("I"), chunk(finish="error"), "[DONE]"], ErrorKind.OVERLOADED),
        ([{"error": {"code": 429, "message": "slow down"}}], ErrorKind.RATE_LIMITED),
        ([chunk("I"), {**chunk(finish="error"), "error": {"code": 502, "message": "lost"}}], ErrorKind.OVERLOADED),
        ([chunk("I"), {"choices": [{"error": {"code": 403, "message": "flagged"}}]}], ErrorKind.REFUSED),
    ],
)
async def test_an_error_within_the_stream_is_classified(pieces: list[Any], kind: ErrorKind) -> None:
    error = await failure(streamed(*pieces))
    assert error.kind is kind
    assert error.usage is not None


async def test_an_error_in_place_of_a_stream_is_classified() -> None:
    error = await failure(httpx.Response(200, json={"error": {"code": 429, "message": "free-models-per-day"}}))
    assert (error.kind, error.status, error.window) == (ErrorKind.RATE_LIMITED, 429, "day")


async def test_an_http_error_is_classified_with_its_headers() -> None:
    error = await failure(failing(429, {"error": {"message": "Too many requests"}}, {"retry-after": "7"}))
    assert (error.kind, error.status, error.retry_after_s) == (ErrorKind.RATE_LIMITED, 429, 7.0)


async def test_retry_after_on_a_success_means_nothing() -> None:
    assert (await complete(answering("Paris", headers={"retry-after": "15"}))).rate_limits == ()


async def test_a_web_page_in_place_of_an_answer_points_at_the_base_url() -> None:
    error = await failure(httpx.Response(200, html="<html>log in</html>"))
    assert error.kind is ErrorKind.BAD_ANSWER
    assert "providers.openrouter.base_url" in str(error)


async def test_the_response_is_closed_whatever_happens() -> None:
    body = Pieces(b"data: nonsense\n\n", b"data: more\n\n")
    await failure(httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=body))
    assert body.closed


async def test_a_schema_is_asked_for_natively_and_strictly_where_it_fits() -> None:
    row = BY_NAME["openrouter"]
    form = (await sent(JSON_ASK, row))["response_format"]
    assert form == {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True}}
    loose = {**SCHEMA, "required": []}
    assert (await sent(replace(ASK, json_schema=loose), row))["response_format"]["json_schema"]["strict"] is False


async def test_json_mode_takes_the_schema_in_the_system_prompt() -> None:
    body = await sent(JSON_ASK, BY_NAME["deepseek"])
    assert body["response_format"] == {"type": "json_object"}
    assert body["messages"][0]["content"].startswith("Be brief.\n\n")
    assert json.dumps(SCHEMA) in body["messages"][0]["content"]


async def test_our_own_engines_get_the_schema_as_every_one_of_them_knows_it() -> None:
    body = await sent(JSON_ASK, BY_NAME["local"])
    assert body["response_format"] == {"type": "json_object", "schema": SCHEMA}
    assert json.dumps(SCHEMA) not in body["messages"][0]["content"]


async def test_without_a_mode_the_schema_is_words_only() -> None:
    question = replace(JSON_ASK, messages=(Message("user", "Where?"),))
    body = await sent(question, BY_NAME["nvidia"])
    assert "response_format" not in body
    assert [message["role"] for message in body["messages"]] == ["system", "user"]


async def test_the_text_comes_as_it_is_and_delivery_takes_the_json_out() -> None:
    fenced = '```json\n{"city": "Paris"}\n```'
    assert (await complete(answering(f"{fenced}\n"), JSON_ASK, BY_NAME["nvidia"])).text == fenced


async def test_effort_is_sent_only_to_models_that_take_it() -> None:
    options = AskOptions(reasoning_effort="low")
    row = BY_NAME["cerebras"]
    assert (await sent(replace(ASK, model="gpt-oss-120b", options=options), row))["reasoning_effort"] == "low"
    assert "reasoning_effort" not in await sent(replace(ASK, model="llama-3.3-70b", options=options), row)


async def test_a_local_service_gets_no_key_it_does_not_have() -> None:
    service = OpenAIService(answering("Paris"))
    local = OpenAICompatibleProvider(
        BY_NAME["ollama"], base_url="http://127.0.0.1:11434/v1", api_key=None, transport=service
    )
    await local.complete(ASK, lambda _: None)
    assert "authorization" not in service.requests[0].headers


async def test_a_redirect_is_not_followed() -> None:
    error = await failure(httpx.Response(307, headers={"location": "https://elsewhere.test"}), row=BY_NAME["ollama"])
    assert (error.kind, error.status) == (ErrorKind.BAD_ANSWER, 307)


async def test_the_proxy_of_the_environment_is_used_for_the_network_only(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def deny(client: ByteStream) -> None:
        async with client:
            asked.append((await client.receive()).decode().split()[1])
            await client.send(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
    port = listener.extra(SocketAttribute.local_port)  # noqa: S610 - anyio's extra, not Django's
    here = f"http://127.0.0.1:{port}"
    monkeypatch.setenv("http_proxy", here)
    monkeypatch.setenv("no_proxy", "")
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, deny)
        for row, base_url in ((BY_NAME["ollama"], f"{here}/v1"), (BY_NAME["mistral"], "http://mistral.test/v1")):
            asking = OpenAICompatibleProvider(row, base_url=base_url, api_key="k")
            with pytest.raises(ProviderError):
                await asking.complete(ASK, lambda _: None)
            await asking.aclose()
        tasks.cancel_scope.cancel()
    assert asked == ["/v1/chat/completions", "http://mistral.test/v1/chat/completions"]


@pytest.mark.parametrize("key", ["sk-test\nsecond", "schlüssel"])
async def test_a_key_that_no_request_can_carry_is_an_auth_error_without_the_key(key: str) -> None:
    cloud = OpenAICompatibleProvider(BY_NAME["mistral"], base_url="https://x.test/v1", api_key=key)
    with pytest.raises(ProviderError) as caught:
        await cloud.complete(ASK, lambda _: None)
    assert caught.value.kind is ErrorKind.AUTH
    assert key not in str(caught.value)


async def test_a_base_url_that_is_none_leaves_the_call_to_others() -> None:
    broken = OpenAICompatibleProvider(BY_NAME["mistral"], base_url="mistral.test", api_key="k")
    with pytest.raises(ProviderError) as caught:
        await broken.complete(ASK, lambda _: None)
    assert caught.value.kind is ErrorKind.NETWORK
    await broken.aclose()


async def test_models_are_listed_with_the_sizes_that_are_told() -> None:
    data = [
        {"id": "a", "context_length": 8192, "top_provider": {"max_completion_tokens": 2048}},
        {"id": "b", "max_model_len": 4096},
        {"id": "c", "max_context_length": 32768},
        {"id": "d"},
        {"object": "nameless"},
    ]
    listed = await provider(OpenAIService(httpx.Response(200, json={"data": data}))).list_models()
    assert listed == (
        ListedModel(model="a", context_tokens=8192, max_output_tokens=2048),
        ListedModel(model="b", context_tokens=4096),
        ListedModel(model="c", context_tokens=32768),
        ListedModel(model="d"),
    )


async def test_a_bare_list_of_models_is_read_too() -> None:
    listed = await provider(OpenAIService(httpx.Response(200, json=[{"id": "a"}]))).list_models()
    assert listed == (ListedModel(model="a"),)


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (failing(401, {"error": {"message": "no"}}), ErrorKind.AUTH),
        (httpx.Response(200, html="<html>"), ErrorKind.BAD_ANSWER),
    ],
)
async def test_a_list_that_fails_is_a_provider_error(response: httpx.Response, kind: ErrorKind) -> None:
    with pytest.raises(ProviderError) as caught:
        await provider(OpenAIService(response)).list_models()
    assert caught.value.kind is kind


async def test_a_list_that_cannot_be_asked_for_is_a_network_error() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    asked = provider(OpenAIService(refuse))
    with pytest.raises(ProviderError) as caught:
        await asked.list_models()
    assert caught.value.kind is ErrorKind.NETWORK
    assert asked.name == "openrouter"


# --- what is left of the account -------------------------------------------------------------------------------------

KEY_ANSWER = {
    "data": {
        "label": "sk-or-v1-au7...890",
        "limit": None,
        "limit_remaining": None,
        "usage": 25.5,
        "is_free_tier": True,
        "free_model_daily_requests": {"limit": 50, "remaining": 38, "used": 12},
        "rate_limit": {"requests": -1, "interval": "10s", "note": "This field is deprecated and safe to ignore."},
    }
}


async def quota(answer: httpx.Response | Handler, row: ProviderRow = BY_NAME["openrouter"]) -> tuple[RateLimit, ...]:
    asked = provider(OpenAIService(answer), row)
    try:
        return await asked.quota()
    finally:
        await asked.aclose()


async def test_openrouter_tells_what_is_left_of_the_day_for_all_free_models() -> None:
    service = OpenAIService(httpx.Response(200, json=KEY_ANSWER))
    assert await provider(service).quota() == (RateLimit("requests", "day", 50, 38, source="account", scope="account"),)
    assert [(request.method, request.url.path) for request in service.requests] == [("GET", "/api/v1/key")]


def unreachable(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


@pytest.mark.parametrize(
    "answer",
    [
        failing(401, {"error": {"message": "No auth credentials found", "code": 401}}),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"data": {"label": "x", "rate_limit": {"requests": 200, "interval": "10s"}}}),
        httpx.Response(200, json={"data": {"free_model_daily_requests": {"limit": None, "remaining": "many"}}}),
        unreachable,
    ],
)
async def test_a_service_that_does_not_tell_what_is_left_is_no_failure(answer: httpx.Response | Handler) -> None:
    assert await quota(answer) == ()


async def test_a_service_without_such_an_address_is_not_asked_what_is_left() -> None:
    service = OpenAIService(httpx.Response(200, json=KEY_ANSWER))
    assert await provider(service, BY_NAME["mistral"]).quota() == ()
    assert service.requests == []
