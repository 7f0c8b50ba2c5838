"""The process of one engine, run as the host runs it, with the real engine's place taken by a small module."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from pathlib import Path

import anyio
import httpx
import pytest
from anyio.abc import Process
from anyio.streams.text import TextReceiveStream

from delegate_mcp.local import engine_serving
from delegate_mcp.local.engines import ENGINES, Order, installed_engine
from tests.fakes.local_person import MODULES

ORDER = Order(model="model.gguf", name="m", secret="s3cret", context_tokens=512, slots=2, gpu_layers=0, threads=1)


@asynccontextmanager
async def host(engine: str) -> AsyncGenerator[tuple[Process, dict[str, int], TextReceiveStream]]:
    """Yield the process, what it said when it was ready, and the rest of its stdout."""
    argv = [sys.executable, "-P", "-m", "delegate_mcp.local.engine_process", engine]
    env = {**os.environ, "PYTHONPATH": str(MODULES)}
    async with await anyio.open_process(argv, env=env, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        await process.stdin.send(json.dumps(asdict(ORDER)).encode() + b"\n")
        out = TextReceiveStream(process.stdout)
        with anyio.fail_after(30):
            said = await out.receive()
        yield process, json.loads(said), out


@pytest.mark.parametrize("engine", ["xllamacpp", "llama-cpp-python"])
async def test_it_says_its_port_in_one_line_and_ends_when_its_stdin_closes(engine: str) -> None:
    async with host(engine) as (process, said, out):
        assert set(said) == {"port"}
        assert process.stdin is not None
        await process.stdin.aclose()
        with anyio.fail_after(10):
            assert await process.wait() == 0
            with pytest.raises(anyio.EndOfStream):  # what the engine wrote to its stdout went elsewhere
                await out.receive()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
async def test_it_ends_when_it_is_told_to() -> None:
    async with host("xllamacpp") as (process, _, _):
        process.send_signal(signal.SIGTERM)
        with anyio.fail_after(10):
            assert await process.wait() == -signal.SIGTERM


async def test_what_native_code_prints_goes_to_stderr() -> None:
    async with host("xllamacpp") as (process, _, _):
        assert process.stdin is not None
        assert process.stderr is not None
        await process.stdin.aclose()
        with anyio.fail_after(10):
            said = "".join([text async for text in TextReceiveStream(process.stderr)])
    assert "chatter of native code" in said


async def test_xllamacpp_is_given_the_order_and_only_answers_prompts() -> None:
    async with host("xllamacpp") as (_, said, _), httpx.AsyncClient(trust_env=False) as client:
        params = (await client.get(f"http://127.0.0.1:{said['port']}")).json()
    assert params["model.path"] == "model.gguf"
    assert params["hostnames"] == ["127.0.0.1"]
    assert params["api_keys"] == ["s3cret"]
    assert params["n_parallel"] == 2
    assert params["n_ctx"] == 1_024  # for each slot what was ordered
    assert params["cpuparams.n_threads"] == params["cpuparams_batch.n_threads"] == 1
    closed = ("ui", "ui_mcp_proxy", "endpoint_slots", "endpoint_props", "endpoint_metrics", "server_tools")
    assert not any(params[name] for name in closed)


async def test_llama_cpp_python_is_given_the_order() -> None:
    async with host("llama-cpp-python") as (_, said, _), httpx.AsyncClient(trust_env=False) as client:
        given = (await client.get(f"http://127.0.0.1:{said['port']}")).json()
    assert given["server"] == {"host": "127.0.0.1", "api_key": "s3cret", "interrupt_requests": False}
    assert given["model"]["model"] == "model.gguf"
    assert given["model"]["model_alias"] == "m"
    assert given["model"]["n_ctx"] == 512
    assert given["model"]["n_threads"] == 1


@pytest.mark.parametrize("engine", ["xllamacpp", "llama-cpp-python"])
async def test_it_says_whether_its_engine_can_use_a_gpu(engine: str) -> None:
    argv = [sys.executable, "-P", "-m", "delegate_mcp.local.engine_process", engine, "--on-gpu"]
    done = await anyio.run_process(argv, env={**os.environ, "PYTHONPATH": str(MODULES)})
    assert json.loads(done.stdout) == {"on_gpu": engine == "llama-cpp-python"}


def test_every_engine_has_a_name_of_its_own_and_functions_that_are_there() -> None:
    assert len({row.name for row in ENGINES}) == len(ENGINES)
    assert all(row.install and bool(row.module) != bool(row.program) for row in ENGINES)
    assert all(callable(getattr(engine_serving, name)) for row in ENGINES for name in (row.serve, row.on_gpu))


def test_the_first_engine_that_is_installed_is_used_or_the_one_that_is_named(tmp_path: Path) -> None:
    missing = replace(ENGINES[0], name="missing", module="no_such_module_here")
    there = replace(ENGINES[0], name="there", module="json")
    also = replace(ENGINES[0], name="also", module="os")
    assert installed_engine([missing, there, also]) == there
    assert installed_engine([missing, there, also], named="also") == also
    assert installed_engine([missing, there], named="missing") is None
    assert installed_engine([missing]) is None


def test_a_program_is_an_engine_where_it_is_on_path(tmp_path: Path) -> None:
    program = next(row for row in ENGINES if row.program)
    assert not program.installed({"PATH": str(tmp_path)})
    name = tmp_path / (f"{program.program}.exe" if sys.platform == "win32" else program.program)
    name.touch(mode=0o755)
    assert program.installed({"PATH": str(tmp_path)})
