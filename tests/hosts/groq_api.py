"""A stand-in Groq on loopback whose models all answer the same, and that keeps what it was asked."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.fakes.loopback import loopback
from tests.fakes.openai_service import USAGE, chunk, event

MODELS = ("openai/gpt-oss-20b", "openai/gpt-oss-120b", "qwen/qwen3.8-27b")


@dataclass(slots=True)
class GroqApi:
    """The service while it runs."""

    answer: Callable[[str], str]
    """From the whole of what a model is sent, as one text."""
    asked: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    base_url: str = ""

    @property
    def keys(self) -> dict[str, str]:
        """What a person sets to use it."""
        return {"GROQ_API_KEY": "gsk_dummy", "DELEGATE_MCP_PROVIDERS__GROQ__BASE_URL": self.base_url}

    async def complete(self, request: Request) -> Response:
        body = await request.json()
        self.asked.append(body)
        answer = self.answer("\n".join(message["content"] for message in body["messages"]))
        events = [chunk(answer), chunk(finish="stop"), chunk(usage=USAGE), "[DONE]"]
        return Response(b"".join(map(event, events)), media_type="text/event-stream")


async def _models(_: Request) -> Response:
    rows = [{"id": name, "object": "model", "created": 1, "owned_by": "stand-in", "active": True} for name in MODELS]
    return JSONResponse({"object": "list", "data": rows})


@asynccontextmanager
async def groq_api(answer: str | Callable[[str], str]) -> AsyncGenerator[GroqApi]:
    """Serve on a free loopback port until the block ends."""
    api = GroqApi((lambda _: answer) if isinstance(answer, str) else answer)
    routes = [
        Route("/openai/v1/chat/completions", api.complete, methods=["POST"]),
        Route("/openai/v1/models", _models, methods=["GET"]),
    ]
    async with loopback(Starlette(routes=routes)) as base_url:
        api.base_url = base_url
        yield api
