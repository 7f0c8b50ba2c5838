"""Renting as a person sets it up: commands of theirs, an address, a rule that names the machine."""

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import anyio
import pytest
from anyio.lowlevel import checkpoint

from delegate_mcp.cli.running import opened_app
from delegate_mcp.config.loading import load_settings
from delegate_mcp.config.settings import RentedSettings
from delegate_mcp.domain.brief import Message
from delegate_mcp.domain.errors import ConfigError, ProviderError
from delegate_mcp.domain.request import DelegateRequest
from delegate_mcp.domain.usage import ZERO
from delegate_mcp.providers.base import Ask
from delegate_mcp.providers.registry import BY_NAME, PROVIDERS
from delegate_mcp.rented.provider import RentedProvider
from tests.fakes.clock import ManualTime
from tests.fakes.local_server import local_server
from tests.fakes.memory_ledger import MemoryLedger

ANSWER = (
    'data: {"model":"big","choices":[{"delta":{"content":"done"},"finish_reason":"stop"}],'
    '"usage":{"prompt_tokens":5,"completion_tokens":1}}\n\ndata: [DONE]\n\n'
)
ASK = Ask(model="coder", messages=(Message("user", "Hi"),))


def python(code: str, *words: str) -> list[str]:
    """A command that works on every system."""
    return [sys.executable, "-c", f"import pathlib, sys; up = pathlib.Path(sys.argv[1]); {code}", *words]


def rented(base_url: str, up: Path) -> RentedSettings:
    """A machine that is up where that file is."""
    return RentedSettings.model_validate(
        {
            "base_url": base_url,
            "model": "big",
            "start": python("print('renting'); up.touch()", str(up)),
            "stop": python("up.unlink(missing_ok=True)", str(up)),
            "health": python("sys.exit(not up.exists())", str(up)),
            "usd_per_hour": "0.5",
        }
    )


@asynccontextmanager
async def provider(own: RentedSettings, folder: Path) -> AsyncGenerator[RentedProvider]:
    async with anyio.create_task_group() as tasks:
        made = RentedProvider(
            BY_NAME["rented"],
            {"coder": own},
            folder=folder / "rented",
            environ={},
            ledger=MemoryLedger(),
            clock=ManualTime().clock,
            tasks=tasks,
            daily_usd=Decimal(5),
        )
        yield made
        await made.aclose()


def nothing(tokens: int) -> None:
    assert tokens >= 0


async def test_a_question_starts_the_machine_and_one_after_it_is_answered_there(tmp_path: Path) -> None:
    up = tmp_path / "up"
    async with local_server(200, ANSWER, headers="content-type: text/event-stream\r\n") as server:
        async with provider(rented(server.base_url, up), tmp_path) as coder:
            with pytest.raises(ProviderError, match="coder is being rented"):
                await coder.complete(ASK, nothing)
            with anyio.fail_after(20):
                while not up.exists():  # noqa: ASYNC110 - a file of another process is no event here
                    await anyio.sleep(0.01)
            answer = await coder.complete(ASK, nothing)
            assert (answer.text, answer.cost_usd) == ("done", ZERO)
            assert '"model":"big"' in server.asked[-1].replace(" ", "")
        assert not up.exists()
    assert "renting" in (tmp_path / "rented" / "coder.log").read_text(encoding="utf-8")


async def test_a_command_that_there_is_not_is_told(tmp_path: Path) -> None:
    own = rented("http://127.0.0.1:9/v1", tmp_path / "up").model_copy(update={"start": ("no-such-program-here",)})
    async with provider(own, tmp_path) as coder:
        why = "is being rented"
        with anyio.fail_after(20):
            while "is being rented" in why:
                await checkpoint()
                with pytest.raises(ProviderError) as caught:
                    await coder.complete(ASK, nothing)
                why = str(caught.value)
    assert "no-such-program-here cannot be started" in why


SETTINGS = """
[budget]
daily_usd = "2"
[rented.coder]
base_url = "http://127.0.0.1:8010/v1"
model = "delegate-coder"
start = ["true"]
stop = ["true"]
usd_per_hour = "0.3"
quality = 7
"""
RULES = '[coding]\ncandidates = ["rented:coder", "local-coder"]\n'


async def test_a_rule_that_names_it_puts_it_among_the_candidates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DELEGATE_MCP_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "rules.toml").write_text(RULES, encoding="utf-8")
    async with opened_app() as app:
        plan = await app.plan(DelegateRequest(prompt="Write a function that adds two numbers.", task_type="coding"))
    first = plan.candidates[0]
    assert (str(first.model_id), first.tier) == ("rented:coder", "paid")
    assert not (tmp_path / "rented").exists()  # a plan rents nothing


async def test_without_a_daily_cap_it_is_not_among_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DELEGATE_MCP_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text(SETTINGS.replace("daily_usd", "# daily_usd"), encoding="utf-8")
    (tmp_path / "rules.toml").write_text(RULES, encoding="utf-8")
    async with opened_app() as app:
        plan = await app.plan(DelegateRequest(prompt="Write a function that adds two numbers.", task_type="coding"))
    assert {row.model: row.why for row in plan.passed_over}["rented:coder"] == "paid, and no daily cap is set"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("http://127.0.0.1:8010", "http://203.0.113.5:8000"), "base_url"),
        (('start = ["true"]', "start = []"), "start"),
        (("usd_per_hour", "usd_per_our"), "did you mean `usd_per_hour`"),
    ],
)
def test_a_mistake_in_the_settings_is_told(tmp_path: Path, change: tuple[str, str], why: str) -> None:
    (tmp_path / "config.toml").write_text(SETTINGS.replace(*change), encoding="utf-8")
    with pytest.raises(ConfigError, match=why):
        load_settings(
            {"DELEGATE_MCP_HOME": str(tmp_path)},
            cwd=tmp_path,
            user_home=tmp_path,
            providers=[row.name for row in PROVIDERS],
        )
