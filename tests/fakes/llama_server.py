"""A stand-in for llama.cpp's program `llama-server`: its flags, its health, its chat completions; needs no model."""

import argparse
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PIECES = ("Two ", "words", ".")


def main() -> None:
    if "--list-devices" in sys.argv:
        print("Available devices:\n  CUDA0: Stand-in GPU (24576 MiB, 24000 MiB free)")  # noqa: T201 - a program
        return
    parser = argparse.ArgumentParser()
    for flag in ("model", "alias", "host", "log-verbosity", "threads", "threads-batch"):
        parser.add_argument(f"--{flag}")
    for number in ("port", "parallel", "ctx-size", "n-gpu-layers", "cache-ram"):
        parser.add_argument(f"--{number}", type=int)
    for switch in ("offline", "cont-batching", "no-webui", "no-slots"):
        parser.add_argument(f"--{switch}", action="store_true")
    given = parser.parse_args()
    if Path(given.model).read_bytes()[:4] != b"GGUF":
        sys.stderr.write("0.00.001 E gguf_init_from_file: invalid magic\n")
        raise SystemExit(1)
    ThreadingHTTPServer((given.host, given.port), handler_of(given)).serve_forever()


def handler_of(given: argparse.Namespace) -> type[BaseHTTPRequestHandler]:
    loaded_at = time.monotonic() + 0.05

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            loading = time.monotonic() < loaded_at
            self.answer(503 if loading else 200, {"status": "loading model" if loading else "ok"})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if self.headers["authorization"] != f"Bearer {os.environ['LLAMA_API_KEY']}":
                self.answer(401, {"error": {"message": "Invalid API Key", "code": 401}})
            elif body.get("stream"):
                self.stream(body)
            else:
                self.answer(200, {"model": given.alias, "choices": [choice("message", text(body))], "usage": USAGE})

        def stream(self, body: dict[str, Any]) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
            pieces = PIECES if body.get("response_format") is None else (text(body),)
            chunks: list[dict[str, Any]] = [{"choices": [choice("delta", piece, None)]} for piece in pieces]
            chunks += [{"choices": [choice("delta", "", "stop")]}, {"choices": [], "usage": USAGE}]
            for chunk in chunks:
                self.wfile.write(f"data: {json.dumps({'model': given.alias, **chunk})}\n\n".encode())
            self.wfile.write(b"data: [DONE]\n\n")

        def answer(self, status: int, body: dict[str, Any]) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            """Say nothing."""

    return Handler


USAGE = {"prompt_tokens": 5, "completion_tokens": 3}


def text(body: dict[str, Any]) -> str:
    return "".join(PIECES) if body.get("response_format") is None else '{"colour": "red"}'


def choice(name: str, content: str, finish_reason: str | None = "stop") -> dict[str, Any]:
    return {"index": 0, name: {"role": "assistant", "content": content}, "finish_reason": finish_reason}


if __name__ == "__main__":
    main()
