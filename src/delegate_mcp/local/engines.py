"""The engines that can host a model file on this machine; the first that is installed is used, or the one that is set.

To add an engine: write a function in `engine_serving.py` that takes an `Order` and returns the loopback port on which
it serves the OpenAI API, and add a row here. `tests/local/test_engine_contract.py` says what every engine must keep.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What an engine is told to serve."""

    model: str
    """The file."""
    name: str
    """How the model is called in requests."""
    secret: str = field(default="", repr=False)
    """What requests must bring as their bearer token; the host puts in its own."""
    context_tokens: int
    """For each of the slots."""
    slots: int
    """Requests that are answered at once; more wait their turn."""
    gpu_layers: int
    """-1: as many as fit."""
    threads: int | None
    """None: as the engine chooses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """One engine."""

    name: str
    serve: str
    """The function in `engine_serving` that serves an order from threads or a child of its process."""
    on_gpu: str
    """The function there that says whether it can compute on a GPU."""
    install: str
    """The command that installs it."""
    module: str = ""
    """The module whose presence says that it is installed."""
    program: str = ""
    """The program on PATH whose presence says so."""
    slots: int | None = None
    """The most requests it answers at once, whatever was ordered."""

    def installed(self, environ: Mapping[str, str] = os.environ) -> bool:
        """Whether its module or program can be found; nothing is loaded."""
        if self.program:
            return shutil.which(self.program, path=environ.get("PATH", os.defpath)) is not None
        return find_spec(self.module) is not None


ENGINES: tuple[Engine, ...] = (
    Engine(
        name="xllamacpp",
        module="xllamacpp",
        serve="serve_xllamacpp",
        on_gpu="xllamacpp_on_gpu",
        install="pip install 'delegate-mcp[local]'",
    ),
    Engine(
        name="llama-server",
        program="llama-server",
        serve="serve_llama_server",
        on_gpu="llama_server_on_gpu",
        install="install llama.cpp, so that `llama-server` is on PATH",
    ),
    Engine(
        name="llama-cpp-python",
        module="llama_cpp",
        serve="serve_llama_cpp_python",
        on_gpu="llama_cpp_python_on_gpu",
        install="pip install 'delegate-mcp[llama-cpp]'",
        slots=1,
    ),
)

BY_NAME: Mapping[str, Engine] = {engine.name: engine for engine in ENGINES}


def installed_engine(
    engines: Sequence[Engine] = ENGINES, environ: Mapping[str, str] = os.environ, named: str = "auto"
) -> Engine | None:
    """The engine that will be used, or None."""
    return next((engine for engine in engines if named in {"auto", engine.name} and engine.installed(environ)), None)


def installation(engines: Sequence[Engine] = ENGINES, named: str = "auto") -> str:
    """How to get an engine: the one that is named, else the first."""
    return next((engine.install for engine in engines if named in {"auto", engine.name}), ENGINES[0].install)
