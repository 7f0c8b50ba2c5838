"""A stand-in for a chat-completions service: answers with what a test hands it and keeps what was asked."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import anyio
import httpx

Handler = Callable[[httpx.Request], httpx.Response]


class Pieces(httpx.AsyncByteStream):
    """A response body that arrives in exactly these pieces, then ends, breaks or says nothing more."""

    def __init__(self, *pieces: bytes, error: Exception | None = None, then_silence: bool = False) -> None:
        self._pieces = pieces
        self._error = error
        self._then_silence = then_silence
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece
        if self._then_silence:
            await anyio.sleep_forever()
        if self._error:
            raise self._error

    async def aclose(self) -> None:
        self.closed = True


class OpenAIService(httpx.MockTransport):
    """Give `handler`, or the one response for every request."""

    def __init__(self, answer: Handler | httpx.Response) -> None:
        self.requests: list[httpx.Request] = []
        self._answer = answer
        super().__init__(self._handle)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(request.content) for request in self.requests]

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self._answer if isinstance(self._answer, httpx.Response) else self._answer(request)


def chunk(
    text: str | None = None, *, finish: str | None = None, usage: Mapping[str, Any] | None = None, **delta: Any
) -> dict[str, Any]:
    """One chunk of a streamed completion."""
    content = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": {**content, **delta}, "finish_reason": finish}
    return {"id": "c", "model": "served", "object": "chat.completion.chunk", "choices": [choice], "usage": usage}


def event(data: Mapping[str, Any] | str) -> bytes:
    """One server-sent event."""
    return f"data: {data if isinstance(data, str) else json.dumps(data)}\n\n".encode()


USAGE = {"prompt_tokens": 12, "completion_tokens": 7, "total_tokens": 19}
"""What `answering` reports."""


def streamed(*data: Mapping[str, Any] | str, headers: Mapping[str, str] | None = None) -> httpx.Response:
    """A stream of these events."""
    return stream_of(*[event(one) for one in data], headers=headers)


def stream_of(
    *pieces: bytes, headers: Mapping[str, str] | None = None, error: Exception | None = None
) -> httpx.Response:
    """A stream of these bytes."""
    content_type = {"content-type": "text/event-stream"}
    return httpx.Response(200, headers={**content_type, **(headers or {})}, stream=Pieces(*pieces, error=error))


def answering(*words: str, finish: str = "stop", headers: Mapping[str, str] | None = None) -> httpx.Response:
    """A whole answer."""
    return streamed(*map(chunk, words), chunk(finish=finish), chunk(usage=USAGE), "[DONE]", headers=headers)


def failing(status: int, body: object, headers: Mapping[str, str] | None = None) -> httpx.Response:
    """An HTTP error with a JSON body."""
    return httpx.Response(status, json=body, headers=headers)
