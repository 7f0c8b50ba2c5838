from typing import Any

import httpx
import pytest

from delegate_mcp.domain.errors import ErrorKind, ProviderError
from delegate_mcp.domain.usage import RateLimit
from delegate_mcp.providers import failures
from delegate_mcp.providers.registry import BY_NAME
from tests.fakes.gemini_service import quota_failure

NOW = 1_760_000_000.0
GROQ_TPM = (
    "Rate limit reached for model `openai/gpt-oss-20b` in organization `org_01hxsecret` service tier `on_demand` on "
    "tokens per minute (TPM): Limit 8000, Used 6644, Requested 2931. Please try again in 11.8125s. Need more tokens?"
)
GROQ_TPD = (
    "Rate limit reached for model `openai/gpt-oss-120b` in organization `org_01hxsecret` service tier `on_demand` on "
    "tokens per day (TPD): Limit 200000, Used 199336, Requested 13833. Please try again in 1h34m52.896s."
)
GROQ_RPM = (
    "Rate limit reached for model `x` in organization `org_01hxsecret` service tier `on_demand` on requests per minute "
    "(RPM): Limit 30, Used 30, Requested 1. Please try again in 1.2s."
)
GROQ_TOO_LARGE = (
    "Request too large for model `openai/gpt-oss-20b` in organization `org_01hxsecret` service tier `on_demand` on "
    "tokens per minute (TPM): Limit 8000, Requested 32979, please reduce your message size and try again."
)
GEMINI_TOO_LARGE = "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."


def failed(provider: str, status: int, body: object, headers: dict[str, str] | None = None) -> ProviderError:
    return failures.from_response(BY_NAME[provider], status, headers or {}, body, now=NOW)


def openai_error(message: str, code: str | None = None, kind: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "code": code}}


@pytest.mark.parametrize(
    ("message", "hit", "retry_after_s"),
    [
        (GROQ_TPM, RateLimit("tokens", "minute", 8000, 1356, 11.8125, source="refusal"), 11.8125),
        (GROQ_TPD, RateLimit("tokens", "day", 200_000, 664, 5692.896, source="refusal"), 5692.896),
        (GROQ_RPM, RateLimit("requests", "minute", 30, 0, 1.2, source="refusal"), 1.2),
    ],
)
def test_groqs_429_tells_the_window_that_was_hit(message: str, hit: RateLimit, retry_after_s: float) -> None:
    error = failed("groq", 429, openai_error(message, "rate_limit_exceeded", "tokens"))
    assert error.kind is ErrorKind.RATE_LIMITED
    assert (error.window, error.metric, error.limit) == (hit.period, hit.metric, hit.limit)
    assert error.retry_after_s == retry_after_s
    assert error.rate_limits == (hit,)
    assert "org_" not in str(error)
    assert f"{hit.limit:,} {hit.metric} a {hit.period}" in str(error)


def test_a_header_says_better_than_the_message_when_to_ask_again() -> None:
    error = failed("groq", 429, openai_error(GROQ_TPM), {"retry-after": "12"})
    assert error.retry_after_s == 12.0


def test_a_429_without_words_takes_the_window_from_the_header_that_is_spent() -> None:
    headers = {"x-ratelimit-limit-requests": "1000", "x-ratelimit-remaining-requests": "0", "retry-after": "80"}
    error = failed("groq", 429, openai_error("Too many requests"), headers)
    assert (error.window, error.metric, error.limit, error.retry_after_s) == ("day", "requests", 1000, 80.0)


def test_a_413_says_that_waiting_does_not_help() -> None:
    error = failed("groq", 413, openai_error(GROQ_TOO_LARGE, "rate_limit_exceeded", "tokens"))
    assert error.kind is ErrorKind.TOO_LARGE
    assert (error.limit, error.metric, error.window, error.retry_after_s) == (8000, "tokens", "minute", None)
    assert "limit 8,000 tokens" in str(error)


@pytest.mark.parametrize(
    ("provider", "status", "body", "limit"),
    [
        (
            "openai",
            400,
            openai_error("This model's maximum context length is 128000 tokens.", "context_length_exceeded"),
            128_000,
        ),
        (
            "llama-server",
            400,
            openai_error(
                "request (9000 tokens) exceeds the available context size (4096 tokens)",
                None,
                "exceed_context_size_error",
            ),
            4096,
        ),
        (
            "gemini",
            400,
            {
                "error": {
                    "code": 400,
                    "message": GEMINI_TOO_LARGE,
                    "status": "INVALID_ARGUMENT",
                }
            },
            1_048_576,
        ),
        ("groq", 400, openai_error("Please reduce the length of the messages or completion."), None),
    ],
)
def test_a_prompt_beyond_the_context_is_too_large(provider: str, status: int, body: object, limit: int | None) -> None:
    error = failed(provider, status, body)
    assert error.kind is ErrorKind.TOO_LARGE
    assert error.limit == limit


DECOMMISSIONED = openai_error("The model `mixtral-8x7b-32768` has been decommissioned.", "model_decommissioned")
NOT_FOUND = openai_error("The model `non-existent` does not exist or you do not have access.", "model_not_found")
TOOL = {"error": {"message": "Tool choice is none", "code": "tool_use_failed", "failed_generation": "SECRET ANSWER"}}
LOCATION = {"error": {"code": 400, "message": "User location is not supported.", "status": "FAILED_PRECONDITION"}}
GEMINI_KEY = {"error": {"code": 400, "message": "API key not valid. Please pass a valid API key."}}
GEMINI_GONE = {"error": {"code": 404, "message": "models/gemini-2.0-flash is not found for API version v1"}}
CAPACITY = {"object": "error", "message": "Service tier capacity exceeded for this model.", "code": "3505"}
MONTHLY = {"error": "You have exceeded your monthly included credits for Inference Providers."}
UPSTREAM = {
    "error": {
        "code": 429,
        "message": "Provider returned error",
        "metadata": {"raw": "x is temporarily rate-limited upstream."},
    }
}


@pytest.mark.parametrize(
    ("provider", "status", "body", "kind"),
    [
        ("groq", 401, openai_error("Invalid API Key", "invalid_api_key"), ErrorKind.AUTH),
        ("groq", 403, openai_error("Forbidden"), ErrorKind.AUTH),
        ("groq", 404, NOT_FOUND, ErrorKind.MODEL_GONE),
        ("groq", 400, DECOMMISSIONED, ErrorKind.MODEL_GONE),
        ("groq", 400, TOOL, ErrorKind.BAD_ANSWER),
        ("groq", 400, openai_error("Failed to generate JSON.", "json_validate_failed"), ErrorKind.BAD_ANSWER),
        ("groq", 400, openai_error("'temperature' must be at most 2"), ErrorKind.BAD_REQUEST),
        ("groq", 422, openai_error("Unprocessable"), ErrorKind.BAD_REQUEST),
        ("groq", 498, openai_error("Flex tier capacity exceeded", "capacity_exceeded"), ErrorKind.OVERLOADED),
        ("groq", 500, b"", ErrorKind.OVERLOADED),
        ("groq", 503, b"<html>Service Unavailable</html>", ErrorKind.OVERLOADED),
        ("groq", 408, b"", ErrorKind.TIMEOUT),
        ("gemini", 400, GEMINI_KEY, ErrorKind.AUTH),
        ("gemini", 400, LOCATION, ErrorKind.AUTH),
        ("gemini", 404, GEMINI_GONE, ErrorKind.MODEL_GONE),
        ("openrouter", 402, openai_error("Insufficient credits"), ErrorKind.AUTH),
        ("openrouter", 403, openai_error("Your input was flagged for violence"), ErrorKind.REFUSED),
        ("openrouter", 404, openai_error("No endpoints found matching your data policy"), ErrorKind.MODEL_GONE),
        ("openrouter", 429, UPSTREAM, ErrorKind.OVERLOADED),
        ("mistral", 429, CAPACITY, ErrorKind.OVERLOADED),
        (
            "mistral",
            400,
            {"object": "error", "message": "Invalid model: x", "type": "invalid_model", "code": "1500"},
            ErrorKind.MODEL_GONE,
        ),
        ("huggingface", 402, MONTHLY, ErrorKind.RATE_LIMITED),
        (
            "huggingface",
            400,
            openai_error("The requested model 'x' is not supported", "model_not_supported"),
            ErrorKind.MODEL_GONE,
        ),
        ("openai", 429, openai_error("You exceeded your current quota", "insufficient_quota"), ErrorKind.AUTH),
        ("openai", 400, openai_error("Rejected", "content_policy_violation"), ErrorKind.REFUSED),
        ("nvidia", 410, {"title": "Gone", "status": 410}, ErrorKind.MODEL_GONE),
        ("vllm", 404, {"detail": "Not Found"}, ErrorKind.BAD_ANSWER),
        ("vllm", 302, b"", ErrorKind.BAD_ANSWER),
        ("vllm", 405, {"detail": "Method Not Allowed"}, ErrorKind.BAD_ANSWER),
        ("gemini", 204, b"", ErrorKind.BAD_ANSWER),
    ],
)
def test_a_refusal_has_its_kind(provider: str, status: int, body: object, kind: ErrorKind) -> None:
    error = failed(provider, status, body)
    assert error.kind is kind
    assert error.status == status
    assert len(str(error)) < 300


def test_geminis_quota_id_is_believed_over_its_short_delay() -> None:
    day = failed("gemini", 429, quota_failure("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "20"))
    assert (day.kind, day.window, day.metric, day.limit) == (ErrorKind.RATE_LIMITED, "day", "requests", 20)
    assert day.retry_after_s is None
    assert day.rate_limits == (RateLimit("requests", "day", 20, 0, source="refusal"),)
    minute = failed("gemini", 429, quota_failure("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "5"))
    assert (minute.window, minute.limit, minute.retry_after_s) == ("minute", 5, 17.0)
    assert minute.rate_limits == (RateLimit("requests", "minute", 5, 0, 17.0, source="refusal"),)


def test_geminis_token_quota_is_told_from_its_request_quota() -> None:
    error = failed("gemini", 429, quota_failure("GenerateContentInputTokensPerModelPerMinute-FreeTier", "250000"))
    assert (error.metric, error.window, error.limit) == ("tokens", "minute", 250_000)


@pytest.mark.parametrize("value", ["0", None])
def test_a_limit_of_zero_is_a_model_off_the_free_tier(value: str | None) -> None:
    message = "Quota exceeded for metric: free_tier_requests, limit: 0, model: gemini-3.1-pro"
    body = quota_failure("GenerateRequestsPerDayPerProjectPerModel-FreeTier", value, message=message)
    error = failed("gemini", 429, body)
    assert error.kind is ErrorKind.MODEL_GONE
    assert "free tier" in str(error)


@pytest.mark.parametrize(("name", "window", "ahead_s"), [("day", "day", 30_000), ("min", "minute", 20)])
def test_openrouters_limits_stand_in_the_body(name: str, window: str, ahead_s: int) -> None:
    headers = {
        "X-RateLimit-Limit": "50",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(int((NOW + ahead_s) * 1000)),
    }
    message = f"Rate limit exceeded: free-models-per-{name}. Add 10 credits to unlock 1000 free model requests per day"
    error = failed("openrouter", 429, {"error": {"message": message, "code": 429, "metadata": {"headers": headers}}})
    assert (error.kind, error.window, error.metric, error.limit) == (ErrorKind.RATE_LIMITED, window, "requests", 50)
    assert error.rate_limits[0].reset_s == ahead_s


def test_openrouters_limits_are_those_of_the_account_and_believed_by_their_name() -> None:
    headers = {"X-RateLimit-Limit": "50", "X-RateLimit-Remaining": "0"}
    headers["X-RateLimit-Reset"] = str(int((NOW + 60) * 1000))  # the UTC day ends in a minute
    message = "Rate limit exceeded: free-models-per-day."
    error = failed("openrouter", 429, {"error": {"message": message, "code": 429, "metadata": {"headers": headers}}})
    assert (error.window, error.scope) == ("day", "account")
    assert error.rate_limits == (RateLimit("requests", "day", 50, 0, 60.0, scope="account"),)


@pytest.mark.parametrize("provider", ["groq", "gemini", "cerebras"])
def test_a_limit_of_one_model_says_nothing_of_the_others(provider: str) -> None:
    error = failed(provider, 429, openai_error(GROQ_RPM))
    assert (error.scope, error.rate_limits[0].scope) == ("model", "model")


def test_when_several_of_geminis_windows_are_spent_the_longest_is_told() -> None:
    body = quota_failure("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "5")
    day = quota_failure("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "20")
    body["error"]["details"][1]["violations"] += day["error"]["details"][1]["violations"]
    error = failed("gemini", 429, body)
    assert (error.window, error.limit, error.retry_after_s) == ("day", 20, None)
    assert [(limit.period, limit.reset_s) for limit in error.rate_limits] == [("day", None), ("minute", 17.0)]


def test_a_refusal_that_names_a_limit_of_zero_in_words_is_a_model_off_the_free_tier() -> None:
    message = "Rate limit reached for model `x` on requests per day (RPD): Limit 0, Used 0, Requested 1."
    error = failed("groq", 429, openai_error(message, "rate_limit_exceeded"))
    assert (error.kind, error.rate_limits) == (ErrorKind.MODEL_GONE, ())


def test_mistrals_429_of_its_own_form_is_a_rate_limit() -> None:
    body = {"object": "error", "message": "Rate limit exceeded", "type": "rate_limited", "code": "1300"}
    headers = {"x-ratelimit-limit-req-minute": "60", "x-ratelimit-remaining-req-minute": "0"}
    error = failed("mistral", 429, body, headers)
    assert (error.kind, error.window, error.limit) == (ErrorKind.RATE_LIMITED, "minute", 60)


def test_cerebras_names_window_and_metric_in_words() -> None:
    body = {"message": "Tokens per day limit exceeded", "type": "too_many_tokens_error", "code": "token_quota_exceeded"}
    error = failed("cerebras", 429, body)
    assert (error.kind, error.window, error.metric) == (ErrorKind.RATE_LIMITED, "day", "tokens")


def test_an_overload_keeps_the_wait_it_asked_for() -> None:
    assert failed("groq", 503, b"", {"retry-after": "3"}).retry_after_s == 3.0


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        ({"code": 429, "message": "slow down"}, 429, ErrorKind.RATE_LIMITED),
        ({"code": 502, "message": "Upstream"}, 502, ErrorKind.OVERLOADED),
        ({"message": "Rate limit", "type": "rate_limit_error"}, 429, ErrorKind.RATE_LIMITED),
        ({"message": "Overloaded", "type": "server_error"}, 500, ErrorKind.OVERLOADED),
        ("connection to the model was lost", 500, ErrorKind.OVERLOADED),
    ],
)
def test_an_error_inside_a_success_is_classified_like_an_http_error(
    error: object, status: int, kind: ErrorKind
) -> None:
    failure = failures.from_error_object(BY_NAME["openrouter"], error, now=NOW)
    assert (failure.kind, failure.status) == (kind, status)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx.ConnectTimeout("x"), ErrorKind.TIMEOUT),
        (httpx.ReadTimeout("x"), ErrorKind.TIMEOUT),
        (httpx.ConnectError("x"), ErrorKind.NETWORK),
        (httpx.ReadError("x"), ErrorKind.NETWORK),
        (httpx.RemoteProtocolError("x"), ErrorKind.NETWORK),
        (httpx.UnsupportedProtocol("x"), ErrorKind.NETWORK),
        (httpx.LocalProtocolError("Illegal header value b'Bearer gsk_secretsecret'"), ErrorKind.NETWORK),
        (httpx.DecodingError("x"), ErrorKind.BAD_ANSWER),
    ],
)
def test_a_broken_connection_has_its_kind(error: Exception, kind: ErrorKind) -> None:
    failure = failures.from_transport(BY_NAME["groq"], error)
    assert failure.kind is kind
    assert "secret" not in str(failure)


SECRET_WORDS = "the quick brown fox jumps over the lazy dog and far beyond it"


@pytest.mark.parametrize(
    "message",
    [
        "Incorrect key gsk_abcdefghijklmnop given",
        "key AIzaSyA1234567890abcdefghij is blocked",
        "blocked in organization org_01hxsecret and project proj_abcdef123",
        f"Invalid value at contents: '{SECRET_WORDS}'",
        f"1 validation error [type=string, input_value={SECRET_WORDS}, input_type=str]",
        f"1 validation error: {{'type': 'string', 'input': '{SECRET_WORDS}'}}",
    ],
)
def test_no_key_account_or_prompt_gets_into_a_message(message: str) -> None:
    text = str(failed("groq", 400, openai_error(message)))
    for secret in ("gsk_", "AIza", "org_", "proj_", "brown fox"):
        assert secret not in text


def test_validation_errors_say_where_and_what_but_not_the_input() -> None:
    body = {"detail": [{"type": "missing", "loc": ["body", "model"], "msg": "Field required", "input": SECRET_WORDS}]}
    text = str(failed("mistral", 422, body))
    assert "body.model: Field required" in text
    assert "brown fox" not in text


def test_what_to_do_about_a_key_is_said() -> None:
    text = str(failed("groq", 401, b""))
    assert "GROQ_API_KEY" in text
    assert "https://console.groq.com/keys" in text


def test_the_name_of_a_model_stays_in_the_message() -> None:
    assert "The model `non-existent` does not exist or you do not have access." in str(failed("groq", 404, NOT_FOUND))


def test_an_apostrophe_opens_no_quotation() -> None:
    message = "This model's template doesn't take the system role that was sent"
    assert message in str(failed("llama-server", 400, openai_error(message)))
