"""A stand-in for Groq on loopback: answers every chat at once, streamed as Groq streams, in a process of its own.

Its first line on stdout is its base URL. It ends when its stdin closes. Raw asyncio, so that next to nothing of what is
measured is spent here.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

WORDS = ("The", " answer", " is", " short", ",", " plain", " and", " correct", ".")
ANSWER = "".join(WORDS)
MODELS = ("openai/gpt-oss-20b", "openai/gpt-oss-120b")
ROOMY = "".join(
    f"x-ratelimit-{name}: {value}\r\n"
    for name, value in {
        "limit-requests": 1_000_000,
        "remaining-requests": 999_999,
        "reset-requests": "1s",
        "limit-tokens": 100_000_000,
        "remaining-tokens": 99_999_999,
        "reset-tokens": "10ms",
    }.items()
)


def _chunk(model: str, delta: dict[str, str], finish: str | None = None, **more: Any) -> bytes:
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_790_000_000,
        "model": model,
        "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}],
        **more,
    }
    return b"data: " + json.dumps(body, separators=(",", ":")).encode() + b"\n\n"


def _events(model: str) -> list[bytes]:
    usage = {"prompt_tokens": 80, "completion_tokens": len(WORDS), "total_tokens": 80 + len(WORDS)}
    return [
        _chunk(model, {"role": "assistant", "content": ""}),
        *(_chunk(model, {"content": word}) for word in WORDS),
        _chunk(model, {}, "stop", x_groq={"id": "req_1", "usage": usage}),
        b"data: [DONE]\n\n",
    ]


def _streamed(model: str) -> bytes:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n{ROOMY}\r\n"
    framed = b"".join(b"%x\r\n%s\r\n" % (len(event), event) for event in _events(model))
    return head.encode() + framed + b"0\r\n\r\n"


def _whole(status: str, body: dict[str, Any]) -> bytes:
    text = json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(text)}\r\n{ROOMY}\r\n"
    return head.encode() + text


def reply(method: str, path: str, body: bytes) -> bytes:
    """The whole HTTP answer to one request."""
    if method == "GET" and path.endswith("/models"):
        listed = [
            {"id": model, "object": "model", "owned_by": "stand-in", "context_window": 131_072} for model in MODELS
        ]
        return _whole("200 OK", {"object": "list", "data": listed})
    if method == "POST" and path.endswith("/chat/completions"):
        asked = json.loads(body)
        if asked.get("stream"):
            return _streamed(asked["model"])
        return _whole("400 Bad Request", {"error": {"message": "the stand-in only streams", "type": "invalid_request"}})
    return _whole("404 Not Found", {"error": {"message": f"the stand-in has no {path}", "type": "not_found"}})


async def serve_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one connection's requests until it closes."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.split("\r\n")
            method, path, _ = first.split(" ")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            writer.write(reply(method, path, body))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def _serve() -> None:
    server = await asyncio.start_server(serve_connection, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    async with server:
        await asyncio.to_thread(sys.stdin.read)


@contextmanager
def running() -> Generator[str]:
    """A stand-in process for the length of a `with`; gives its base URL."""
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).resolve())], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


if __name__ == "__main__":
    asyncio.run(_serve())
