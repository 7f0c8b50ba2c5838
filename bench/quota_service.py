"""A stand-in for Groq that enforces limits as the service does, in a process of its own.

`POST /_control` sets limits and the pace of its answers and begins new books; `GET /_control` reads the counts. A
request beyond a limit is refused with Groq's own 429 and counted: each is an overrun.
"""

import asyncio
import json
import sys
import time
import urllib.request
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from zlib import crc32

if not __package__:  # run as a file: put the repository on the path in place of this folder
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from bench.service_books import DAY_S, NAMES, Books, Limits, Refused, go_duration
from bench.wire import WORDS, event, in_own_process, serve, stream_end, stream_head, whole

FAST, SECOND, WARM = "openai/gpt-oss-20b", "openai/gpt-oss-120b", "qwen/qwen3.8-27b"
"""Who is asked first, who next, and who is asked once by each process before the clock starts."""
MODELS = (FAST, SECOND, WARM)
TEMPLATE_TOKENS = 70
"""What the service's own chat template adds to every prompt; no client can count it before it was told."""
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


async def chat(service: Service, body: bytes, writer: asyncio.StreamWriter) -> None:
    """Admit and answer one request, or refuse it."""
    asked = Chat.of(body, service.pace)
    books, wanted = service.of(asked.model), asked.prompt_tokens + asked.ceiling
    if wanted > books.limits.tpm:
        books.too_large += 1
        writer.write(whole("413 Payload Too Large", too_large_body(asked, books.limits.tpm)))
        return
    now = service.now()
    place, headers = books.ask(now, wanted), books.headers(now)
    if isinstance(place, Refused):
        headers["retry-after"] = str(int(place.retry_after_s) + 1)
        writer.write(whole("429 Too Many Requests", refusal_body(asked.model, place), headers))
        return
    try:
        await _answer(service.pace, asked, headers, writer)
    finally:
        books.settle(service.now(), place, asked.total)
    writer.write(stream_end(asked.model, asked.prompt_tokens, asked.output_tokens))


async def _answer(pace: Pace, asked: Chat, headers: Mapping[str, str], writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(pace.first_token_s)
    writer.write(stream_head(headers) + event(asked.model, {"role": "assistant", "content": ""}))
    for index in range(pace.chunks):
        if pace.chunk_s:
            await asyncio.sleep(pace.chunk_s)
        writer.write(event(asked.model, {"content": WORDS[index % len(WORDS)]}))


async def _reply(service: Service, method: str, path: str, body: bytes, writer: asyncio.StreamWriter) -> None:
    match method, path.rsplit("/", 1)[-1]:
        case "POST", "completions":
            await chat(service, body, writer)
        case "POST", "_control":
            service.control(json.loads(body))
            writer.write(whole("200 OK", {}))
        case "GET", "_control":
            writer.write(whole("200 OK", service.report()))
        case "GET", "models":
            listed = [{"id": model, "object": "model", "owned_by": "stand-in"} for model in MODELS]
            writer.write(whole("200 OK", {"object": "list", "data": listed}))
        case _:
            writer.write(whole("404 Not Found", {"error": {"message": f"no {path} here", "type": "not_found"}}))


async def _serve() -> None:
    began = time.time() - time.monotonic()
    service = Service(now=lambda: began + time.monotonic())  # a clock that is set while it runs changes no window
    await serve(partial(_reply, service))


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
    with in_own_process(__file__) as base_url:
        yield Remote(base_url)


def day_ends_in(now: float) -> float:
    """Seconds until the service's day ends: a bench of daily limits does not begin right before."""
    return DAY_S - now % DAY_S


if __name__ == "__main__":
    asyncio.run(_serve())
