"""`python -m delegate_mcp.local.engine_process ENGINE`: the process that runs one engine with one model.

Apart from the host, so that a crash of native code costs a request and not the host or the other models. It reads its
order as one JSON line from stdin, prints one JSON line `{"port": N}` when the model is loaded, and ends when stdin
closes: that is, whenever the host ends, however it ends. With `--on-gpu` it only prints `{"on_gpu": true | false}`.
"""

import json
import os
import sys
import threading

from delegate_mcp.local import engine_serving
from delegate_mcp.local.engines import BY_NAME, Order

_ONLY_OUT = 1
_ERRORS = 2


def main(engine_name: str, *, only_gpu: bool) -> None:
    """Serve until stdin closes."""
    # Native code writes to stdout as it likes: what it finds there is stderr, our one line has a descriptor of its own.
    out = os.dup(_ONLY_OUT)
    os.dup2(_ERRORS, _ONLY_OUT)
    engine = BY_NAME[engine_name]
    if only_gpu:
        _say(out, {"on_gpu": getattr(engine_serving, engine.on_gpu)()})
        return
    order = Order(**json.loads(sys.stdin.buffer.readline()))
    watcher = threading.Thread(target=_end_with_stdin, daemon=True)
    watcher.start()
    _say(out, {"port": getattr(engine_serving, engine.serve)(order)})
    watcher.join()


def _say(out: int, fact: dict[str, object]) -> None:
    os.write(out, json.dumps(fact).encode() + b"\n")


def _end_with_stdin() -> None:
    # The descriptor itself, not sys.stdin: a thread that holds a stream's lock hinders the interpreter's end.
    while os.read(0, 4096):
        pass
    engine_serving.end_children()
    os._exit(0)  # requests under way must not hold it up, and nothing is left to save


if __name__ == "__main__":
    main(sys.argv[1], only_gpu="--on-gpu" in sys.argv[2:])
