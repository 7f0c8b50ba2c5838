"""A stand-in for the Gemini API: answers with what a test hands it and keeps what was asked."""

import json
from collections.abc import Mapping
from typing import Any

import httpx

from tests.fakes.openai_service import OpenAIService, Pieces

GeminiService = OpenAIService
"""The same recorder; the responses below make it Gemini's."""


def piece(*texts: str, finish: str | None = None, thought: str | None = None, **more: Any) -> dict[str, Any]:
    """One piece of a streamed answer."""
    parts: list[dict[str, Any]] = [{"text": text} for text in texts]
    if thought is not None:
        parts.insert(0, {"text": thought, "thought": True})
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
    return {"candidates": [candidate | ({"finishReason": finish} if finish else {})], **more}


def framed(data: Mapping[str, Any]) -> bytes:
    """One piece as it goes over the wire."""
    return f"data: {json.dumps(data)}\r\n\r\n".encode()


def streamed(*pieces: Mapping[str, Any], error: Exception | None = None) -> httpx.Response:
    """A stream of these pieces as Gemini frames them."""
    body = Pieces(*map(framed, pieces), error=error)
    return httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=body)


def quota_failure(quota_id: str, value: str | None, *, message: str = "You exceeded your current quota.") -> Any:
    """The body of a 429."""
    violation = {
        "quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests",
        "quotaId": quota_id,
        "quotaDimensions": {"location": "global", "model": "gemini-3.6-flash"},
    } | ({} if value is None else {"quotaValue": value})
    details = [
        {"@type": "type.googleapis.com/google.rpc.Help", "links": [{"description": "limits", "url": "https://x"}]},
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "17s"},
    ]
    return {"error": {"code": 429, "message": message, "status": "RESOURCE_EXHAUSTED", "details": details}}
