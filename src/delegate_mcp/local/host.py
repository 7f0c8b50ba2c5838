"""`python -m delegate_mcp.local.host ENGINE`: the process that hosts one model, and nothing else.

Apart from the server, so that a crash of native code costs an answer and not the server. It reads its order as one
JSON line from stdin, prints one JSON line `{"port": N}` when the model is loaded, and ends when stdin closes: that is,
whenever the server that started it ends, however it ends.
"""

import json
import os
import sys
import threading

from delegate_mcp.local.engines import ENGINES, Order

_ONLY_OUT = 1
_ERRORS = 2


def main(engine_name: str) -> None:
    """Serve until stdin closes."""
    # Native code writes to stdout as it likes: what it finds there is stderr, our one line has a descriptor of its own.
    out = os.dup(_ONLY_OUT)
    os.dup2(_ERRORS, _ONLY_OUT)
    order = Order(**json.loads(sys.stdin.buffer.readline()))
    engine = next(row for row in ENGINES if row.name == engine_name)
    watcher = threading.Thread(target=_end_with_stdin, daemon=True)
    watcher.start()
    if engine.serve is None:
        raise SystemExit(f"{engine_name} is a program of its own")
    port = engine.serve(order)
    os.write(out, json.dumps({"port": port}).encode() + b"\n")
    watcher.join()


def _end_with_stdin() -> None:
    # The descriptor itself, not sys.stdin: a thread that holds a stream's lock hinders the interpreter's end.
    while os.read(0, 4096):
        pass
    os._exit(0)  # requests under way must not hold it up, and nothing is left to save


if __name__ == "__main__":
    main(sys.argv[1])
