"""Private stays private, proved from outside: with the network cut, under strace, and with listeners where clouds are.

Linux only; `make test-private`. The model is the real demonstration model on the real engine.
"""

import os
import re
import shutil
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream
from mcp import StdioServerParameters
from mcp.client import Client
from mcp_types import CallToolResult

from delegate_mcp.local.demo_model import demo_model_path
from delegate_mcp.platforms import cache_dir
from delegate_mcp.providers.registry import PROVIDERS
from tests.fakes.person import environment, text_of

pytestmark = [
    pytest.mark.private,
    pytest.mark.skipif(sys.platform != "linux", reason="namespaces and strace are Linux's"),
]

SERVER = (sys.executable, "-m", "delegate_mcp", "serve")
CACHE = cache_dir(os.environ)
SECRET_WORD = "pelargonium"
CALL = {"prompt": f"Say one word about the flower {SECRET_WORD}."}
GENEROUS_S = 120


@pytest.fixture(autouse=True)
def the_real_model() -> None:
    if demo_model_path(CACHE) is None:
        pytest.skip("the demonstration model is not in the cache: delegate-mcp demo --fetch-only")


def person(tmp_path: Path, **variables: str) -> dict[str, str]:
    return environment(tmp_path) | {
        "DELEGATE_MCP_CACHE": str(CACHE),
        "DELEGATE_MCP_LOCAL__DEMO_MODEL": "always",
        "PATH": os.environ["PATH"],  # unshare, ip, strace
        **variables,
    }


@asynccontextmanager
async def server(argv: Sequence[str], env: dict[str, str], cwd: Path) -> AsyncGenerator[Client]:
    started = StdioServerParameters(command=argv[0], args=list(argv[1:]), env=env, cwd=str(cwd))
    with anyio.fail_after(GENEROUS_S):
        async with Client(started) as client:
            yield client


def answered(result: CallToolResult) -> None:
    assert not result.is_error, text_of(result)
    assert (result.meta or {})["delegate"]["route"]["provider"] == "local"


# --- The network is cut ----------------------------------------------------------------------------------------------


def without_network(argv: Sequence[str]) -> tuple[str, ...]:
    """The command in a network of its own that has a loopback and nothing else."""
    own = ("unshare", "--net") if os.geteuid() == 0 else ("unshare", "--net", "--map-root-user")
    return (*own, "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *argv)


def needs(*programs: str) -> None:
    missing = [name for name in programs if shutil.which(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


async def test_a_private_question_is_answered_with_the_network_cut(tmp_path: Path) -> None:
    needs("unshare", "ip")
    cut = await anyio.run_process(without_network(["ip", "route", "show", "table", "main"]), check=False)
    if cut.returncode:
        pytest.skip(f"no namespace of our own here: {cut.stderr.decode()}")
    assert cut.stdout == b""  # no way out
    async with server(without_network(SERVER), person(tmp_path), tmp_path) as client:
        answered(await client.call_tool("delegate_private", CALL))


# --- Every call to the system is watched -----------------------------------------------------------------------------

ADDRESS = re.compile(r"sa_family=(AF_\w+)[^}]*")
HARMLESS_FAMILIES = {"AF_UNSPEC", "AF_NETLINK"}
NAME_SERVICES = ("nscd", "resolve", "nss", "dns", "avahi", "dbus")


def beyond(line: str) -> bool:
    """Whether a line of strace shows an address that is not of this machine, or a question for a name."""
    for found in ADDRESS.finditer(line):
        family, words = found[1], found[0]
        if family == "AF_UNIX":
            if any(service in words for service in NAME_SERVICES):
                return True
        elif family == "AF_INET":
            if 'inet_addr("127.' not in words or "htons(53)" in words:
                return True
        elif family == "AF_INET6":
            here = '"::1"' in words or '"::ffff:127.' in words
            if not here or "htons(53)" in words:
                return True
        elif family not in HARMLESS_FAMILIES:
            return True
    return False


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('connect(5, {sa_family=AF_INET, sin_port=htons(443), sin_addr=inet_addr("93.184.216.34")}, 16) = 0', True),
        (
            'sendto(5, "x", 1, 0, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("127.0.0.53")}, 16) = 1',
            True,
        ),
        ('connect(5, {sa_family=AF_UNIX, sun_path="/var/run/nscd/socket"}, 110) = -1 ENOENT', True),
        (
            'connect(5, {sa_family=AF_INET6, sin6_port=htons(443), inet_pton(AF_INET6, "2606::1", &sin6_addr)}, 28)',
            True,
        ),
        ('connect(5, {sa_family=AF_INET, sin_port=htons(8080), sin_addr=inet_addr("127.0.0.1")}, 16) = 0', False),
        ('connect(5, {sa_family=AF_INET6, sin6_port=htons(80), inet_pton(AF_INET6, "::1", &sin6_addr)}, 28)', False),
        ('connect(5, {sa_family=AF_UNIX, sun_path="/tmp/x"}, 110) = 0', False),
    ],
)
def test_what_counts_as_beyond(line: str, expected: bool) -> None:  # noqa: FBT001 - a table's column
    assert beyond(line) is expected


async def test_no_process_of_the_server_connects_beyond_this_machine_or_asks_for_a_name(tmp_path: Path) -> None:
    needs("strace")
    journal = tmp_path / "strace.txt"
    traced = (
        "strace",
        "-f",
        "-qq",
        "-s",
        "0",
        "-e",
        "trace=connect,sendto,sendmsg,sendmmsg",
        "-o",
        str(journal),
        *SERVER,
    )
    async with server(traced, person(tmp_path), tmp_path) as client:
        answered(await client.call_tool("delegate_private", CALL))
    lines = journal.read_text(encoding="utf-8", errors="replace").splitlines()
    assert any('inet_addr("127.' in line for line in lines)  # the model itself was asked, so we do see
    assert [line for line in lines if beyond(line)] == []


# --- Listeners where the clouds would be -----------------------------------------------------------------------------


def whole(request: bytes) -> bool:
    """Whether it has come with its body."""
    head, end, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return bool(end) and len(body) >= (int(length[1]) if length else 0)


@asynccontextmanager
async def clouds() -> AsyncGenerator[tuple[str, list[bytes]]]:
    """An address for all cloud providers, and what arrived there; a connection alone counts as an empty arrival."""
    arrived: list[bytes] = []

    async def take(stream: SocketStream) -> None:
        async with stream:
            arrived.append(b"")
            request = b""
            try:
                while not whole(request):  # the body may come in a packet of its own
                    arrived.append(await stream.receive())
                    request += arrived[-1]
                await stream.send(b"HTTP/1.1 500 X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, take)
        yield f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}", arrived  # noqa: S610 - not Django
        tasks.cancel_scope.cancel()


def all_set_up(base_url: str) -> dict[str, str]:
    """A key for every service, all of them at that address."""
    cloud = [row for row in PROVIDERS if not row.local and row.base_url]
    addresses = {f"DELEGATE_MCP_PROVIDERS__{row.name.upper().replace('-', '_')}__BASE_URL": base_url for row in cloud}
    keys = {row.key_names[0]: "key-of-a-test" for row in cloud if row.key_names}
    return {**addresses, **keys, "HTTP_PROXY": base_url, "HTTPS_PROXY": base_url, "ALL_PROXY": base_url}


async def test_listeners_where_the_clouds_are_see_no_byte_of_a_private_call(tmp_path: Path) -> None:
    async with clouds() as (base_url, arrived):
        async with server(SERVER, person(tmp_path, **all_set_up(base_url)), tmp_path) as client:
            answered(await client.call_tool("delegate_private", CALL))
            assert arrived == []
            await client.call_tool("delegate_quick", {**CALL, "model": "groq:openai/gpt-oss-20b"})
        assert SECRET_WORD.encode() in b"".join(arrived)  # so the listeners do hear what is sent to a cloud


async def test_where_no_local_model_can_answer_a_private_call_fails_and_says_how_to_get_one(tmp_path: Path) -> None:
    async with clouds() as (base_url, arrived):
        variables = all_set_up(base_url) | {"DELEGATE_MCP_LOCAL__DEMO_MODEL": "never"}
        async with server(SERVER, person(tmp_path, **variables), tmp_path) as client:
            result = await client.call_tool("delegate_private", CALL)
        assert arrived == []
    assert result.is_error
    assert "Ollama" in text_of(result)
