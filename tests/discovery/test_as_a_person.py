"""Discovery as a person and a host meet it: commands and resources against services that list their models."""

import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import anyio
import pytest

from delegate_mcp.discovery.shown import MOST_NEW
from delegate_mcp.domain.errors import DelegateError
from delegate_mcp.domain.request import DelegateRequest
from delegate_mcp.holder import AppHolder
from delegate_mcp.wiring import open_app
from tests.cli.test_commands import Shell
from tests.fakes.cli import install
from tests.fakes.listing_services import Listing, listing_services, openrouter_row
from tests.fakes.person import become, connected, environment, read_json


@pytest.fixture
async def world() -> AsyncGenerator[Listing]:
    async with listing_services() as running:
        yield running


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    project = tmp_path / "project"
    project.mkdir()
    return Shell(project, environment(tmp_path))


async def test_models_asks_nobody_until_it_is_told_to(world: Listing, shell: Shell) -> None:
    shown = await shell.run("models", **world.env("groq"))
    assert "its list of models was not read yet: a running server reads it, or --refresh" in shown.out
    assert world.asked == []


async def test_refresh_shows_what_is_new_what_is_gone_and_what_it_costs(world: Listing, shell: Shell) -> None:
    shown = await shell.run("models", "--refresh", **world.env("groq", "openrouter"))
    assert shown.code == 0
    assert "moonshotai/kimi-k3" in shown.out
    assert "quality 4 (new, not rated)" in shown.out
    assert "no longer listed: qwen/qwen3.8-27b" in shown.out
    assert "and 2 more" in shown.out
    assert sorted(world.asked) == ["groq", "openrouter"]
    assert world.keys["groq"] == "Bearer key-of-groq"
    again = await shell.run("models", "--json", **world.env("groq", "openrouter"))
    rows = {row["name"]: row for row in again.json["providers"]}
    assert len(world.asked) == 2  # the list is kept
    assert rows["groq"]["gone"] == ["qwen/qwen3.8-27b"]
    assert {row["model"]: row["context_tokens"] for row in rows["groq"]["models"]}["openai/gpt-oss-120b"] == 120_000
    assert "key-of" not in again.out


async def test_a_free_model_that_appears_is_a_candidate_at_once(world: Listing, shell: Shell) -> None:
    env = world.env("openrouter")
    before = await shell.run("route", "--tool", "quick", "hello", "--json", **env)
    world.lists["openrouter"] = {"data": [openrouter_row("maker/brand-new-20b:free")]}
    await shell.run("models", "--refresh", **env)
    after = await shell.run("route", "--tool", "quick", "hello", "--json", **env)
    assert "openrouter:maker/brand-new-20b:free" not in [row["model"] for row in before.json["candidates"]]
    assert [row["model"] for row in after.json["candidates"]] == ["openrouter:maker/brand-new-20b:free"]
    gone = {row["model"]: row["why"] for row in after.json["passed_over"]}
    assert "gone" in gone["openrouter:openai/gpt-oss-20b:free"]


async def test_a_persons_rule_may_name_a_model_that_only_its_services_list_has(world: Listing, shell: Shell) -> None:
    rules = Path(shell.env["DELEGATE_MCP_HOME"]) / "rules.toml"
    rules.parent.mkdir(exist_ok=True)
    rules.write_text('[quick]\ncandidates = ["groq:moonshotai/kimi-k3"]\n', encoding="utf-8")
    env = world.env("groq")
    told = "'groq:moonshotai/kimi-k3' is no role, model or alias of the catalog."
    assert told in (await shell.run("doctor", **env)).out
    await shell.run("models", "--refresh", **env)
    plan = (await shell.run("route", "--tool", "quick", "hello", "--json", **env)).json
    assert plan["candidates"][0]["model"] == "groq:moonshotai/kimi-k3"
    assert told not in (await shell.run("doctor", **env)).out


async def test_a_service_that_answers_nonsense_is_told_and_the_rest_goes_on(world: Listing, shell: Shell) -> None:
    world.lists["groq"] = {"data": "nonsense"}
    world.fails["mistral"] = 500
    shown = await shell.run("models", "--refresh", **world.env("groq", "mistral", "openrouter"))
    assert shown.code == 0
    assert "Groq: the list of models is not of its form" in shown.out
    assert "its list of models could not be read: Mistral" in shown.out
    assert "deepseek/deepseek-v5:free" in shown.out
    assert "openai/gpt-oss-20b" in shown.out  # the catalog's word stands


async def test_the_best_five_are_shown_with_their_points(world: Listing, shell: Shell) -> None:
    env = world.env("groq", "gemini", "openrouter")
    await shell.run("models", "--refresh", **env)
    shown = await shell.run("models", "--for", "Write a Python function that merges two sorted lists", **env)
    lines = shown.out.splitlines()
    assert lines[0].startswith("coding (")
    assert lines[2].startswith("1. groq:openai/gpt-oss-120b [free]")
    assert len(lines) == 7
    told = (await shell.run("models", "--for", "coding", "--json", **env)).json
    assert [row["score"] for row in told["top"]] == sorted((row["score"] for row in told["top"]), reverse=True)
    for row in told["top"]:
        assert row["score"] == pytest.approx(sum(row["points"].values()), abs=0.3)
        assert row["model"] != "groq:qwen/qwen3.8-27b"  # it is listed no more


async def test_where_nothing_can_answer_no_model_is_recommended(shell: Shell) -> None:
    shown = await shell.run("models", "--for", "hello")
    assert shown.code == 1
    lines = shown.out.splitlines()
    assert lines[0] == "quick (simple): no model can take it"
    assert "    groq:openai/gpt-oss-20b: no key" in lines  # each candidate, and why not
    assert "score" not in shown.out
    told = (await shell.run("models", "--for", "hello", "--json")).json
    assert told["top"] == []
    assert {"model": "groq:openai/gpt-oss-20b", "why": "no key"} in told["passed_over"]


async def test_models_says_what_is_usable_first_and_of_the_rest_in_a_line_each_what_would_bring_it(
    world: Listing, shell: Shell
) -> None:
    lines = (await shell.run("models", **world.env("mistral"))).out.splitlines()
    assert lines[0].startswith("mistral (free): usable")
    rest = lines[lines.index("not usable:") + 1 : -1]
    assert any(line.startswith("    groq (free)") and "no key: get a free key at" in line for line in rest)
    assert not any("usable, " in line for line in rest)
    assert lines[-1] == '`delegate-mcp models --for "your prompt"` shows who fits it best.'


async def test_models_of_who_has_nothing_says_the_quickest_way_and_that_nobody_was_asked(shell: Shell) -> None:
    lines = (await shell.run("models", "--refresh")).out.splitlines()
    assert lines[0] == "not usable:"
    assert lines[-2].startswith("No service was asked for its list of models")
    assert lines[-1].startswith("Nothing can answer yet. The quickest way: a free Groq key")


async def test_the_age_of_a_list_is_told_in_words_with_what_failed_since(world: Listing, shell: Shell) -> None:
    shown = (await shell.run("models", "--refresh", **world.env("groq"))).out
    assert "its list of models was read just now" in shown
    world.fails["groq"] = 500
    shown = (await shell.run("models", "--refresh", **world.env("groq"))).out
    assert "was read just now; reading it again failed once: Groq cannot answer right now (HTTP 500)" in shown


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script with a #! line")
async def test_of_a_program_no_list_is_told(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "no-programs").mkdir()
    install(tmp_path / "no-programs", "claude", "answers")
    shown = (await shell.run("models")).out
    assert "claude (subscription): usable" in shown
    assert "its list of models" not in shown


async def test_of_thousands_of_new_models_the_best_are_shown_and_the_rest_is_counted(
    world: Listing, shell: Shell
) -> None:
    rows = [openrouter_row(f"maker/m{n}-{n % 90}b:free") for n in range(3_000)]
    world.lists["openrouter"] = {"data": rows}
    shown = await shell.run("models", "--refresh", **world.env("openrouter"))
    assert len(shown.out.splitlines()) < 60
    assert "and 2,980 more" in shown.out
    told = (await shell.run("models", "--json", **world.env("openrouter"))).json
    models = next(row for row in told["providers"] if row["name"] == "openrouter")["models"]
    assert len(models) == MOST_NEW
    assert models == sorted(models, key=lambda row: -row["quality"])


async def test_the_resources_tell_health_and_recommendations(
    world: Listing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.env("groq"))
    async with connected() as host:
        health = {row["name"]: row for row in (await read_json(host, "models://health"))["providers"]}
        assert (health["groq"]["state"], health["gemini"]["state"]) == ("unproven", "unusable")
        assert health["groq"]["list"]["scans"] == 0
        top = (await read_json(host, "models://recommend/coding"))["top"]
        assert top[0]["model"] == "groq:openai/gpt-oss-120b"
        text = await read_json(host, "models://recommend/What%20is%20the%20capital%20of%20France%3F")
        assert text["task_type"] == "quick"
    assert world.asked == []  # the background is off in tests


async def test_a_server_whose_background_is_on_reads_the_lists_beside_its_first_call(
    world: Listing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, **world.env("groq"), DELEGATE_MCP_DISCOVERY__BACKGROUND="true")
    async with connected() as host:
        await host.list_tools()
        await read_json(host, "models://catalog")
        assert world.asked == []
        await host.call_tool("delegate_quick", {"prompt": "hello"})
        with anyio.fail_after(20):
            await world.hit.wait()
    assert world.asked == ["groq"]


@pytest.mark.parametrize(("task_type", "wanted"), [("private", False), ("quick", True), ("auto", True)])
async def test_private_calls_alone_have_no_service_asked_for_its_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task_type: str, *, wanted: bool
) -> None:
    become(tmp_path, monkeypatch)
    async with AppHolder(open_app) as holder:
        app = await holder.app()
        call = app.start(DelegateRequest(prompt="hello", task_type=task_type))
        await call.done.wait()
        with pytest.raises(DelegateError):
            call.outcome()
        assert app.lists.wanted.is_set() is wanted
