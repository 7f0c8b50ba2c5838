"""The engines that can host a model file on this machine, the first that is installed is used.

To add an engine: write a function that takes an `Order` and returns the loopback port it serves the OpenAI API on,
and add a row. An engine that is a program of its own gives `program` instead: it reads the order as one JSON line on
its stdin, prints one JSON line `{"port": N}` on its stdout, and ends when its stdin closes.
"""

import importlib
import os
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

LOOPBACK = "127.0.0.1"
# Idle prompts that llama.cpp keeps in memory to answer a following turn sooner; its own default is 8 GiB.
_PROMPT_CACHE_MIB = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a host is told to serve."""

    model: str
    """The file."""
    name: str
    """How the model is called in requests."""
    secret: str
    """What requests must bring as their bearer token."""
    context_tokens: int
    """For each of the slots."""
    slots: int
    gpu_layers: int
    threads: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """One engine."""

    name: str
    module: str
    """The module whose presence says that it is installed."""
    extra: str
    """The extra of this package that installs it."""
    serve: Callable[[Order], int] | None = None
    """Loads the model, serves it from threads of the host process, returns the port."""
    program: tuple[str, ...] = ("-m", "delegate_mcp.local.host")
    """What Python is started with to host it."""

    @property
    def installed(self) -> bool:
        """Whether its module can be found; nothing is loaded."""
        return find_spec(self.module) is not None


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
    params.cache_ram_mib = _PROMPT_CACHE_MIB
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


def serve_llama_cpp_python(order: Order) -> int:
    """The FastAPI server of llama-cpp-python, in this process; one request at a time."""
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


# A server ends with its Python object; these live as long as their process.
_KEPT: list[Any] = []

ENGINES: tuple[Engine, ...] = (
    Engine(name="xllamacpp", module="xllamacpp", extra="local", serve=serve_xllamacpp),
    Engine(name="llama-cpp-python", module="llama_cpp", extra="llama-cpp", serve=serve_llama_cpp_python),
)


def installed_engine(engines: Sequence[Engine] = ENGINES) -> Engine | None:
    """The engine that will be used, or None."""
    return next((engine for engine in engines if engine.installed), None)
