"""The server as a process: what is on its stdout, how it ends, and who may reach it over HTTP."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import httpx
import pytest
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream
from mcp import StdioServerParameters
from mcp.client import Client

from tests.fakes.person import environment, text_of
from tests.fakes.services import Services, Slow, says, services
from tests.fakes.shell import Shell

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}},
}


@pytest.fixture
async def world() -> AsyncGenerator[Services]:
    async with services() as running:
        yield running


@asynccontextmanager
async def started(tmp_path: Path, *words: str, **variables: str) -> AsyncGenerator[Process]:
    command = [sys.executable, "-m", "delegate_mcp", *words]
    env = environment(tmp_path) | variables
    process = await anyio.open_process(command, env=env, cwd=tmp_path, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.aclose()


async def send(process: Process, message: Mapping[str, object]) -> None:
    assert process.stdin is not None
    await process.stdin.send(json.dumps(message).encode() + b"\n")


def call(tool: str, **arguments: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_host_of_either_era_is_served_on_stdio(world: Services, tmp_path: Path, mode: str) -> None:
    world.groq.answers = [says("Paris.")]
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "delegate_mcp"],
        env=environment(tmp_path) | world.groq_env,
        cwd=str(tmp_path),
    )
    async with Client(server, mode=mode) as host:
        assert text_of(await host.call_tool("delegate_quick", {"prompt": "Capital?"})).startswith("Paris.")


async def test_nothing_but_the_protocol_is_written_to_stdout(world: Services, tmp_path: Path) -> None:
    async with started(tmp_path, **world.groq_env) as process:
        await send(process, INITIALIZE)
        await send(process, {"jsonrpc": "2.0", "method": "notifications/initialized"})
        await send(process, call("delegate_quick", prompt=""))
        assert process.stdout is not None
        assert process.stdin is not None
        reading = BufferedByteReceiveStream(process.stdout)
        with anyio.fail_after(30):
            lines = [await reading.receive_until(b"\n", 1_000_000) for _ in range(2)]
            await process.stdin.aclose()
            rest = b"".join([chunk async for chunk in process.stdout])
            assert await process.wait() == 0
    assert {json.loads(line)["id"] for line in lines} == {1, 2}
    assert rest == b""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to hear")
@pytest.mark.parametrize("end", ["SIGTERM", "stdin"])
async def test_its_end_hangs_up_on_the_service_and_settles_the_ledger(
    world: Services, tmp_path: Path, end: str
) -> None:
    slow = Slow()
    world.groq.answers = [slow]
    async with started(tmp_path, **world.groq_env) as process:
        await send(process, INITIALIZE)
        await send(process, {"jsonrpc": "2.0", "method": "notifications/initialized"})
        await send(process, call("delegate_quick", prompt="write a book"))
        with anyio.fail_after(30):
            await slow.began.wait()
            if end == "SIGTERM":
                process.send_signal(signal.SIGTERM)
            else:
                assert process.stdin is not None
                await process.stdin.aclose()
            assert await process.wait() == (128 + signal.SIGTERM if end == "SIGTERM" else 0)
            await slow.left.wait()
    budget = (await Shell(tmp_path, environment(tmp_path) | world.groq_env).run("budget", "--json")).json
    assert budget["today"]["calls"] == 1
    windows = budget["providers"]["groq"]["models"]["openai/gpt-oss-20b"]["windows"]
    assert {window["reserved"] for window in windows} == {0}


@pytest.mark.parametrize(("transport", "path"), [("http", "/mcp"), ("sse", "/sse")])
async def test_over_http_a_token_is_asked_for_where_one_is_set(
    world: Services, tmp_path: Path, transport: str, path: str
) -> None:
    token = {"DELEGATE_MCP_TOKEN": "s3same"}
    async with served(tmp_path, transport, **token, **world.groq_env) as url, httpx.AsyncClient() as http:
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            answer = await http.post(url + path, json=INITIALIZE, headers=headers)
            assert answer.status_code == 401
        right = await _begins(http, url + path, {"Authorization": "Bearer s3same"}, get=transport == "sse")
    assert right == 200


async def test_over_streamable_http_a_host_is_served(world: Services, tmp_path: Path) -> None:
    world.groq.answers = [says("Paris.")]
    async with served(tmp_path, "http", **world.groq_env) as url, Client(f"{url}/mcp") as host:
        assert text_of(await host.call_tool("delegate_quick", {"prompt": "Capital?"})).startswith("Paris.")


async def test_a_page_of_another_site_cannot_reach_it_through_a_browser(tmp_path: Path) -> None:
    async with served(tmp_path, "http") as url, httpx.AsyncClient() as http:
        headers = {"Host": "evil.example", "Accept": "application/json, text/event-stream"}
        answer = await http.post(f"{url}/mcp", json=INITIALIZE, headers=headers)
        assert answer.status_code in {403, 421}


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, ["DELEGATE_MCP_TOKEN", "ALLOWED_HOSTS"]),
        ({"DELEGATE_MCP_TOKEN": "x"}, ["ALLOWED_HOSTS"]),
        ({"DELEGATE_MCP_SERVER__ALLOWED_HOSTS": '["a:*"]'}, ["DELEGATE_MCP_TOKEN"]),
    ],
)
async def test_beyond_loopback_it_refuses_to_start_without_token_and_hosts(
    tmp_path: Path, variables: dict[str, str], told: list[str]
) -> None:
    shell = Shell(tmp_path, environment(tmp_path) | variables)
    ended = await shell.run("serve", "--transport", "http", "--host", "0.0.0.0")  # noqa: S104 - refused
    assert ended.code == 1
    for part in ("Not started", *told):
        assert part in ended.err


async def _begins(http: httpx.AsyncClient, url: str, headers: dict[str, str], *, get: bool) -> int:
    """The status with which an answer begins; a stream of events has no end to wait for."""
    accept = {"Accept": "application/json, text/event-stream"}
    asking = http.stream("GET" if get else "POST", url, json=None if get else INITIALIZE, headers=headers | accept)
    async with asking as answer:
        return answer.status_code


@asynccontextmanager
async def served(tmp_path: Path, transport: str, **variables: str) -> AsyncGenerator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    words = ("serve", "--transport", transport, "--port", str(port))
    async with started(tmp_path, *words, **variables) as process:
        with anyio.fail_after(30):
            while not await _listens(port):
                assert process.returncode is None
                await anyio.sleep(0.02)
        yield f"http://127.0.0.1:{port}"


async def _listens(port: int) -> bool:
    try:
        await (await anyio.connect_tcp("127.0.0.1", port)).aclose()
    except OSError:
        return False
    return True
