"""A stand-in engine, run as a program: reads its order, serves chat completions, ends when its stdin closes.

Its last argument says how it behaves. Beside the model file it leaves one `.started` line for each start.
"""

import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

BEHAVIOUR = sys.argv[-1]


def main() -> None:
    order = json.loads(sys.stdin.buffer.readline())
    journal = Path(order["model"]).with_suffix(".started")
    earlier = journal.read_text(encoding="utf-8").count("\n") if journal.exists() else 0
    with journal.open("a", encoding="utf-8") as file:
        facts = {"pid": os.getpid(), "order": order, "argv": sys.argv, "environ": dict(os.environ)}
        file.write(json.dumps(facts) + "\n")
    if BEHAVIOUR == "cannot-load":
        sys.stderr.write("0.1 I loading\n0.2 E gguf: invalid magic\n0.3 E giving up\n")
        raise SystemExit(3)
    if BEHAVIOUR != "never-ready":
        crashes = BEHAVIOUR == "always-crashes" or (BEHAVIOUR == "crashes-once" and earlier == 0)
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(order, crashes=crashes))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdout.write(json.dumps({"port": server.server_port}) + "\n")
        sys.stdout.flush()
    while os.read(0, 4096):
        pass
    os._exit(0)


def handler_of(order: dict[str, Any], *, crashes: bool) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if self.headers["authorization"] != f"Bearer {order['secret']}":
                self.answer(401, {"error": {"message": "Invalid API Key"}})
            elif crashes:
                os._exit(7)
            else:
                facts = {name: body.get(name) for name in ("model", "temperature", "top_p")}
                shown = json.dumps({**facts, "connection": self.headers["connection"]})
                message = {"role": "assistant", "content": shown}
                choice = {"index": 0, "message": message, "finish_reason": "stop"}
                usage = {"prompt_tokens": 3, "completion_tokens": 2}
                self.answer(200, {"model": body["model"], "choices": [choice], "usage": usage})

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


if __name__ == "__main__":
    main()
