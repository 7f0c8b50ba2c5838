"""What every engine must keep, each hosted as the host hosts it and asked as servers ask.

xllamacpp and llama-cpp-python run with the demonstration model, the latter in `make test-llama-cpp`; of llama-server a
stand-in that takes its flags runs everywhere but on Windows.
"""

import json
import os
import socket
import stat
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import anyio
import httpx
import pytest

from delegate_mcp.config.settings import LocalSettings
from delegate_mcp.domain.brief import Message
from delegate_mcp.domain.errors import ProviderError
from delegate_mcp.domain.outcome import Completion
from delegate_mcp.domain.plan import AskOptions
from delegate_mcp.local import control
from delegate_mcp.local.demo_model import demo_model_path
from delegate_mcp.local.keeper import Keeper
from delegate_mcp.platforms import cache_dir
from delegate_mcp.providers.base import Ask
from delegate_mcp.providers.embedded import EmbeddedProvider
from delegate_mcp.providers.registry import BY_NAME
from tests.fakes.local_person import lives

Name = Literal["xllamacpp", "llama-server", "llama-cpp-python"]
LLAMA_SERVER = Path(__file__).parents[1] / "fakes" / "llama_server.py"
SCHEMA = {
    "type": "object",
    "properties": {"colour": {"enum": ["red", "blue"]}},
    "required": ["colour"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an engine is tried."""

    engine: Name
    home: Path
    model: Path
    environ: dict[str, str]

    def keeper(self, model: Path | None = None) -> Keeper:
        settings = LocalSettings(
            engine=self.engine, model=model or self.model, context_tokens=512, gpu_layers=0, demo_model="never"
        )
        return Keeper(settings, self.home, self.environ)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("xllamacpp", marks=pytest.mark.model),
        pytest.param("llama-server", marks=pytest.mark.skipif(sys.platform == "win32", reason="a shell script")),
        pytest.param("llama-cpp-python", marks=pytest.mark.llama_cpp),
    ],
)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Place:
    home = tmp_path_factory.mktemp("home")
    environ = {**os.environ, "DELEGATE_MCP_HOME": str(home)}
    if request.param == "llama-server":
        model = home / "any.gguf"
        model.write_bytes(b"GGUF")
        program = home / "llama-server"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{LLAMA_SERVER}" "$@"\n', encoding="utf-8")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        environ["PATH"] = f"{home}{os.pathsep}{environ['PATH']}"
        return Place(engine="llama-server", home=home, model=model, environ=environ)
    module = "xllamacpp" if request.param == "xllamacpp" else "llama_cpp"
    if find_spec(module) is None:
        pytest.skip(f"{module} is not installed")
    model = demo_model_path(cache_dir(os.environ))
    if model is None:
        pytest.skip("the demonstration model is not in the cache: delegate-mcp demo --fetch-only")
    return Place(engine=request.param, home=home, model=model, environ=environ)


@pytest.fixture(scope="module")
async def keeper(place: Place) -> AsyncGenerator[Keeper]:
    keeper = place.keeper()
    yield keeper
    await keeper.aclose()
    await control.stop(place.environ)


@pytest.fixture(scope="module")
async def provider(keeper: Keeper) -> AsyncGenerator[EmbeddedProvider]:
    provider = EmbeddedProvider(BY_NAME["local"], keeper)
    yield provider
    await provider.aclose()


def ask(place: Place, prompt: str = "Say two words.", tokens: int = 12, **more: Any) -> Ask:
    options = AskOptions(max_output_tokens=tokens, temperature=0.2)
    return Ask(model=place.model.stem, messages=(Message("user", prompt),), options=options, **more)


def nothing(tokens: int) -> None:
    assert tokens >= 0


async def test_it_answers_and_tells_its_tokens(place: Place, provider: EmbeddedProvider) -> None:
    reports: list[int] = []
    answer = await provider.complete(ask(place), reports.append)
    assert answer.text.strip()
    assert answer.usage.input_tokens > 0
    assert 0 < answer.usage.output_tokens <= 12
    assert len(reports) > 1  # streamed


async def test_it_keeps_to_a_json_schema(place: Place, provider: EmbeddedProvider) -> None:
    answer = await provider.complete(ask(place, "Name a colour.", tokens=24, json_schema=SCHEMA), nothing)
    assert json.loads(answer.text)["colour"] in {"red", "blue"}


async def test_more_calls_than_it_has_slots_are_all_answered(place: Place, provider: EmbeddedProvider) -> None:
    answers: list[Completion] = []

    async def one(word: str) -> None:
        answers.append(await provider.complete(ask(place, f"Say {word}.", tokens=4), nothing))

    async with anyio.create_task_group() as tasks:
        for word in ("one", "two", "three", "four", "five"):
            tasks.start_soon(one, word)
    assert len(answers) == 5
    [status] = await control.status(place.environ, 0.0)
    assert [model.engine for model in status.models] == [place.engine]


async def test_a_call_that_is_cancelled_leaves_it_to_the_next(place: Place, provider: EmbeddedProvider) -> None:
    with anyio.CancelScope() as scope:
        await provider.complete(ask(place, "Count to one hundred.", tokens=200), lambda _: scope.cancel())
    with anyio.fail_after(20):
        assert (await provider.complete(ask(place, tokens=4), nothing)).text


@pytest.mark.parametrize("given", [{}, {"Authorization": "Bearer wrong"}])
async def test_without_the_secret_it_does_not_answer(place: Place, keeper: Keeper, given: dict[str, str]) -> None:
    if place.engine == "llama-server" and not given:
        given = {"Authorization": ""}
    body = {"model": place.model.stem, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 1}
    async with keeper.using(place.model.stem) as use, httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"{use.address.base_url}/chat/completions", json=body, headers=given)
    assert answer.status_code == 401


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_its_secret_stands_in_no_argv(place: Place, keeper: Keeper) -> None:
    async with keeper.using(place.model.stem) as use:
        argvs = _argvs()
        assert any(place.model.name.encode() in argv or b"engine_process" in argv for argv in argvs)
        assert not any(use.address.secret.encode() in argv for argv in argvs)


def _argvs() -> list[bytes]:
    return [_read(process / "cmdline") for process in Path("/proc").glob("[0-9]*")]


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere 127.0.0.2 is no address of this machine")
async def test_it_listens_on_loopback_only(place: Place, keeper: Keeper) -> None:
    async with keeper.using(place.model.stem) as use:
        port = httpx.URL(use.address.base_url).port
        assert port is not None
        with socket.socket() as beside:  # a listener on all addresses would not let this one in
            beside.bind(("127.0.0.2", port))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
async def test_it_ends_with_its_host_however_that_ends(place: Place) -> None:
    home = place.home / "killed"
    environ = {**place.environ, "DELEGATE_MCP_HOME": str(home)}
    other = Place(engine=place.engine, home=home, model=place.model, environ=environ)
    keeper = other.keeper()
    async with keeper.using(other.model.stem):
        [status] = await control.status(environ, 0.0)
        family = _family(status.models[0].pid)
        os.kill(status.pid, 9)
    with anyio.fail_after(10):
        while any(lives(pid) for pid in family):  # noqa: ASYNC110 - the end of another process is no event here
            await anyio.sleep(0.01)
    await keeper.aclose()
    await control.stop(environ)


def _family(pid: int) -> list[int]:
    children = _read(Path(f"/proc/{pid}/task/{pid}/children")).split()
    return [pid, *(one for child in children for one in _family(int(child)))]


async def test_a_file_that_is_no_model_is_told_with_its_own_reason(place: Place) -> None:
    file = place.home / "broken.gguf"
    file.write_bytes(b"hello, I am no model")
    keeper = place.keeper(file)
    try:
        with pytest.raises(ProviderError, match=r"could not load broken\.gguf: .+ended with exit code"):
            async with keeper.using("broken"):
                pass
    finally:
        await keeper.aclose()
