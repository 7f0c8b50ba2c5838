"""What the stand-ins for Groq speak, each in a process of its own: HTTP, answers whole or streamed as events.

Raw asyncio, so that next to nothing of what is measured is spent here. Such a process tells its base URL in its first
line on stdout, and ends when its stdin closes.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

WORDS = ("The", " answer", " is", " short", ",", " plain", " and", " correct", ".")
ANSWER = "".join(WORDS)
"""What they answer."""

Reply = Callable[[str, str, bytes, asyncio.StreamWriter], Awaitable[None]]
"""Answers one request: its method, path and body."""


def whole(status: str, body: object, headers: Mapping[str, str] | None = None) -> bytes:
    """An answer in one piece."""
    text = json.dumps(body).encode()
    named = {"content-type": "application/json", "content-length": str(len(text)), **(headers or {})}
    return _head(status, named) + text


def stream_head(headers: Mapping[str, str]) -> bytes:
    """What comes before the events of a streamed answer."""
    return _head("200 OK", {"content-type": "text/event-stream", "transfer-encoding": "chunked", **headers})


def event(model: str, delta: Mapping[str, str], finish: str | None = None, **more: Any) -> bytes:
    """A piece of a streamed answer."""
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_790_000_000,
        "model": model,
        "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}],
        **more,
    }
    return _framed(b"data: " + json.dumps(body, separators=(",", ":")).encode() + b"\n\n")


def stream_end(model: str, prompt_tokens: int, output_tokens: int) -> bytes:
    """The last event with the usage, and the end."""
    usage = {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": output_tokens,
        "total_tokens": prompt_tokens + output_tokens,
    }
    last = event(model, {}, "stop", x_groq={"id": "req_1", "usage": usage})
    return last + _framed(b"data: [DONE]\n\n") + b"0\r\n\r\n"


def _head(status: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


async def serve(reply: Reply) -> None:
    """Answer on a free port until stdin closes."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Cancelled: the process ends while a client still holds its connection.
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.split("\r\n")
                method, path, _ = first.split(" ")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                await reply(method, path, body, writer)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    async with server:
        await asyncio.to_thread(sys.stdin.read)


@contextmanager
def in_own_process(program: str) -> Generator[str]:
    """Run that stand-in for the length of a `with`; gives its base URL."""
    command = [sys.executable, str(Path(program).resolve())]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
