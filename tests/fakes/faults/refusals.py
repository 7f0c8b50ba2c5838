"""The refusals of each service, in its own body: status, headers and JSON as FACTS and recordings have them.

To add a refusal: a row in REFUSALS, one `Refusal` for each service that is known to say so.
"""

from collections.abc import Mapping
from types import MappingProxyType

from tests.fakes.faults.bodies import Refusal, everywhere, gateway, gemini, groq, llama, mistral, openrouter
from tests.fakes.gemini_service import quota_failure

_ORG = "in organization `org_01made0up` service tier `on_demand`"
_MINUTE = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"
_DAY = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
_QUOTA = "You exceeded your current quota, please check your plan and billing details."
_BAD_KEY = [
    {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}
]

REFUSALS: Mapping[str, Mapping[str, Refusal]] = MappingProxyType(
    {
        "bad_request_400": {
            "groq": groq(400, "'temperature' : must be at most 2"),
            "gemini": gemini(400, "Invalid value at 'generation_config.temperature'", "INVALID_ARGUMENT"),
            "openrouter": openrouter(400, "Input validation failed"),
            "mistral": mistral(400, "Temperature out of range", "invalid_request_error", "3051"),
            "llama-server": llama(400, "temperature must be a number", "invalid_request_error"),
        },
        "context_400": {
            "groq": groq(400, "Please reduce the length of the messages or completion.", "context_length_exceeded"),
            "gemini": gemini(
                400,
                "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
                "INVALID_ARGUMENT",
            ),
            "openrouter": openrouter(
                400, "This endpoint's maximum context length is 131072 tokens. However, you requested 2"
            ),
            "mistral": mistral(
                400,
                "Prompt contains 140000 tokens, too large for model with 131072 maximum context length",
                "invalid_request_error",
                "3051",
            ),
            "llama-server": llama(
                400,
                "request (9000 tokens) exceeds the available context size (4096 tokens)",
                "exceed_context_size_error",
            ),
        },
        "key_400": {
            "gemini": gemini(400, "API key not valid. Please pass a valid API key.", "INVALID_ARGUMENT", _BAD_KEY)
        },
        "decommissioned_400": {
            "groq": groq(
                400,
                "The model `openai/gpt-oss-20b` has been decommissioned and is no longer supported.",
                "model_decommissioned",
            ),
            "openrouter": openrouter(400, "openai/gpt-oss-20b:free is not a valid model ID"),
            "mistral": mistral(400, "Invalid model: mistral-small-latest", "invalid_model", "1500"),
        },
        "tool_use_failed_400": {
            "groq": Refusal(
                400,
                {
                    "error": {
                        "message": "Tool choice is none, but model called a tool",
                        "type": "invalid_request_error",
                        "code": "tool_use_failed",
                        "failed_generation": '{"name": "search", "arguments": {}}',
                    }
                },
            ),
            "openrouter": openrouter(
                400,
                "Provider returned error",
                provider_name="Groq",
                raw='{"error":{"message":"Tool choice is none","code":"tool_use_failed"}}',
            ),
        },
        "key_401": {
            "groq": groq(401, "Invalid API Key", "invalid_api_key"),
            "gemini": gemini(401, "Request had invalid authentication credentials.", "UNAUTHENTICATED"),
            "openrouter": openrouter(401, "User not found."),
            "mistral": Refusal(401, {"detail": "Unauthorized"}),
            "llama-server": llama(401, "Invalid API Key", "authentication_error"),
        },
        "credit_402": {
            "openrouter": openrouter(
                402, "Insufficient credits. Add more using https://openrouter.ai/settings/credits"
            ),
            "mistral": mistral(402, "Payment required", "payment_required", "3000"),
            "groq": groq(402, "Add a payment method to go on", "payment_required"),
            "gemini": gemini(402, "Billing is not set up", "FAILED_PRECONDITION"),
        },
        "denied_403": {
            "groq": groq(403, "Access denied. Please check your network settings.", None, "forbidden"),
            "gemini": gemini(403, "Generative Language API has not been used in project 1 before", "PERMISSION_DENIED"),
            "openrouter": openrouter(403, "Your plan does not include this"),
            "mistral": mistral(403, "Forbidden", "forbidden", "1100"),
            "llama-server": llama(403, "Forbidden", "permission_error"),
        },
        "flagged_403": {
            "openrouter": openrouter(
                403, "Input was flagged by moderation", reasons=["violence"], flagged_input="so far…"
            ),
            "mistral": mistral(403, "The content was flagged by moderation", "content_policy", "1101"),
        },
        "model_404": {
            "groq": groq(
                404, "The model `openai/gpt-oss-20b` does not exist or you do not have access to it.", "model_not_found"
            ),
            "gemini": gemini(404, "models/gemini-3.5-flash-lite is not found for API version v1", "NOT_FOUND"),
            "openrouter": openrouter(404, "No endpoints found for openai/gpt-oss-20b:free."),
            "mistral": mistral(404, "Model mistral-small-latest not found", "not_found", "1501"),
            "llama-server": llama(404, 'model "qwen3:32b" not found', "not_found_error"),
        },
        "timeout_408": everywhere(Refusal(408, {"error": {"message": "Request timeout", "code": 408}})),
        "gone_410": everywhere(Refusal(410, {"error": {"message": "This model has been retired", "code": 410}})),
        "too_large_413": {
            "groq": groq(
                413,
                f"Request too large for model `openai/gpt-oss-20b` {_ORG} on tokens per minute (TPM): Limit 8000, "
                "Requested 32979, please reduce your message size and try again.",
                "rate_limit_exceeded",
                "tokens",
            ),
            "gemini": gemini(413, "Request payload size exceeds the limit: 20971520 bytes.", "INVALID_ARGUMENT"),
            "openrouter": openrouter(413, "Payload Too Large"),
            "mistral": gateway(413, "Request Entity Too Large"),
            "llama-server": llama(413, "Payload Too Large", "invalid_request_error"),
        },
        "invalid_422": {
            "groq": groq(422, "Semantic error in the request"),
            "gemini": gemini(422, "Unprocessable", "INVALID_ARGUMENT"),
            "openrouter": openrouter(422, "Unprocessable entity"),
            "mistral": Refusal(
                422,
                {
                    "object": "error",
                    "message": {
                        "detail": [
                            {
                                "type": "extra_forbidden",
                                "loc": ["body", "foo"],
                                "msg": "Extra inputs are not permitted",
                                "input": 1,
                            }
                        ]
                    },
                    "type": "invalid_request_error",
                    "code": None,
                },
            ),
            "llama-server": llama(422, "Unprocessable", "invalid_request_error"),
        },
        "minute_429": {
            "groq": groq(
                429,
                f"Rate limit reached for model `openai/gpt-oss-20b` {_ORG} on tokens per minute (TPM): Limit 8000, Used "
                "6644, Requested 2931. Please try again in 11.8125s.",
                "rate_limit_exceeded",
                "tokens",
                retry_after="12",
            ),
            "gemini": Refusal(429, quota_failure(_MINUTE, "15", message=_QUOTA)),
            "openrouter": openrouter(
                429,
                "Rate limit exceeded: free-models-per-min. ",
                headers={"X-RateLimit-Limit": "20", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1790000060000"},
            ),
            "mistral": mistral(
                429,
                "Rate limit exceeded",
                "rate_limited",
                "1300",
                retry_after="7",
                x_ratelimit_limit_req_minute="60",
                x_ratelimit_remaining_req_minute="0",
            ),
            "llama-server": llama(429, "Too many requests", "rate_limit_error"),
        },
        "day_429": {
            "groq": groq(
                429,
                f"Rate limit reached for model `openai/gpt-oss-20b` {_ORG} on tokens per day (TPD): Limit 200000, Used "
                "199336, Requested 13833. Please try again in 1h34m52.896s.",
                "rate_limit_exceeded",
                "tokens",
                retry_after="5693",
            ),
            "gemini": Refusal(429, quota_failure(_DAY, "500", message=_QUOTA)),
            "openrouter": openrouter(
                429,
                "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day",
                headers={"X-RateLimit-Limit": "50", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1790035200000"},
            ),
            "mistral": mistral(429, "Requests rate limit exceeded for this month", "rate_limited", "1300"),
        },
        "bare_429": {
            "groq": groq(429, "Too Many Requests", "rate_limit_exceeded"),
            "gemini": gemini(429, "Resource has been exhausted (e.g. check quota).", "RESOURCE_EXHAUSTED"),
            "openrouter": openrouter(429, "Too Many Requests"),
            "mistral": mistral(429, "Rate limit exceeded", "rate_limited", "1300"),
            "llama-server": Refusal(429, ""),
        },
        "no_free_tier_429": {
            "gemini": Refusal(
                429,
                quota_failure(
                    _DAY, "0", message=f"{_QUOTA}\n* Quota exceeded for metric: free_tier_requests, limit: 0"
                ),
            ),
        },
        "capacity_429": {
            "openrouter": openrouter(
                429,
                "Provider returned error",
                provider_name="Google",
                raw="openai/gpt-oss-20b:free is temporarily rate-limited upstream. Please retry shortly.",
            ),
            "mistral": mistral(
                429, "Service tier capacity exceeded for this model.", "service_tier_capacity_exceeded", "3505"
            ),
        },
        "capacity_498": {"groq": groq(498, "Flex tier capacity exceeded", "capacity_exceeded", "server_error")},
        "error_500": {
            "groq": groq(500, "Internal Server Error", "internal_server_error", "server_error"),
            "gemini": gemini(500, "An internal error has occurred. Please retry.", "INTERNAL"),
            "openrouter": openrouter(500, "Internal Server Error"),
            "mistral": mistral(500, "Internal server error", "server_error", "3700"),
            "llama-server": llama(500, "the model runner has crashed", "server_error"),
        },
        "bad_gateway_502": {**everywhere(gateway(502, "Bad Gateway")), "openrouter": openrouter(502, "Bad gateway")},
        "unavailable_503": {
            "groq": groq(
                503, "Service unavailable: over capacity. Back off.", "over_capacity", "server_error", retry_after="1"
            ),
            "gemini": gemini(503, "The model is overloaded. Please try again later.", "UNAVAILABLE"),
            "openrouter": openrouter(503, "There is no available model provider that meets your routing requirements"),
            "mistral": gateway(503, "Service Unavailable"),
            "llama-server": llama(503, "Loading model", "unavailable_error"),
        },
        "gateway_timeout_504": {
            **everywhere(gateway(504, "Gateway Time-out")),
            "gemini": gemini(504, "Deadline expired before operation could complete.", "DEADLINE_EXCEEDED"),
        },
        "overloaded_529": everywhere(
            Refusal(529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
        ),
        "elsewhere_404": everywhere(gateway(404, "Not Found")),
        "redirect_302": everywhere(Refusal(302, "", {"location": "https://login.invalid/"})),
    }
)
