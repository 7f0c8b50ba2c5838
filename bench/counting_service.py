"""A stand-in for Mistral on loopback that answers after a moment and counts what it took and what it served."""

import asyncio
import json
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

MODEL = "mistral-small-latest"
USAGE = {"prompt_tokens": 80, "completion_tokens": 9, "total_tokens": 89}
ANSWER = "The answer is short."
ROOM = 10_000_000
"""The limits that it tells: more than any run uses."""


def _event(delta: dict[str, str], finish: str | None = None, **more: object) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    body = {"id": "c1", "object": "chat.completion.chunk", "model": MODEL, "choices": [choice], **more}
    return f"data: {json.dumps(body)}\n\n".encode()


_EVENTS = (
    _event({"role": "assistant", "content": ANSWER[:10]}),
    _event({"content": ANSWER[10:]}) + _event({}, "stop", usage=USAGE) + b"data: [DONE]\n\n",
)

_MODELS = json.dumps({"object": "list", "data": [{"id": MODEL, "object": "model"}]}).encode()
_LISTED = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(_MODELS), _MODELS)


@dataclass(slots=True)
class CountingService:
    """What it has seen so far."""

    slowest_s: float
    base_url: str = ""
    received: int = 0
    """Requests that came whole."""
    served: int = 0
    """Answers that were written to their last byte."""
    under_way: int = 0
    quiet: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while nothing is under way."""
    heard: Callable[[bytes], None] = lambda _: None
    """Told of every request's body."""
    _chance: random.Random = field(default_factory=random.Random)

    def count(self) -> bytes:
        """Take one more request; the head of its answer."""
        self.received += 1
        limits = f"x-ratelimit-limit-req-minute: {ROOM}\r\nx-ratelimit-limit-tokens-minute: {ROOM}\r\n"
        chunked = "content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n"
        return f"HTTP/1.1 200 OK\r\n{chunked}{limits}\r\n".encode()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests until it closes or its client is killed."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                if head.startswith("get "):  # which models there are
                    writer.write(_LISTED)
                    await writer.drain()
                    continue
                length = next(line for line in head.split("\r\n") if line.startswith("content-length:"))
                self.heard(await reader.readexactly(int(length.partition(":")[2])))
                self.under_way += 1
                self.quiet.clear()
                try:
                    writer.write(self.count())
                    for event in _EVENTS:
                        writer.write(b"%x\r\n%s\r\n" % (len(event), event))
                        await writer.drain()
                        await asyncio.sleep(self._chance.uniform(0, self.slowest_s / 2))
                    writer.write(b"0\r\n\r\n")
                    await writer.drain()
                    self.served += 1
                finally:
                    self.under_way -= 1
                    if not self.under_way:
                        self.quiet.set()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the client has gone, or the run has ended
        finally:
            writer.close()


@asynccontextmanager
async def counting_service(slowest_s: float = 0.08) -> AsyncGenerator[CountingService]:
    """Serve on a free port while the block runs."""
    service = CountingService(slowest_s)
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    service.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    async with server:
        yield service
