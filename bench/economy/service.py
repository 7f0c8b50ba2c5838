"""A stand-in for every service that the ways ask: it says what it is told to and counts what it heard and said.

It speaks OpenAI's chat completions, streamed and whole, and as much of Ollama's API as a client needs that finds its
models there. Tokens are those of the messages' texts, so that nothing is counted twice and no wire format is counted.
"""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from bench import tokens

MODEL = "mistral-small-latest"
CLOUD_MODELS = (MODEL, "mistral-medium-latest", "devstral-2512")
LOCAL_MODEL = "qwen3-coder:30b"
ROOM = 100_000_000
_PIECES = 8
_LIMITS = {"x-ratelimit-limit-req-minute": str(ROOM), "x-ratelimit-limit-tokens-minute": str(ROOM)}
_LISTED: dict[str, dict[str, Any]] = {
    "/local/v1/models": {"object": "list", "data": [{"id": LOCAL_MODEL, "object": "model"}]},
    "/models": {"object": "list", "data": [{"id": model, "object": "model"} for model in CLOUD_MODELS]},
    "/api/tags": {"models": [{"name": LOCAL_MODEL, "model": LOCAL_MODEL, "size": 1, "details": {}}]},
    "/api/show": {"details": {}, "model_info": {}, "capabilities": ["completion", "tools"]},
    "/api/version": {"version": "0.12.0"},
}


@dataclass(slots=True)
class Service:
    """What it says next, and what it has heard and said so far."""

    address: str = ""
    heard: int = 0
    said: int = 0
    requests: int = 0
    unknown: list[str] = field(default_factory=list[str])
    """Paths that were asked for and are not there."""
    last_text: str = ""
    """The texts of the last request."""
    _script: list[str] = field(default_factory=lambda: ["Yes."])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def say(self, *texts: str) -> None:
        """The next answers, in order; the last one also after that."""
        with self._lock:
            self._script = list(texts)

    def answer(self, asked: dict[str, Any]) -> tuple[str, int, int]:
        """One answer, and the tokens heard and said."""
        messages: list[dict[str, Any]] = asked.get("messages") or [{"content": asked.get("prompt", "")}]
        text = "\n".join(_text(message.get("content")) for message in messages)
        heard = tokens.count(text)
        with self._lock:
            said_text = self._script.pop(0) if len(self._script) > 1 else self._script[0]
            said = tokens.count(said_text)
            self.heard, self.said, self.requests = self.heard + heard, self.said + said, self.requests + 1
            self.last_text = text
        return said_text, heard, said


def _text(content: Any) -> str:
    """The text of a message, which may stand in parts."""
    if isinstance(content, list):
        return "\n".join(str(cast("dict[str, Any]", part).get("text", "")) for part in cast("list[Any]", content))
    return str(content or "")


def _completion(model: str, text: str, heard: int, said: int) -> dict[str, Any]:
    usage = {"prompt_tokens": heard, "completion_tokens": said, "total_tokens": heard + said}
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "c1", "object": "chat.completion", "created": 1, "model": model, "choices": [choice], "usage": usage}


def _events(model: str, text: str, heard: int, said: int) -> bytes:
    def event(delta: dict[str, str], finish: str | None = None, **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        body = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [choice]}
        return f"data: {json.dumps(body | more)}\n\n".encode()

    step = max(1, len(text) // _PIECES)
    pieces = [event({"role": "assistant", "content": text[at : at + step]}) for at in range(0, len(text), step)]
    usage = {"prompt_tokens": heard, "completion_tokens": said, "total_tokens": heard + said}
    return b"".join(pieces) + event({}, "stop", usage=usage) + b"data: [DONE]\n\n"


def _ollama(path: str, model: str, text: str, heard: int, said: int) -> dict[str, Any]:
    counts = {"prompt_eval_count": heard, "eval_count": said, "done": True, "done_reason": "stop"}
    body = {"response": text} if path.endswith("generate") else {"message": {"role": "assistant", "content": text}}
    return {"model": model, "created_at": "2026-11-01T00:00:00Z", **body, **counts}


def _reply(service: Service, path: str, body: bytes) -> tuple[int, str, bytes]:
    """Status, content type and body."""
    for end, listed in _LISTED.items():
        if path.endswith(end):
            return 200, "application/json", json.dumps(listed).encode()
    if not path.endswith(("/chat/completions", "/api/chat", "/api/generate")):
        service.unknown.append(path)
        return 404, "application/json", b'{"error": {"message": "the stand-in has no such path"}}'
    asked: dict[str, Any] = json.loads(body)
    text, heard, said = service.answer(asked)
    model = str(asked["model"])
    if path.endswith("/chat/completions"):
        if asked.get("stream"):
            return 200, "text/event-stream", _events(model, text, heard, said)
        return 200, "application/json", json.dumps(_completion(model, text, heard, said)).encode()
    return 200, "application/x-ndjson", json.dumps(_ollama(path, model, text, heard, said)).encode() + b"\n"


@contextmanager
def running() -> Generator[Service]:
    """A stand-in on a free port of loopback for the length of a `with`."""
    service = Service()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            status, kind, made = _reply(service, self.path.partition("?")[0], body)
            self.send_response(status)
            for name, value in {"content-type": kind, "content-length": str(len(made)), **_LIMITS}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(made)

        do_GET = do_POST = _handle  # noqa: N815 - the names that http.server asks for

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that http.server gives it
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    service.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
