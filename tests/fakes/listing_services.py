"""Services that list their models, each in its own form, on loopback; `lists` can be changed while they run."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.fakes.loopback import loopback


def _groq(name: str, context: int = 131_072, output: int = 65_536, *, active: bool = True) -> dict[str, Any]:
    return {
        "id": name, "object": "model", "created": 1, "owned_by": "x", "active": active,
        "context_window": context, "max_completion_tokens": output, "public_apps": None,
    }  # fmt: skip


def openrouter_row(name: str, prompt: str = "0", answer: str = "0", **more: Any) -> dict[str, Any]:
    """One model as OpenRouter lists it."""
    return {
        "id": name, "canonical_slug": name, "name": name, "created": 1, "context_length": 262_144,
        "architecture": {"modality": "text+image->text", "input_modalities": ["text", "image"],
                         "output_modalities": ["text"], "tokenizer": "Other"},
        "pricing": {"prompt": prompt, "completion": answer, "request": "0", "image": "0"},
        "top_provider": {"context_length": 262_144, "max_completion_tokens": 32_768, "is_moderated": False},
        "per_request_limits": None,
        "supported_parameters": ["max_tokens", "tools", "tool_choice", "structured_outputs", "reasoning"],
        **more,
    }  # fmt: skip


LISTS: dict[str, object] = {
    "groq": {
        "object": "list",
        "data": [
            _groq("openai/gpt-oss-20b"),
            _groq("openai/gpt-oss-120b", 120_000),
            _groq("moonshotai/kimi-k3", 262_144),
            _groq("whisper-large-v3", 448, 448),
            _groq("openai/gpt-oss-safeguard-20b"),
            _groq("old/gone-32b", active=False),
        ],
    },
    "gemini": {
        "models": [
            {"name": "models/gemini-3.8-flash", "inputTokenLimit": 1_048_576, "outputTokenLimit": 65_536,
             "supportedGenerationMethods": ["generateContent", "countTokens"], "thinking": True},
            {"name": "models/gemini-4-argon", "inputTokenLimit": 1_048_576, "outputTokenLimit": 65_536,
             "supportedGenerationMethods": ["generateContent"], "thinking": True},
            {"name": "models/gemma-5-27b-it", "inputTokenLimit": 131_072, "outputTokenLimit": 8_192,
             "supportedGenerationMethods": ["generateContent"]},
            {"name": "models/gemini-embedding-002", "supportedGenerationMethods": ["embedContent"]},
        ]
    },
    "openrouter": {
        "data": [
            openrouter_row("openai/gpt-oss-120b:free"),
            openrouter_row("openai/gpt-oss-20b:free", supported_parameters=["max_tokens", "temperature"]),
            openrouter_row("deepseek/deepseek-v5:free", context_length=163_840),
            openrouter_row("anthropic/claude-sonnet-5", "0.000003", "0.000015"),
            openrouter_row("openrouter/auto", "-1", "-1"),
        ]
    },
    "huggingface": {
        "object": "list",
        "data": [
            {"id": "openai/gpt-oss-120b", "object": "model", "owned_by": "openai",
             "architecture": {"input_modalities": ["text"], "output_modalities": ["text"]},
             "providers": [
                 {"provider": "one", "status": "live", "context_length": 131_072, "supports_tools": True,
                  "supports_structured_output": True, "pricing": {"input": 0.15, "output": 0.75}},
                 {"provider": "two", "status": "live", "context_length": 65_536, "supports_tools": True,
                  "supports_structured_output": False, "pricing": {"input": 0.1, "output": 0.5}},
                 {"provider": "three", "status": "error", "context_length": 1_000}]},
        ],
    },
    "mistral": {
        "object": "list",
        "data": [
            {"id": "mistral-small-2603", "object": "model", "aliases": ["mistral-small-latest"], "archived": False,
             "max_context_length": 262_144,
             "capabilities": {"completion_chat": True, "function_calling": True, "vision": False}},
            {"id": "mistral-embed", "object": "model", "max_context_length": 8_192,
             "capabilities": {"completion_chat": False}},
        ],
    },
    "cerebras": {"object": "list", "data": [{"id": "gpt-oss-120b", "object": "model", "owned_by": "Cerebras"}]},
    "together": [
        {"id": "openai/gpt-oss-120b", "type": "chat", "context_length": 131_072,
         "pricing": {"input": 0.15, "output": 0.6, "hourly": 0, "base": 0}},
        {"id": "black-forest-labs/flux", "type": "image", "pricing": {"input": 0, "output": 0}},
    ],
    "opencode-zen": {
        "object": "list",
        "data": [{"id": name, "object": "model"} for name in ("big-pickle", "mimo-v2.5-free", "gpt-6", "kimi-k3")],
    },
}  # fmt: skip
"""What each of them lists, in its own form."""


@dataclass(slots=True)
class Listing:
    """The services while they run."""

    lists: dict[str, object] = field(default_factory=lambda: dict(LISTS))
    fails: dict[str, int] = field(default_factory=dict[str, int])
    """Service -> the status with which it refuses."""
    asked: list[str] = field(default_factory=list[str])
    """Who was asked for a list, in order."""
    keys: dict[str, str] = field(default_factory=dict[str, str])
    url: str = ""
    hit: anyio.Event = field(default_factory=anyio.Event)
    """Somebody was asked."""

    def env(self, *names: str) -> dict[str, str]:
        """What a person with keys of these services sets; without names: of all."""
        found: dict[str, str] = {}
        for name in names or tuple(LISTS):
            spelt = name.upper().replace("-", "_")
            found[f"DELEGATE_MCP_PROVIDERS__{spelt}__BASE_URL"] = f"{self.url}/{name}"
            found[f"DELEGATE_MCP_PROVIDERS__{spelt}__API_KEY"] = f"key-of-{name}"
        return found

    async def answer(self, request: Request) -> Response:
        """One list."""
        name = request.path_params["name"]
        self.asked.append(name)
        self.hit.set()
        self.keys[name] = request.headers.get("x-goog-api-key") or request.headers.get("authorization", "")
        if name in self.fails:
            return JSONResponse({"error": {"message": "no"}}, self.fails[name])
        return JSONResponse(self.lists[name])


@asynccontextmanager
async def listing_services() -> AsyncGenerator[Listing]:
    """Serve them until the block ends."""
    them = Listing()
    ends = ("/{name}/models", "/{name}/openai/v1/models", "/{name}/v1beta/models")
    routes = [Route(end, them.answer, methods=["GET"]) for end in ends]
    async with loopback(Starlette(routes=routes)) as url:
        them.url = url
        yield them
