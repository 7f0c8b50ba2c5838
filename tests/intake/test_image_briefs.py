"""Images on their way: into a brief, past the privacy gate, to models that see, over the wire, and on in a thread."""

import base64
import json
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from delegate_mcp.config.settings import PrivacySettings
from delegate_mcp.domain.brief import Brief, FileSent, Message
from delegate_mcp.domain.errors import ErrorKind, NoCandidateError
from delegate_mcp.domain.plan import RoutePlan
from delegate_mcp.privacy.gate import guard
from delegate_mcp.providers.base import Ask
from delegate_mcp.providers.gemini import GeminiProvider
from delegate_mcp.providers.openai_compatible import OpenAICompatibleProvider
from delegate_mcp.providers.registry import BY_NAME
from tests.fakes.gemini_service import GeminiService, piece, streamed
from tests.fakes.openai_service import OpenAIService, answering, failing
from tests.fakes.person import become, connected, facts_of, text_of
from tests.fakes.pictures import SECRET, jpeg, png, sent
from tests.fakes.services import Services, services
from tests.routing.scene import available, names, planned, why_not

IMAGE = sent()
SEEN = {"messages": (Message("user", "What is this?", (IMAGE,)),)}


# --- The gate --------------------------------------------------------------------------------------------------------


def brief(text: str = "What is this?") -> Brief:
    return Brief(
        messages=(Message("user", text, (IMAGE,)),),
        prompt=text,
        input_tokens=10,
        files=(FileSent("shot.png", 160, 0, "image/png 40x30"),),
    )


def test_an_image_that_goes_out_is_told_to_be_unsearched() -> None:
    passed = guard(brief(), PrivacySettings())
    assert not passed.private
    assert passed.notes == ("images not searched: shot.png",)


def test_by_the_settings_images_stay_here() -> None:
    kept = guard(brief(), PrivacySettings(images="local"))
    assert kept.private
    assert kept.kept_here == "images not searched: shot.png"


def test_placeholders_in_the_text_leave_its_images() -> None:
    found = guard(brief("key: AKIAZ7QX5RNG3YT2WVPB?"), PrivacySettings(secrets="redact"))
    assert "REDACTED" in found.messages[0].text
    assert found.images == (IMAGE,)


# --- Who is asked ----------------------------------------------------------------------------------------------------


def seeing(**call: Any) -> RoutePlan:
    return planned("What is this?", brief=SEEN, **call)


def test_only_models_that_see_are_asked() -> None:
    plan = seeing(on=available("groq", "gemini", "claude", local={"ollama": ("qwen3:14b", "gemma3:12b")}))
    assert plan.images == 1
    assert plan.candidates
    assert {name.partition(":")[0] for name in names(plan)} == {"gemini", "ollama"}
    assert "ollama:gemma3:12b" in names(plan)
    assert why_not(plan)["groq:openai/gpt-oss-20b"] == "cannot see images"


def test_a_rule_that_names_readers_only_is_followed_by_those_that_see() -> None:
    plan = seeing(on=available("groq", "mistral", "claude"), task_type="coding")
    assert names(plan)[0] == "mistral:mistral-small-latest"
    assert why_not(plan)["claude:sonnet"] == "cannot see images"  # its CLI takes text only


def test_what_only_the_web_knows_is_asked_of_no_model_without_it() -> None:
    plan = seeing(on=available("gemini", "mistral"), task_type="research")
    assert all(candidate.options.web_search for candidate in plan.candidates)


def test_a_private_image_goes_to_a_local_model_that_sees() -> None:
    there = ("qwen3-coder:30b", "gemma3:270m", "llama3.1:8b", "qwen2.5vl:7b", "llama3.2-vision:11b")
    plan = seeing(on=available("gemini", local={"ollama": there}), task_type="private")
    assert set(names(plan)) == {"ollama:qwen2.5vl:7b", "ollama:llama3.2-vision:11b"}


def test_of_many_local_models_those_that_see_are_found() -> None:
    there = (*(f"qwen3:{size}b" for size in range(20, 40)), "moondream:1.8b", "gemma3:4b")
    plan = seeing(on=available(local={"ollama": there}), task_type="quick")
    assert names(plan) == ["ollama:gemma3:4b"]  # moondream is below the floor


def test_where_nobody_sees_the_error_says_so_and_what_to_set_up() -> None:
    with pytest.raises(NoCandidateError) as caught:
        seeing(on=available("groq"), task_type="quick")
    told = f"{caught.value.what} {caught.value.advice}"
    assert "No model that sees images can take this call" in told
    assert "set up gemini" in told
    assert "ollama pull" in told
    assert "set up ollama" not in told or "set up groq" not in told


def test_a_named_model_that_does_not_see_is_not_asked() -> None:
    with pytest.raises(NoCandidateError) as caught:
        seeing(on=available("groq", "gemini"), model="groq:openai/gpt-oss-120b")
    assert [row.why for row in caught.value.passed_over] == ["cannot see images"]


# --- Over the wire ---------------------------------------------------------------------------------------------------


ASK = Ask(
    model="m",
    messages=(
        Message("system", "Be brief."),
        Message("user", "This?", (IMAGE,)),
        Message("assistant", "A slope."),
        Message("user", "And these?", (IMAGE, replace(IMAGE, media_type="image/jpeg"))),
    ),
)


async def test_chat_completions_get_images_as_data_before_the_words() -> None:
    service = OpenAIService(answering("Slopes."))
    row = BY_NAME["openrouter"]
    provider = OpenAICompatibleProvider(row, base_url="https://service.test/v1", api_key="sk-test", transport=service)
    await provider.complete(ASK, lambda _: None)
    await provider.aclose()
    messages = service.bodies[0]["messages"]
    assert [messages[0]["content"], messages[2]["content"]] == ["Be brief.", "A slope."]
    kinds = [part["type"] for part in messages[3]["content"]]
    assert kinds == ["image_url", "image_url", "text"]
    urls = [part["image_url"]["url"] for part in messages[3]["content"][:2]]
    assert [url.partition(",")[0] for url in urls] == ["data:image/png;base64", "data:image/jpeg;base64"]
    assert base64.b64decode(urls[0].partition(",")[2]) == IMAGE.data
    assert messages[3]["content"][2]["text"] == "And these?"


async def test_gemini_gets_images_inline_before_the_words() -> None:
    service = GeminiService(streamed(piece("Slopes.", finish="STOP")))
    provider = GeminiProvider(BY_NAME["gemini"], base_url="https://g.test", api_key="AIza-test", transport=service)
    await provider.complete(ASK, lambda _: None)
    await provider.aclose()
    last = service.bodies[0]["contents"][-1]["parts"]
    # The SDK spells this one field as the protocol's own definition does; the API takes both.
    assert [part["inlineData"]["mime_type"] for part in last[:2]] == ["image/png", "image/jpeg"]
    data = last[0]["inlineData"]["data"]
    assert base64.b64decode(data, altchars=b"-_") == IMAGE.data
    assert last[2] == {"text": "And these?"}


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (404, "No endpoints found that support image input"),
        (500, "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj"),
        (400, "Model 'x' does not support images. Please use a model that does."),
        (400, "This model does not support image inputs"),
        (400, "vision is not enabled for this model"),
    ],
)
async def test_a_service_whose_model_does_not_see_after_all_is_passed_by(status: int, words: str) -> None:
    service = OpenAIService(failing(status, {"error": {"message": words}}))
    row = BY_NAME["openrouter"]
    provider = OpenAICompatibleProvider(row, base_url="https://service.test/v1", api_key="sk-test", transport=service)
    with pytest.raises(Exception, match="does not see images") as caught:
        await provider.complete(ASK, lambda _: None)
    await provider.aclose()
    assert getattr(caught.value, "kind", None) is ErrorKind.REFUSED


# --- Through the tools -----------------------------------------------------------------------------------------------


@pytest.fixture
async def world() -> AsyncGenerator[Services]:
    async with services() as running:
        yield running


@pytest.fixture
def project(world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a person with Groq, which does not see, and Mistral, which does (the stand-in answers for both)."""
    mistral = {
        "MISTRAL_API_KEY": "dummy",
        "DELEGATE_MCP_PROVIDERS__MISTRAL__BASE_URL": f"{world.url}/groq/openai/v1",
    }
    project = become(tmp_path, monkeypatch, **world.groq_env, **mistral)
    (project / "shot.png").write_bytes(png())
    (project / "photo.jpg").write_bytes(jpeg())
    return project


async def test_the_director_has_images_seen_by_path(world: Services, project: Path) -> None:
    async with connected() as host:
        result = await host.call_tool(
            "delegate_quick", {"prompt": "Which is brighter?", "files": ["shot.png", "photo.jpg"]}
        )
    assert facts_of(result)["route"]["provider"] == "mistral"
    assert text_of(result).endswith("images not searched]")
    assert [row["image"] for row in facts_of(result)["files"]] == ["image/png 40x30", "image/jpeg 40x30"]
    content = world.groq.bodies[-1]["messages"][-1]["content"]
    assert [part["type"] for part in content] == ["image_url", "image_url", "text"]
    assert content[2]["text"] == '<image path="shot.png"/>\n\n<image path="photo.jpg"/>\n\nWhich is brighter?'
    assert SECRET not in str([base64.b64decode(part["image_url"]["url"].partition(",")[2]) for part in content[:2]])


async def test_a_thread_goes_on_about_an_image_in_the_next_server(world: Services, project: Path) -> None:
    async with connected() as host:
        first = await host.call_tool("delegate_quick", {"prompt": "What is this?", "files": ["shot.png"]})
    (project / "shot.png").unlink()
    async with connected() as host:
        second = await host.call_tool("delegate_quick", {"prompt": "Sure?", "thread": facts_of(first)["call_id"]})
    messages = world.groq.bodies[-1]["messages"]
    assert [part["type"] for part in messages[1]["content"]] == ["image_url", "text"]
    assert messages[-1]["content"] == "Sure?"
    assert "images not searched" in text_of(second)


async def test_another_image_under_the_same_name_is_another_call(world: Services, project: Path) -> None:
    asked = {"prompt": "Label it.", "task_type": "classification", "files": ["shot.png"]}
    async with connected() as host:
        await host.call_tool("delegate", asked)
        again = await host.call_tool("delegate", asked)
        (project / "shot.png").write_bytes(jpeg())
        other = await host.call_tool("delegate", asked)
    assert facts_of(again)["cached"] is not None
    assert facts_of(other)["cached"] is None


async def test_what_is_kept_of_a_call_can_be_read_as_json(project: Path, tmp_path: Path) -> None:
    async with connected() as host:
        result = await host.call_tool("delegate_quick", {"prompt": "What?", "files": ["shot.png"]})
    stored = tmp_path / "person" / "delegate" / "results" / f"{facts_of(result)['call_id']}.json"
    kept = json.loads(stored.read_text())
    assert kept["images"][0]["media_type"] == "image/png"
    assert kept["images"][0]["width"] == 40
