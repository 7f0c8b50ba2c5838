"""A stand-in Anthropic Messages API on loopback: a handler scripts each answer and every request is kept."""

import json
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.fakes.loopback import loopback

INPUT_TOKENS = 1200
OUTPUT_TOKENS = 34


@dataclass(frozen=True, slots=True)
class Text:
    """The model says this and ends its turn."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolUse:
    """The model calls a tool of the client."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Failure:
    """The service refuses."""

    status: int
    kind: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


Reply = Text | ToolUse | Failure

RATE_LIMITED = Failure(429, "rate_limit_error", "This request would exceed your rate limit.", {"retry-after": "30"})
OVERLOADED = Failure(529, "overloaded_error", "Overloaded")
BAD_KEY = Failure(401, "authentication_error", "invalid x-api-key")


@dataclass(frozen=True, slots=True)
class Received:
    """One request to /v1/messages."""

    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def model(self) -> str:
        return self.body["model"]

    @property
    def system(self) -> str:
        """The system prompt as one text."""
        return _text_of(self.body.get("system", ""))

    @property
    def tools(self) -> tuple[str, ...]:
        """Names of the tools that the model may call."""
        return tuple(tool["name"] for tool in self.body.get("tools", ()))

    @property
    def said(self) -> str:
        """Everything but tool results that the conversation holds, as one text."""
        return "\n".join(_text_of(message["content"]) for message in self.body["messages"])

    @property
    def tool_results(self) -> tuple[Mapping[str, Any], ...]:
        """The tool results that this request brings, in the order of the conversation."""
        blocks = (block for message in self.body["messages"] for block in _blocks(message["content"]))
        return tuple(block for block in blocks if block["type"] == "tool_result")

    def tool_result(self, number: int = -1) -> str:
        """The text of one tool result, as the model reads it."""
        return _text_of(self.tool_results[number].get("content", ""))


Handler = Callable[[Received], Reply]


class AnthropicApi:
    """The service while it runs; `received` grows with every request to /v1/messages."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self.received: list[Received] = []
        self.elsewhere: list[str] = []
        """Method and path of requests to other addresses."""
        self.base_url = ""

    def with_tools(self) -> list[Received]:
        """The requests of a conversation that has tools: not titles, quota checks and the like."""
        return [request for request in self.received if request.tools]

    @property
    def app(self) -> Starlette:
        routes = [
            Route("/v1/messages", self._messages, methods=["POST"]),
            Route("/v1/messages/count_tokens", _count_tokens, methods=["POST"]),
            Route("/{path:path}", self._elsewhere, methods=["GET", "HEAD", "POST"]),
        ]
        return Starlette(routes=routes)

    async def _messages(self, request: Request) -> Response:
        received = Received(dict(request.headers), await request.json())
        self.received.append(received)
        reply = self._handler(received)
        if isinstance(reply, Failure):
            error = {"type": "error", "error": {"type": reply.kind, "message": reply.message}}
            return JSONResponse(error, reply.status, dict(reply.headers))
        number = len(self.received)
        if received.body.get("stream"):
            events = "".join(_events(reply, received.model, number))
            return Response(events, media_type="text/event-stream")
        return JSONResponse(_message(reply, received.model, number))

    async def _elsewhere(self, request: Request) -> Response:
        self.elsewhere.append(f"{request.method} {request.url.path}")
        error = {"type": "error", "error": {"type": "not_found_error", "message": "Not found"}}
        return JSONResponse(error, 404)


async def _count_tokens(request: Request) -> Response:
    return JSONResponse({"input_tokens": len(await request.body()) // 4})


@asynccontextmanager
async def anthropic_api(handler: Handler) -> AsyncGenerator[AnthropicApi]:
    """Serve on a free loopback port until the block ends."""
    api = AnthropicApi(handler)
    async with loopback(api.app) as base_url:
        api.base_url = base_url
        yield api


def _message(reply: Text | ToolUse, model: str, number: int) -> dict[str, Any]:
    content: list[dict[str, Any]]
    if isinstance(reply, Text):
        content, stop_reason = [{"type": "text", "text": reply.text}], "end_turn"
    else:
        block = {"type": "tool_use", "id": f"toolu_{number:04}", "name": reply.name, "input": dict(reply.arguments)}
        content, stop_reason = [block], "tool_use"
    return {
        "id": f"msg_{number:04}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {
            "input_tokens": INPUT_TOKENS,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": OUTPUT_TOKENS,
        },
    }


def _events(reply: Text | ToolUse, model: str, number: int) -> Iterator[str]:
    """The same message as the service streams it."""
    message = _message(reply, model, number)
    begun: dict[str, Any] = {
        **message,
        "content": [],
        "stop_reason": None,
        "usage": {**message["usage"], "output_tokens": 1},
    }
    yield _event("message_start", {"message": begun})
    empty: dict[str, Any]
    if isinstance(reply, Text):
        empty, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": reply.text}
    else:
        empty = {**message["content"][0], "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(dict(reply.arguments))}
    yield _event("content_block_start", {"index": 0, "content_block": empty})
    yield _event("content_block_delta", {"index": 0, "delta": delta})
    yield _event("content_block_stop", {"index": 0})
    ended = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield _event("message_delta", {"delta": ended, "usage": {"output_tokens": OUTPUT_TOKENS}})
    yield _event("message_stop", {})


def _event(kind: str, data: Mapping[str, Any]) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **data})}\n\n"


def _blocks(content: str | Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _text_of(content: str | Sequence[Mapping[str, Any]]) -> str:
    return "\n".join(block["text"] for block in _blocks(content) if block["type"] == "text")
