"""A stand-in for Groq on loopback: answers every chat at once, streamed as Groq streams, in a process of its own."""

import asyncio
import json
import sys
from contextlib import AbstractContextManager
from pathlib import Path

if not __package__:  # run as a file: put the repository on the path in place of this folder
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from bench.wire import WORDS, event, in_own_process, serve, stream_end, stream_head, whole

MODELS = ("openai/gpt-oss-20b", "openai/gpt-oss-120b")
_PROMPT_TOKENS = 80
_ROOMY = {
    "x-ratelimit-limit-requests": "1000000",
    "x-ratelimit-remaining-requests": "999999",
    "x-ratelimit-reset-requests": "1s",
    "x-ratelimit-limit-tokens": "100000000",
    "x-ratelimit-remaining-tokens": "99999999",
    "x-ratelimit-reset-tokens": "10ms",
}


def _streamed(model: str) -> bytes:
    words = (event(model, {"content": word}) for word in WORDS)
    first = event(model, {"role": "assistant", "content": ""})
    return b"".join([stream_head(_ROOMY), first, *words, stream_end(model, _PROMPT_TOKENS, len(WORDS))])


def _answer(method: str, path: str, body: bytes) -> bytes:
    """The whole HTTP answer to one request."""
    if method == "GET" and path.endswith("/models"):
        listed = [
            {"id": model, "object": "model", "owned_by": "stand-in", "context_window": 131_072} for model in MODELS
        ]
        return whole("200 OK", {"object": "list", "data": listed}, _ROOMY)
    if method == "POST" and path.endswith("/chat/completions"):
        asked = json.loads(body)
        if asked.get("stream"):
            return _streamed(asked["model"])
        error = {"message": "the stand-in only streams", "type": "invalid_request"}
        return whole("400 Bad Request", {"error": error}, _ROOMY)
    return whole("404 Not Found", {"error": {"message": f"the stand-in has no {path}", "type": "not_found"}}, _ROOMY)


async def _reply(method: str, path: str, body: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(_answer(method, path, body))


def running() -> AbstractContextManager[str]:
    """A stand-in process for the length of a `with`; gives its base URL."""
    return in_own_process(__file__)


if __name__ == "__main__":
    asyncio.run(serve(_reply))
