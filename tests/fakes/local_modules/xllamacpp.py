"""Stands in for the native module: its server answers chat completions, and shows the parameters it was given.

What the model file holds after `GGUF ` says how it behaves: answers, cannot-load, never-ready, waits (each answer until
a file `.go` stands beside the model), crashes-once, always-crashes. It leaves one `.started` line there for each start.
"""

import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Params:
    """Takes any parameter; one that is read before it was set is a group of further ones."""

    def __getattr__(self, name: str) -> "Params":
        group = Params()
        setattr(self, name, group)
        return group

    def flat(self, above: str = "") -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in vars(self).items():
            found |= value.flat(f"{above}{name}.") if isinstance(value, Params) else {above + name: value}
        return json.loads(json.dumps(found, default=list))


CommonParams = Params


def get_device_info() -> list[dict[str, str]]:
    return [{"name": "CPU", "type": "GGML_BACKEND_DEVICE_TYPE_CPU"}]


class Server:
    def __init__(self, params: Params) -> None:
        os.write(1, b"chatter of native code\n")
        shown = params.flat()
        model = Path(shown["model.path"])
        behaviour = model.read_text(encoding="utf-8").partition(" ")[2].strip() if model.exists() else ""
        earlier = journal(model, shown) if behaviour else 0
        if behaviour == "cannot-load":
            sys.stderr.write("0.1 I loading\n0.2 E gguf: invalid magic\n0.3 E giving up\n")
            sys.stderr.flush()
            os._exit(3)
        if behaviour == "never-ready":
            threading.Event().wait()
        crashes = behaviour == "always-crashes" or (behaviour == "crashes-once" and earlier == 0)
        go = model.with_suffix(".go") if behaviour == "waits" else None
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(shown, go, crashes=crashes))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.listening_address = f"http://127.0.0.1:{server.server_port}"


def journal(model: Path, shown: dict[str, Any]) -> int:
    """Note this start; how many there were before it."""
    file = model.with_suffix(".started")
    earlier = file.read_text(encoding="utf-8").count("\n") if file.exists() else 0
    facts = {"pid": os.getpid(), "params": shown, "argv": sys.argv, "environ": dict(os.environ)}
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(facts) + "\n")
    return earlier


def handler_of(params: dict[str, Any], go: Path | None, *, crashes: bool) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(200, params)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if self.headers["authorization"] != f"Bearer {params['api_keys'][0]}":
                self.answer(401, {"error": {"message": "Invalid API Key"}})
                return
            if crashes:
                os._exit(7)
            while go is not None and not go.exists():
                time.sleep(0.005)
            facts = {name: body.get(name) for name in ("model", "temperature", "top_p")}
            shown = json.dumps({**facts, "connection": self.headers["connection"], "pid": os.getpid()})
            message = {"role": "assistant", "content": shown}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            usage = {"prompt_tokens": 3, "completion_tokens": 2}
            timings = {"prompt_per_second": 300.0, "predicted_per_second": 120.0}
            self.answer(200, {"model": body["model"], "choices": [choice], "usage": usage, "timings": timings})

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
