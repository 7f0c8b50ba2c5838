"""Discovery: what can be asked right now, why the rest can not, and what mends it."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from pydantic import SecretStr

from delegate_mcp.config.keys import Key
from delegate_mcp.config.settings import Settings
from delegate_mcp.domain.availability import ProviderState
from delegate_mcp.local.engines import ENGINES, Engine
from delegate_mcp.providers.discovery import KEEP_S, Discovery
from delegate_mcp.providers.local_servers import ask_server
from delegate_mcp.providers.registry import BY_NAME, PROVIDERS
from tests.fakes.local_server import local_server, models

THERE = replace(ENGINES[0], name="engine", module="json")


class Person:
    """Someone with these settings, keys, programs and servers; `hits` counts what was asked of the network."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.settings = Settings(home=folder, **settings)
        self.keys: dict[str, Key] = {}
        self.engines: tuple[Engine, ...] = (THERE,)
        self.environ: Mapping[str, str] = {"PATH": str(folder / "bin")}
        self.now = 100.0
        self.hits: list[str] = []

    def with_key(self, provider: str) -> "Person":
        self.keys[provider] = Key(SecretStr("sk-made-up"), "X_API_KEY of the environment")
        return self

    def with_program(self, name: str) -> "Person":
        file = self.folder / "bin" / (f"{name}.exe" if sys.platform == "win32" else name)
        file.parent.mkdir(exist_ok=True)
        file.write_text("#!/bin/sh\n", encoding="utf-8")
        file.chmod(0o755)
        return self

    def discovery(self, answer: httpx.Response | None = None) -> Discovery:
        """Without an answer no server runs."""

        def handle(request: httpx.Request) -> httpx.Response:
            self.hits.append(str(request.url))
            if answer is None:
                raise httpx.ConnectError("refused", request=request)
            return answer

        return Discovery(
            self.settings,
            self.keys,
            self.environ,
            self.folder,
            lambda: self.now,
            engines=self.engines,
            transport=httpx.MockTransport(handle),
        )

    async def state(self, provider: str, answer: httpx.Response | None = None) -> ProviderState:
        return (await self.discovery(answer).look()).states[provider]


async def test_every_provider_of_the_registry_has_a_state_that_says_why(tmp_path: Path) -> None:
    found = await Person(tmp_path).discovery().look()
    assert set(found.states) == {row.name for row in PROVIDERS}
    for state in found.states.values():
        assert state.why
        assert state.mend
        assert not found.usable(state.name)


@pytest.mark.parametrize(
    "row", [row for row in PROVIDERS if row.key_names and row.tier == "free"], ids=lambda r: r.name
)
async def test_a_service_is_usable_with_a_key_and_says_where_to_get_one_without(tmp_path: Path, row: Any) -> None:
    person = Person(tmp_path).with_program("gemini")
    without = await person.state(row.name)
    assert (without.usable, without.why) == (False, "no key")
    assert without.mend == f"get a free key at {row.key_url} and set {row.key_names[0]}"
    having = await person.with_key(row.name).state(row.name)
    assert having.usable
    assert having.why == "key set: X_API_KEY of the environment"
    assert having.models is None


async def test_no_text_of_a_state_holds_a_key(tmp_path: Path) -> None:
    person = Person(tmp_path)
    for row in PROVIDERS:
        person.with_key(row.name)
    assert "sk-made-up" not in repr(await person.discovery().look())


async def test_a_provider_that_is_turned_off_is_not_usable_and_its_port_not_asked(tmp_path: Path) -> None:
    off = {name: {"enabled": False} for name in ("groq", "ollama", "local", "claude")}
    person = Person(tmp_path, providers=off).with_key("groq").with_program("claude")
    found = await person.discovery().look()
    for name in off:
        assert not found.usable(name)
        assert found.states[name].why == "turned off in the settings"
        assert found.states[name].mend == f"set providers.{name}.enabled to true"
    assert not [url for url in person.hits if ":11434" in url]


async def test_a_paid_service_needs_a_daily_cap_beside_its_key(tmp_path: Path) -> None:
    uncapped = Person(tmp_path).with_key("openai")
    state = await uncapped.state("openai")
    assert (state.usable, state.why) == (False, "paid, and no daily cap is set")
    assert "budget.daily_usd" in state.mend
    capped = Person(tmp_path, budget={"daily_usd": Decimal(2)}).with_key("openai")
    assert (await capped.state("openai")).usable


async def test_a_paid_service_without_a_key_tells_all_that_it_takes(tmp_path: Path) -> None:
    state = await Person(tmp_path).state("openai")
    assert "OPENAI_API_KEY" in state.mend
    assert "free" not in state.mend
    assert "budget.daily_usd" in state.mend


async def test_a_cap_of_nothing_is_no_cap(tmp_path: Path) -> None:
    person = Person(tmp_path, budget={"daily_usd": Decimal(0)}).with_key("openai")
    assert not (await person.state("openai")).usable


async def test_a_free_service_whose_key_is_billed_counts_as_paid(tmp_path: Path) -> None:
    person = Person(tmp_path, providers={"groq": {"tier": "paid"}}).with_key("groq")
    assert (await person.state("groq")).why == "paid, and no daily cap is set"


async def test_a_cli_that_may_bill_the_api_counts_as_paid(tmp_path: Path) -> None:
    person = Person(tmp_path, providers={"claude": {"bill_api": True}}).with_program("claude")
    assert (await person.state("claude")).why == "paid, and no daily cap is set"


async def test_a_cli_is_usable_where_it_is_on_the_path(tmp_path: Path) -> None:
    missing = await Person(tmp_path).state("claude")
    assert (missing.usable, missing.why) == (False, "not installed")
    assert BY_NAME["claude"].key_url in missing.mend
    assert (await Person(tmp_path).with_program("claude").state("claude")).usable


async def test_a_cli_of_another_name_is_looked_for_where_the_settings_say(tmp_path: Path) -> None:
    providers = {"claude": {"command": "my-claude"}}
    missing = await Person(tmp_path, providers=providers).with_program("claude").state("claude")
    assert (missing.usable, missing.why) == (False, "no program my-claude")
    assert "providers.claude.command" in missing.mend
    assert (await Person(tmp_path, providers=providers).with_program("my-claude").state("claude")).usable


async def test_a_cli_that_needs_a_key_says_so_once_it_is_installed(tmp_path: Path) -> None:
    assert (await Person(tmp_path).state("gemini-cli")).why == "not installed"
    assert (await Person(tmp_path).with_program("gemini").state("gemini-cli")).why == "no key"


def at(url: str, **more: Any) -> dict[str, Any]:
    return {"ollama": {"base_url": url, **more}}


async def real_state(base_url: str, answer_s: float = 10.0) -> ProviderState:
    """What is found at that address, over a real connection."""
    return await ask_server(BY_NAME["ollama"], base_url, None, answer_s=answer_s)


async def test_a_running_server_is_usable_with_the_models_it_lists() -> None:
    async with local_server(200, models("qwen3:8b", "gemma4:4b", "nomic-embed-text")) as server:
        state = await real_state(server.base_url)
    assert state.usable
    assert state.models == ("qwen3:8b", "gemma4:4b")  # an embedding model does not chat
    assert state.why == "running with 2 models"
    assert server.asked[0].startswith("GET /v1/models ")


async def test_a_server_without_models_is_not_usable() -> None:
    async with local_server(200, models()) as server:
        state = await real_state(server.base_url)
    assert (state.usable, state.why) == (False, "running, but has no chat model")
    assert state.mend == "load a model in Ollama"


async def test_a_port_that_nobody_listens_on_means_not_running() -> None:
    async with local_server(200, models("m")) as server:
        pass
    state = await real_state(server.base_url)
    assert (state.usable, state.why) == (False, "not running")
    assert "https://ollama.com/download" in state.mend


@pytest.mark.parametrize(
    ("status", "body"),
    [(404, "Not Found"), (200, "<html>hello</html>"), (200, {"hello": 1}), (200, ["m"]), (500, {}), (200, "")],
)
async def test_a_strangers_server_is_told_as_what_it_is(status: int, body: object) -> None:
    async with local_server(status, body) as server:
        state = await real_state(server.base_url)
    assert not state.usable
    assert state.why == f"what answers on port {server.port} is not an OpenAI-compatible server"


async def test_a_redirect_is_not_followed() -> None:
    async with local_server(200, models("m")) as elsewhere:
        headers = f"location: {elsewhere.base_url}/models\r\n"
        async with local_server(307, "", headers=headers) as server:
            assert not (await real_state(server.base_url)).usable
    assert elsewhere.asked == []


async def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with local_server(200, models("m")) as proxy, local_server(200, models("own")) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        assert (await real_state(server.base_url)).models == ("own",)
    assert proxy.asked == []


async def test_a_server_that_does_not_answer_holds_nobody_up() -> None:
    async with local_server(200, "", silent=True) as server:
        with anyio.fail_after(5):
            state = await real_state(server.base_url, answer_s=0.05)
    assert not state.usable
    assert state.why == f"no answer on port {server.port} within 0.05 s"


async def test_a_server_that_wants_a_key_says_so_and_gets_the_one_of_the_settings(tmp_path: Path) -> None:
    async with local_server(401, {"error": "no"}) as server:
        state = await real_state(server.base_url)
        assert (state.usable, state.why) == (False, f"port {server.port} asks for a key")
        assert state.mend == "set providers.ollama.api_key"
    person = Person(tmp_path).with_key("vllm")
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=models("m"))

    discovery = Discovery(
        person.settings, person.keys, {}, tmp_path, lambda: 0.0, transport=httpx.MockTransport(handle)
    )
    assert (await discovery.look()).usable("vllm")
    keys = {request.url.port: request.headers.get("authorization") for request in asked}
    assert keys == {11434: None, 1234: None, 8080: None, 8000: "Bearer sk-made-up"}


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://10.0.0.5:11434/v1", "10.0.0.5"),
        ("https://ollama.example.com/v1", "ollama.example.com"),
        ("http://127.0.0.1@evil.example/v1", "evil.example"),
        ("http://127.0.0.1.evil.example/v1", "127.0.0.1.evil.example"),
        ("http://a.localhost/v1", "a.localhost"),
        ("http://0.0.0.0:11434/v1", "0.0.0.0"),  # noqa: S104 - an address that is not loopback
    ],
)
async def test_a_server_beyond_this_machine_is_not_usable_and_not_even_asked(
    tmp_path: Path, url: str, host: str
) -> None:
    person = Person(tmp_path, providers=at(url))
    state = await person.state("ollama", httpx.Response(200, json=models("m")))
    assert (state.usable, state.why) == (False, f"{host} is not on this machine")
    assert not [hit for hit in person.hits if host in hit]


@pytest.mark.parametrize("url", ["http://localhost:1/v1", "http://127.5.5.5:1/v1", "http://[::1]:1/v1"])
async def test_every_name_of_this_machine_counts_as_local(tmp_path: Path, url: str) -> None:
    person = Person(tmp_path, providers=at(url))
    assert (await person.state("ollama", httpx.Response(200, json=models("m")))).usable


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:0x/v1", "nonsense", "ftp://127.0.0.1/v1", "http://127.0.0.1:99999/v1"]
)
async def test_an_address_that_is_none_is_a_state_and_no_crash(tmp_path: Path, url: str) -> None:
    state = await Person(tmp_path, providers=at(url)).state("ollama")
    assert not state.usable
    assert state.why == "providers.ollama.base_url is no address"
    assert BY_NAME["ollama"].base_url in state.mend


async def test_the_embedded_engine_needs_an_engine(tmp_path: Path) -> None:
    person = Person(tmp_path)
    person.engines = (replace(ENGINES[0], module="no_such_module_here"),)
    state = await person.state("local")
    assert (state.usable, state.why) == (False, "no engine is installed")
    assert state.mend == "pip install 'delegate-mcp[local]'"


async def test_the_embedded_engine_needs_a_model(tmp_path: Path) -> None:
    state = await Person(tmp_path).state("local")
    assert not state.usable
    assert state.why == "smollm2-135m-instruct is not fetched, and local.model is not set"
    assert state.mend == "delegate-mcp demo --fetch-only"


async def test_the_embedded_engine_is_usable_with_a_model_of_the_person(tmp_path: Path) -> None:
    file = tmp_path / "Qwen3-4B-Q4_K_M.gguf"
    file.write_bytes(b"GGUF")
    state = await Person(tmp_path, local={"model": file}).state("local")
    assert (state.usable, state.models) == (True, ("Qwen3-4B-Q4_K_M",))


async def test_a_model_of_the_person_that_is_missing_is_told(tmp_path: Path) -> None:
    file = tmp_path / "gone.gguf"
    state = await Person(tmp_path, local={"model": file}).state("local")
    assert (state.usable, state.why) == (False, f"no file {file}")


async def test_where_the_demonstration_is_not_wanted_it_is_not_offered(tmp_path: Path) -> None:
    state = await Person(tmp_path, local={"demo_model": "never"}).state("local")
    assert (state.why, state.mend) == ("no model", "set local.model to a GGUF file that is there")


async def test_a_look_is_believed_for_a_while_and_then_made_anew(tmp_path: Path) -> None:
    person = Person(tmp_path)
    discovery = person.discovery()
    first = await discovery.look()
    person.with_key("groq")
    assert await discovery.look() is first
    person.now += KEEP_S
    assert (await discovery.look()).usable("groq")


async def test_a_fresh_look_is_made_at_once(tmp_path: Path) -> None:
    person = Person(tmp_path)
    discovery = person.discovery()
    await discovery.look()
    person.with_key("groq")
    assert (await discovery.look(fresh=True)).usable("groq")


@pytest.mark.parametrize("fresh", [False, True])
async def test_looks_at_the_same_time_share_one_scan(tmp_path: Path, fresh: bool) -> None:  # noqa: FBT001 - a parameter
    person = Person(tmp_path)
    discovery = person.discovery()
    async with anyio.create_task_group() as tasks:
        for _ in range(3):

            async def look() -> None:
                await discovery.look(fresh=fresh)

            tasks.start_soon(look)
    assert len(person.hits) == 4  # the four local servers, each asked once


async def test_a_look_that_was_cancelled_is_made_by_the_next(tmp_path: Path) -> None:
    discovery = Person(tmp_path).with_key("groq").discovery()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await discovery.look()
    assert (await discovery.look()).usable("groq")
