"""How each service says a word of an answer, its end, and an error in the middle of it.

To add a service with an OpenAI-compatible API: a row in DIALECTS, and its refusals in `refusals`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from tests.fakes import gemini_service, openai_service


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One service as it is seen on the wire."""

    backend: str
    """The provider's name in the registry."""
    model: str
    path: str
    """What a person's base URL ends in."""
    gemini: bool = False

    @property
    def model_id(self) -> str:
        """As the catalog names it."""
        return f"{self.backend}:{self.model}"

    def event(self, data: Mapping[str, Any] | str) -> bytes:
        """One server-sent event."""
        if self.gemini and not isinstance(data, str):
            return gemini_service.framed(data)
        return openai_service.event(data)

    def word(self, text: str) -> bytes:
        """An event with a piece of the answer."""
        return self.event(gemini_service.piece(text) if self.gemini else openai_service.chunk(text))

    def thought(self, text: str) -> bytes:
        """An event with a piece of reasoning."""
        if self.gemini:
            return self.event(gemini_service.piece(thought=text))
        return self.event(openai_service.chunk(reasoning=text))

    def finish(self, reason: str = "") -> Sequence[bytes]:
        """The events at the end of an answer."""
        if self.gemini:
            usage = {"promptTokenCount": 12, "candidatesTokenCount": 7, "totalTokenCount": 19}
            return (self.event(gemini_service.piece("", finish=reason or "STOP", usageMetadata=usage)),)
        chunk = openai_service.chunk
        return tuple(map(self.event, (chunk(finish=reason or "stop"), chunk(usage=openai_service.USAGE), "[DONE]")))

    def error_in_stream(self) -> bytes:
        """The error that this service sends in the middle of an answer."""
        return self.event(_IN_STREAM.get(self.backend, _IN_STREAM["groq"]))


_IN_STREAM: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "groq": {
            "error": {"message": "Internal server error", "type": "internal_server_error", "code": "server_error"}
        },
        "gemini": {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}},
        "openrouter": {
            "id": "gen-1",
            "object": "chat.completion.chunk",
            "error": {"code": 502, "message": "Provider disconnected unexpectedly"},
            "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}],
        },
        "mistral": {
            "object": "error",
            "error": {"message": "Service unavailable.", "type": "server_error", "code": 3700},
        },
        "llama-server": {"error": {"code": 500, "message": "the slot was lost", "type": "server_error"}},
    }
)

DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        row.backend: row
        for row in (
            Dialect(backend="groq", model="openai/gpt-oss-20b", path=""),
            Dialect(backend="gemini", model="gemini-3.5-flash-lite", path="", gemini=True),
            Dialect(backend="openrouter", model="openai/gpt-oss-20b:free", path="/api/v1"),
            Dialect(backend="mistral", model="mistral-small-latest", path="/v1"),
            Dialect(backend="llama-server", model="qwen3:32b", path="/v1"),
        )
    }
)


def listed(dialect: Dialect) -> Mapping[str, Any]:
    """The models of a server on this machine."""
    return {"object": "list", "data": [{"id": dialect.model, "object": "model"}]}
