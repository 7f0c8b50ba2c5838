"""How each engine serves an order, in the process that hosts it (`engine_process`), and whether it can use a GPU."""

import importlib
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from typing import Any

from delegate_mcp.local.engines import LOOPBACK, Order

# Idle prompts that llama.cpp keeps in memory to answer a following turn sooner; its own default is 8 GiB.
PROMPT_CACHE_MIB = 256
_PROBE_S = 20.0
_POLL_S = 0.02
# A server ends with its Python object; these live as long as their process.
_KEPT: list[Any] = []


# --- xllamacpp -------------------------------------------------------------------------------------------------------


def serve_xllamacpp(order: Order) -> int:
    """llama.cpp's own HTTP server, in this process."""
    import xllamacpp  # pyright: ignore[reportMissingTypeStubs] - a native module without stubs

    native: Any = xllamacpp
    params = native.CommonParams()
    params.model.path = order.model
    params.model_alias = {order.name}
    params.hostnames = [LOOPBACK]
    params.port = 0
    params.api_keys = [order.secret]
    params.n_parallel = order.slots
    params.n_ctx = order.context_tokens * order.slots  # llama.cpp divides it among the slots
    params.n_gpu_layers = order.gpu_layers
    if order.threads is not None:
        params.cpuparams.n_threads = order.threads
        params.cpuparams_batch.n_threads = order.threads
    params.cont_batching = True
    params.cache_prompt = True
    params.cache_ram_mib = PROMPT_CACHE_MIB
    params.verbosity = 1  # errors only: more would write prompts to stderr
    params.offline = True
    # Answering is all it is for: no page, no proxy, no files, no view of other requests.
    params.ui = False
    params.ui_mcp_proxy = False
    params.endpoint_slots = False
    params.endpoint_props = False
    params.endpoint_metrics = False
    params.cors_origins = ""
    params.media_path = ""
    params.slot_save_path = ""
    params.server_tools = []
    server = native.Server(params)
    _KEPT.append(server)
    return int(str(server.listening_address).rpartition(":")[2])


def xllamacpp_on_gpu() -> bool:
    """Whether it was built for a GPU and sees one."""
    import xllamacpp  # pyright: ignore[reportMissingTypeStubs] - a native module without stubs

    native: Any = xllamacpp
    return any("GPU" in str(device["type"]).upper() for device in native.get_device_info())


# --- llama-server ----------------------------------------------------------------------------------------------------


def serve_llama_server(order: Order) -> int:
    """llama.cpp's program, a child of this process that ends with it."""
    with socket.create_server((LOOPBACK, 0)) as finder:  # it can be given a port, and tells none
        port = int(finder.getsockname()[1])
    flags: dict[str, object] = {
        "--model": order.model,
        "--alias": order.name,
        "--host": LOOPBACK,
        "--port": port,
        "--parallel": order.slots,
        "--ctx-size": order.context_tokens * order.slots,
        "--cache-ram": PROMPT_CACHE_MIB,
        "--log-verbosity": 1,
    }
    if order.threads is not None:
        flags |= {"--threads": order.threads, "--threads-batch": order.threads}
    if order.gpu_layers >= 0:
        flags["--n-gpu-layers"] = order.gpu_layers
    argv = [_llama_server(), *(str(part) for flag in flags.items() for part in flag)]
    argv += ["--offline", "--cont-batching", "--no-webui", "--no-slots"]
    # Not in its argv, which every user of the machine can read.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("LLAMA_ARG_")}
    child = subprocess.Popen(  # noqa: S603 - no shell, and every part of the argv is ours
        [*_dying_with_us(), *argv], env={**environ, "LLAMA_API_KEY": order.secret}, stdin=subprocess.DEVNULL
    )
    _KEPT.append(child)
    _await_health(child, port)
    threading.Thread(target=_end_with, args=(child,), daemon=True).start()
    return port


def llama_server_on_gpu() -> bool:
    """Whether its list of devices has one that is no processor."""
    said = subprocess.run(  # noqa: S603 - no shell
        [_llama_server(), "--list-devices"], capture_output=True, text=True, timeout=_PROBE_S, check=False
    )
    return re.search(r"(?m)^\s+\w+\d+:", said.stdout) is not None


def _llama_server() -> str:
    found = shutil.which("llama-server")
    if found is None:
        raise SystemExit("E llama-server is no longer on PATH")
    return found


def _dying_with_us() -> tuple[str, ...]:
    """On Linux its end comes with ours even where we are killed; elsewhere the host ends the whole group."""
    found = shutil.which("setpriv") if sys.platform == "linux" else None
    return (found, "--pdeathsig", "KILL", "--") if found else ()


def _await_health(child: subprocess.Popen[bytes], port: int) -> None:
    """Wait until it has loaded; whoever started this process bounds the time."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while child.poll() is None:
        try:
            with opener.open(f"http://{LOOPBACK}:{port}/health", timeout=_PROBE_S):
                return
        except (urllib.error.URLError, OSError):  # not listening yet, or 503 while it loads
            time.sleep(_POLL_S)
    sys.exit(_as_exit_code(child.returncode))


def _end_with(child: subprocess.Popen[bytes]) -> None:
    os._exit(_as_exit_code(child.wait()))


def end_children() -> None:
    """End the engine that is a program of its own."""
    for kept in _KEPT:
        if isinstance(kept, subprocess.Popen):
            kept.kill()


def _as_exit_code(code: int) -> int:
    return code if code >= 0 else 128 - code


# --- llama-cpp-python ------------------------------------------------------------------------------------------------


def serve_llama_cpp_python(order: Order) -> int:
    """The FastAPI server of llama-cpp-python, in this process; one request at a time, in the order they came."""
    os.environ.pop("CONFIG_FILE", None)  # a file of another server of this kind
    app_module: Any = importlib.import_module("llama_cpp.server.app")
    settings: Any = importlib.import_module("llama_cpp.server.settings")
    uvicorn: Any = importlib.import_module("uvicorn")
    app = app_module.create_app(
        server_settings=settings.ServerSettings(
            host=LOOPBACK,
            api_key=order.secret,
            interrupt_requests=False,  # one call must not cut another's answer short
        ),
        model_settings=[
            settings.ModelSettings(
                model=order.model,
                model_alias=order.name,
                n_ctx=order.context_tokens,
                n_gpu_layers=order.gpu_layers,
                verbose=False,
                **({} if order.threads is None else {"n_threads": order.threads, "n_threads_batch": order.threads}),
            )
        ],
    )
    listener = socket.create_server((LOOPBACK, 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False))
    threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True).start()
    return int(listener.getsockname()[1])


def llama_cpp_python_on_gpu() -> bool:
    """Whether it was compiled for a GPU."""
    return bool(importlib.import_module("llama_cpp").llama_supports_gpu_offload())
