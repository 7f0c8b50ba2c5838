"""Requests to models at home reach this machine or a host that its owner named, and nobody else."""

import json
import sys
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from pathlib import Path

import anyio
import httpx
import pytest
from anyio.abc import SocketStream

from delegate_mcp.domain.errors import ProviderError
from delegate_mcp.providers.home import HomeTransport, at_home, is_loopback
from delegate_mcp.providers.local_servers import ask_server
from delegate_mcp.providers.registry import BY_NAME
from tests.fakes.local_server import LocalServer, local_server, models


@pytest.fixture
async def server() -> AsyncGenerator[LocalServer]:
    async with local_server(200, {"ok": True}) as running:
        yield running


class Names:
    """A resolver that answers from a list, one entry a question."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, _: int) -> Sequence[str]:
        self.asked.append(host)
        return self.answers.pop(0)


def client(names: Names, *own_hosts: str) -> httpx.AsyncClient:
    transport = HomeTransport(httpx.AsyncHTTPTransport(), own_hosts, resolve=names)
    return httpx.AsyncClient(transport=transport, headers={"Connection": "close"})


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_this_machine_is_asked_without_asking_for_a_name(server: LocalServer, host: str) -> None:
    names = Names()
    async with client(names) as home:
        assert (await home.get(f"http://{host}:{server.port}/v1/models")).status_code == 200
    assert names.asked == []
    assert f"Host: {host}:{server.port}" in server.asked[0]


@pytest.mark.parametrize(
    "host", ["10.0.0.5", "models.lan", "evil.localhost", "127.0.0.1.nip.io", "[::ffff:8.8.8.8]", "[fe80::1]"]
)
async def test_every_other_address_is_refused_before_a_byte_is_sent(server: LocalServer, host: str) -> None:
    names = Names(["127.0.0.1"])
    async with client(names) as home:
        with pytest.raises(ProviderError, match="nothing was sent"):
            await home.get(f"http://{host}:{server.port}/v1/models")
    assert (server.asked, names.asked) == ([], [])


async def test_an_own_host_is_resolved_once_and_stays_where_it_was_judged(server: LocalServer) -> None:
    names = Names(["127.0.0.1"], ["203.0.113.9"])
    async with client(names, "Models.LAN") as home:
        for _ in range(2):
            assert (await home.get(f"http://models.lan:{server.port}/v1/models")).status_code == 200
    assert names.asked == ["models.lan"]
    assert f"Host: models.lan:{server.port}" in server.asked[1]


async def test_an_own_host_without_an_address_is_no_connection() -> None:
    async with client(Names([]), "models.lan") as home:
        with pytest.raises(httpx.ConnectError):
            await home.get("http://models.lan:9/v1/models")


@pytest.mark.parametrize(
    ("base_url", "answer"),
    [
        ("http://127.0.0.1:8080/v1", True),
        ("http://[::1]:8080/v1", True),
        ("http://localhost:8080/v1", True),
        ("unix:/run/llama.sock", True),
        ("http://gpu.lan:8080/v1", True),
        ("http://GPU.lan:8080/v1", True),
        ("http://other.lan:8080/v1", False),
        ("http://me.localhost:8080/v1", False),
        ("http://[::1", False),
    ],
)
def test_where_home_is(base_url: str, answer: bool) -> None:  # noqa: FBT001 - a table's column
    assert at_home(base_url, ["gpu.lan"]) is answer


def test_a_mapped_address_is_judged_by_what_it_maps() -> None:
    assert not is_loopback("::ffff:8.8.8.8")


@pytest.mark.skipif(sys.platform == "win32", reason="httpx has socket files on POSIX only")
async def test_a_server_at_a_socket_file_is_asked_there(tmp_path: Path) -> None:
    file = tmp_path / "llama.sock"
    answer = json.dumps(models("small-chat")).encode()

    async def serve(stream: SocketStream) -> None:
        async with stream:
            assert b"GET /v1/models " in await stream.receive()
            head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(answer)}\r\nconnection: close\r\n\r\n"
            await stream.send(head.encode() + answer)

    async with await anyio.create_unix_listener(file) as listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, serve)
        state = await ask_server(BY_NAME["llama-server"], f"unix:{file}", None)
        assert state.models == ("small-chat",)
        tasks.cancel_scope.cancel()


async def test_a_server_beyond_this_machine_is_found_only_at_an_own_host() -> None:
    row = BY_NAME["ollama"]
    stranger = await ask_server(row, "http://192.0.2.7:11434/v1", None, transport=answering("small-chat"))
    assert not stranger.usable
    assert "privacy.own_hosts" in stranger.mend
    own = replace(row, own_hosts=("192.0.2.7",))
    assert (await ask_server(own, "http://192.0.2.7:11434/v1", None, transport=answering("small-chat"))).usable


def answering(*names: str) -> httpx.MockTransport:
    return httpx.MockTransport(lambda _: httpx.Response(200, json=models(*names)))
