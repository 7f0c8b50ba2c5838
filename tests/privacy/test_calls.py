"""The gate as a director meets it: the cloud's stand-in sees nothing of what was found."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.fakes.person import become, connected, facts_of, text_of
from tests.fakes.services import Services, says, services
from tests.privacy import made


@pytest.fixture
async def world() -> AsyncGenerator[Services]:
    async with services() as running:
        yield running


async def test_a_file_with_a_secret_is_answered_by_a_local_model(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = become(tmp_path, monkeypatch, **world.groq_env, **world.ollama_env)
    (project / "conf.py").write_text(f'import os\nDB_PASSWORD = "{made.PASSWORD}"\n')
    world.ollama.answers = [says("Local.")]
    async with connected() as host:
        result = await host.call_tool("delegate_quick", {"prompt": "Explain this", "files": ["conf.py"]})
    assert not world.groq.bodies
    assert facts_of(result)["route"]["tier"] == "local"
    assert "secret in conf.py line 2" in text_of(result)
    assert facts_of(result)["notes"] == ["secret in conf.py line 2: conf.py line 2 (password)"]
    assert made.PASSWORD not in text_of(result) + json.dumps(facts_of(result))


async def test_without_a_local_model_the_error_says_why_and_nothing_is_sent(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.groq_env)
    async with connected() as host:
        result = await host.call_tool("delegate_quick", {"prompt": f"Is {made.GITHUB} still valid?"})
    assert result.is_error
    assert not world.groq.bodies
    assert "secret in the prompt line 1" in text_of(result)
    assert made.GITHUB not in text_of(result)


async def test_a_redacted_prompt_goes_to_the_cloud_with_its_placeholder(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, DELEGATE_MCP_PRIVACY__SECRETS="redact", **world.groq_env)
    world.groq.answers = [says("No.")]
    async with connected() as host:
        result = await host.call_tool("delegate_quick", {"prompt": f"Is {made.GITHUB} valid?"})
    assert not result.is_error
    sent = json.dumps(world.groq.bodies)
    assert "[REDACTED:github-pat-1]" in sent
    assert made.GITHUB not in sent


async def test_refused_is_refused(world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    become(tmp_path, monkeypatch, DELEGATE_MCP_PRIVACY__SECRETS="refuse", **world.groq_env, **world.ollama_env)
    async with connected() as host:
        result = await host.call_tool("delegate_quick", {"prompt": f"Is {made.GITHUB} valid?"})
    assert result.is_error
    assert "Nothing was sent: secret in the prompt line 1" in text_of(result)
    assert not world.groq.bodies
    assert not world.ollama.bodies


async def test_a_thread_that_stayed_here_stays_here(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.groq_env, **world.ollama_env)
    world.ollama.answers = [says("One."), says("Two.")]
    async with connected() as host:
        first = await host.call_tool("delegate", {"prompt": f"Remember {made.GITHUB}"})
        second = await host.call_tool("delegate", {"prompt": "And now?", "thread": facts_of(first)["call_id"]})
    assert facts_of(second)["route"]["tier"] == "local"
    assert not world.groq.bodies
