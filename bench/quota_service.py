"""A stand-in for Groq that enforces limits as the service does, in a process of its own; raw asyncio.

Its first line on stdout is its base URL. It ends when its stdin closes. `POST /_control` sets limits and the pace of
its answers and begins new books; `GET /_control` reads the counts. A request beyond a limit is refused with Groq's own
429 and counted: each is an overrun.
"""

import asyncio
import contextlib
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

if not __package__:  # run as a file: put the repository on the path in place of this folder
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from bench.service_books import DAY_S, NAMES, Books, Limits, Refused, go_duration

FAST, SECOND, WARM = "openai/gpt-oss-20b", "openai/gpt-oss-120b", "qwen/qwen3.8-27b"
"""Who is asked first, who next, and who is asked once by each process before the clock starts."""
MODELS = (FAST, SECOND, WARM)
TEMPLATE_TOKENS = 70
"""What the service's own chat template adds to every prompt; no client can count it before it was told."""
WORDS = ("The", " answer", " is", " short", ",", " plain", " and", " correct", ".")
ANSWER = "".join(WORDS)
_ORGANISATION = "org_01bench"


@dataclass(frozen=True, slots=True)
class Pace:
    """How answers come."""

    first_token_s: float = 0.2
    chunk_s: float = 0.0
    """Between two pieces."""
    chunks: int = 9
    output_tokens: tuple[int, int] = (20, 60)
    """The least and the most that an answer reports; which, the prompt decides."""


@dataclass(slots=True)
class Service:
    """All models of the account."""

    pace: Pace = Pace()
    limits: Mapping[str, Limits] = field(default_factory=dict[str, Limits])
    books: dict[str, Books] = field(default_factory=dict[str, Books])
    now: Callable[[], float] = time.time

    def of(self, model: str) -> Books:
        """One model's books, opened at its first request."""
        return self.books.setdefault(model, Books(self.limits.get(model, Limits())))

    def control(self, asked: Mapping[str, Any]) -> None:
        """Begin anew with these limits and this pace."""
        self.limits = {model: Limits(**values) for model, values in asked.get("limits", {}).items()}
        pace: dict[str, Any] = dict(asked.get("pace", {}))
        pace["output_tokens"] = tuple(pace.get("output_tokens", Pace().output_tokens))
        self.pace = Pace(**pace)
        self.books = {}

    def report(self) -> dict[str, Any]:
        """The counts of every model that was asked."""
        return {model: books.report() for model, books in self.books.items()}


@dataclass(frozen=True, slots=True)
class Chat:
    """One request as the service reads it."""

    model: str
    prompt_tokens: int
    ceiling: int
    output_tokens: int

    @property
    def total(self) -> int:
        """What it has used in the end."""
        return self.prompt_tokens + self.output_tokens

    @classmethod
    def of(cls, body: bytes, pace: Pace) -> "Chat":
        """Count the prompt, with the template, and settle on an answer's length."""
        asked = json.loads(body)
        text = "".join(str(message["content"]) for message in asked["messages"])
        ceiling = int(asked.get("max_completion_tokens") or asked.get("max_tokens") or 1024)
        least, most = pace.output_tokens
        output = min(ceiling, least + crc32(text.encode()) % (most - least + 1))
        return cls(asked["model"], TEMPLATE_TOKENS + len(text) // 4, ceiling, output)


def refusal_body(model: str, refused: Refused) -> dict[str, Any]:
    """Groq's 429, word for word."""
    message = (
        f"Rate limit reached for model `{model}` in organization `{_ORGANISATION}` service tier `on_demand` on "
        f"{NAMES[refused.window]}: Limit {refused.limit}, Used {refused.used}, Requested {refused.requested}. "
        f"Please try again in {go_duration(refused.retry_after_s)}. Need more tokens? Upgrade to Dev Tier today at "
        "https://console.groq.com/settings/billing"
    )
    kind = "tokens" if refused.window == "TPM" else "requests"
    return {"error": {"message": message, "type": kind, "code": "rate_limit_exceeded"}}


def too_large_body(chat: Chat, limit: int) -> dict[str, Any]:
    """Groq's 413: the same code as a 429, and waiting never helps."""
    message = (
        f"Request too large for model `{chat.model}` in organization `{_ORGANISATION}` service tier `on_demand` on "
        f"tokens per minute (TPM): Limit {limit}, Requested {chat.prompt_tokens + chat.ceiling}, please reduce your "
        "message size and try again."
    )
    return {"error": {"message": message, "type": "tokens", "code": "rate_limit_exceeded"}}


def _head(status: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def _whole(status: str, body: object, headers: Mapping[str, str] | None = None) -> bytes:
    text = json.dumps(body).encode()
    head = {"content-type": "application/json", "content-length": str(len(text)), **(headers or {})}
    return _head(status, head) + text


def _event(model: str, delta: Mapping[str, str], finish: str | None = None, **more: Any) -> bytes:
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_790_000_000,
        "model": model,
        "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}],
        **more,
    }
    return _framed(b"data: " + json.dumps(body, separators=(",", ":")).encode() + b"\n\n")


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


async def chat(service: Service, body: bytes, writer: asyncio.StreamWriter) -> None:
    """Admit and answer one request, or refuse it."""
    asked = Chat.of(body, service.pace)
    books, wanted = service.of(asked.model), asked.prompt_tokens + asked.ceiling
    if wanted > books.limits.tpm:
        books.too_large += 1
        writer.write(_whole("413 Payload Too Large", too_large_body(asked, books.limits.tpm)))
        return
    now = service.now()
    place, headers = books.ask(now, wanted), books.headers(now)
    if isinstance(place, Refused):
        headers["retry-after"] = str(int(place.retry_after_s) + 1)
        writer.write(_whole("429 Too Many Requests", refusal_body(asked.model, place), headers))
        return
    try:
        await _answer(service.pace, asked, headers, writer)
    finally:
        books.settle(service.now(), place, asked.total)
    writer.write(_last(asked))


async def _answer(pace: Pace, asked: Chat, headers: Mapping[str, str], writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(pace.first_token_s)
    head = {"content-type": "text/event-stream", "transfer-encoding": "chunked", **headers}
    writer.write(_head("200 OK", head) + _event(asked.model, {"role": "assistant", "content": ""}))
    for index in range(pace.chunks):
        if pace.chunk_s:
            await asyncio.sleep(pace.chunk_s)
        writer.write(_event(asked.model, {"content": WORDS[index % len(WORDS)]}))


def _last(asked: Chat) -> bytes:
    usage = {
        "prompt_tokens": asked.prompt_tokens,
        "completion_tokens": asked.output_tokens,
        "total_tokens": asked.total,
    }
    return (
        _event(asked.model, {}, "stop", x_groq={"id": "req_1", "usage": usage})
        + _framed(b"data: [DONE]\n\n")
        + b"0\r\n\r\n"
    )


async def _reply(service: Service, method: str, path: str, body: bytes, writer: asyncio.StreamWriter) -> None:
    match method, path.rsplit("/", 1)[-1]:
        case "POST", "completions":
            await chat(service, body, writer)
        case "POST", "_control":
            service.control(json.loads(body))
            writer.write(_whole("200 OK", {}))
        case "GET", "_control":
            writer.write(_whole("200 OK", service.report()))
        case "GET", "models":
            listed = [{"id": model, "object": "model", "owned_by": "stand-in"} for model in MODELS]
            writer.write(_whole("200 OK", {"object": "list", "data": listed}))
        case _:
            writer.write(_whole("404 Not Found", {"error": {"message": f"no {path} here", "type": "not_found"}}))


async def serve_connection(service: Service, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one connection's requests until it closes."""
    # Cancelled: the process ends while a client still holds its connection.
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.split("\r\n")
            method, path, _ = first.split(" ")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            await _reply(service, method, path, body, writer)
            await writer.drain()
    writer.close()


async def _serve() -> None:
    began = time.time() - time.monotonic()
    service = Service(now=lambda: began + time.monotonic())  # a clock that is set while it runs changes no window
    server = await asyncio.start_server(
        lambda reader, writer: serve_connection(service, reader, writer), "127.0.0.1", 0, backlog=1024
    )
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    async with server:
        await asyncio.to_thread(sys.stdin.read)


@dataclass(frozen=True, slots=True)
class Remote:
    """A service process as a bench speaks to it."""

    base_url: str

    def control(self, limits: Mapping[str, Limits], pace: Pace | None = None) -> None:
        """Set limits and pace, and begin new books."""
        body = {"limits": {model: asdict(one) for model, one in limits.items()}, "pace": asdict(pace or Pace())}
        self._ask(json.dumps(body).encode())

    def report(self) -> dict[str, dict[str, Any]]:
        """The counts, by model."""
        return json.loads(self._ask(None))

    def _ask(self, body: bytes | None) -> bytes:
        request = urllib.request.Request(f"{self.base_url}/_control", data=body)  # noqa: S310 - our own loopback address
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - the same
            return answer.read()


@contextmanager
def running() -> Generator[Remote]:
    """A service process for the length of a `with`."""
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).resolve())], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield Remote(process.stdout.readline().strip())
        finally:
            process.terminate()


def day_ends_in(now: float) -> float:
    """Seconds until the service's day ends: a bench of daily limits does not begin right before."""
    return DAY_S - now % DAY_S


if __name__ == "__main__":
    asyncio.run(_serve())
