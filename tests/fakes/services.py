"""Groq and Ollama on loopback, answering from a script: what a whole server is tested against."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.fakes.loopback import loopback
from tests.fakes.openai_service import USAGE, chunk, event

Body = dict[str, Any]
Answer = Callable[[Request], Awaitable[Response]]


def says(text: str, *, finish: str = "stop", **headers: str) -> Answer:
    """A whole streamed answer."""

    async def answer(_: Request) -> Response:
        events = [chunk(text), chunk(finish=finish), chunk(usage=USAGE), "[DONE]"]
        return Response(b"".join(map(event, events)), media_type="text/event-stream", headers=headers)

    return answer


def fails(status: int, message: str, code: str = "", **headers: str) -> Answer:
    """An HTTP error as these services word it."""

    async def answer(_: Request) -> Response:
        return JSONResponse({"error": {"message": message, "code": code}}, status, headers)

    return answer


@dataclass(slots=True)
class Slow:
    """An answer that says its first word, then waits to be let go; knows when its client hung up."""

    first: str = "so far"
    rest: str = " and the rest"
    began: anyio.Event = field(default_factory=anyio.Event)
    go_on: anyio.Event = field(default_factory=anyio.Event)
    left: anyio.Event = field(default_factory=anyio.Event)

    async def __call__(self, request: Request) -> Response:
        async def body() -> AsyncGenerator[bytes]:
            try:
                yield event(chunk(self.first))
                self.began.set()
                await self.go_on.wait()
                for one in (chunk(self.rest), chunk(finish="stop"), chunk(usage=USAGE), "[DONE]"):
                    yield event(one)
            except BaseException:
                self.left.set()
                raise

        return StreamingResponse(body(), media_type="text/event-stream")


@dataclass(slots=True)
class Service:
    """One service: its answers in order (the last again and again), and what it was asked."""

    answers: list[Answer] = field(default_factory=lambda: [says("the answer")])
    bodies: list[Body] = field(default_factory=list[Body])
    keys: list[str] = field(default_factory=list[str])

    async def complete(self, request: Request) -> Response:
        self.bodies.append(json.loads(await request.body()))
        self.keys.append(request.headers.get("authorization", ""))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await answer(request)

    @property
    def last_prompt(self) -> str:
        """The newest user message."""
        return self.bodies[-1]["messages"][-1]["content"]


@dataclass(slots=True)
class Services:
    """Both services while they run."""

    groq: Service = field(default_factory=Service)
    ollama: Service = field(default_factory=Service)
    url: str = ""

    @property
    def groq_env(self) -> dict[str, str]:
        """What a person sets to use Groq."""
        return {"GROQ_API_KEY": "gsk_dummy", "DELEGATE_MCP_PROVIDERS__GROQ__BASE_URL": f"{self.url}/groq"}

    @property
    def ollama_env(self) -> dict[str, str]:
        """What makes this the person's Ollama."""
        return {"DELEGATE_MCP_PROVIDERS__OLLAMA__BASE_URL": f"{self.url}/ollama/v1"}


async def _local_models(_: Request) -> Response:
    rows = [{"id": "qwen3:14b", "object": "model", "owned_by": "library", "created": 1}]
    return JSONResponse({"object": "list", "data": rows})


@asynccontextmanager
async def services() -> AsyncGenerator[Services]:
    """Serve both on one free loopback port until the block ends."""
    both = Services()
    routes = [
        Route("/groq/openai/v1/chat/completions", both.groq.complete, methods=["POST"]),
        Route("/ollama/v1/chat/completions", both.ollama.complete, methods=["POST"]),
        Route("/ollama/v1/models", _local_models, methods=["GET"]),
    ]
    async with loopback(Starlette(routes=routes)) as url:
        both.url = url
        yield both
