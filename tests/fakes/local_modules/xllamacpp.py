"""Stands in for the native module: keeps the parameters it is given and shows them on its port."""

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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
        return found


CommonParams = Params


class Server:
    def __init__(self, params: Params) -> None:
        os.write(1, b"chatter of native code\n")
        shown = json.dumps(params.flat(), default=list).encode()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("content-length", str(len(shown)))
                self.end_headers()
                self.wfile.write(shown)

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.listening_address = f"http://127.0.0.1:{server.server_port}"
