"""The embedded provider over a stand-in engine: asked by the OpenAI protocol, started again by the next ask."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from delegate_mcp.domain.brief import Message
from delegate_mcp.domain.errors import ErrorKind, ProviderError
from delegate_mcp.domain.plan import AskOptions
from delegate_mcp.local import demo_model
from delegate_mcp.local.keeper import Keeper
from delegate_mcp.local.models import LocalModel
from delegate_mcp.providers.base import Ask
from delegate_mcp.providers.embedded import EmbeddedProvider
from delegate_mcp.providers.registry import BY_NAME
from tests.fakes.local_person import ENGINE, MODEL, environment, no_host_left, own_model, starts


@asynccontextmanager
async def provider(
    folder: Path, behaviour: str = "answers", models: tuple[LocalModel, ...] = ()
) -> AsyncGenerator[EmbeddedProvider]:
    async with no_host_left(folder):
        kept = KeeperOf(own_model(folder, behaviour), folder, environment(folder), engines=[ENGINE])
        kept.others = models
        provider = EmbeddedProvider(BY_NAME["local"], kept)
        try:
            yield provider
        finally:
            await provider.aclose()
            await kept.aclose()


class KeeperOf(Keeper):
    """A keeper that has further models."""

    others: tuple[LocalModel, ...] = ()

    def models(self) -> tuple[LocalModel, ...]:
        return (*super().models(), *self.others)


def demo(folder: Path) -> LocalModel:
    """A stand-in for the demonstration model."""
    file = folder / "demo.gguf"
    file.write_text("GGUF answers", encoding="utf-8")
    return LocalModel(
        name=demo_model.NAME,
        file=file,
        context_tokens=demo_model.CONTEXT_TOKENS,
        temperature=0.2,
        sampling=(("top_p", 0.9), ("repeat_penalty", 1.1)),
    )


def ask(prompt: str = "hello", model: str = MODEL, temperature: float | None = None) -> Ask:
    options = AskOptions(temperature=temperature)
    return Ask(model=model, messages=(Message("user", prompt),), options=options)


def nothing(tokens: int) -> None:
    assert tokens >= 0


async def test_it_answers_through_the_host(tmp_path: Path) -> None:
    async with provider(tmp_path) as local:
        answer = await local.complete(ask(), nothing)
    assert local.name == "local"
    assert json.loads(answer.text)["model"] == MODEL
    assert answer.usage.input_tokens == 3


async def test_no_request_is_lost_on_a_connection_that_the_host_is_about_to_close(tmp_path: Path) -> None:
    async with provider(tmp_path) as local:
        answer = await local.complete(ask(), nothing)
    assert json.loads(answer.text)["connection"] == "close"


async def test_calls_share_the_host(tmp_path: Path) -> None:
    async with provider(tmp_path) as local:
        await local.complete(ask(), nothing)
        await local.complete(ask(), nothing)
    assert len(starts(tmp_path)) == 1


async def test_an_engine_that_crashes_in_the_middle_is_told_and_the_next_ask_starts_it_again_and_notes_why(
    tmp_path: Path,
) -> None:
    async with provider(tmp_path, "crashes-once") as local:
        with pytest.raises(ProviderError, match="the local engine ended with exit code 7 in the middle") as caught:
            await local.complete(ask("a secret word"), nothing)
        assert caught.value.kind is ErrorKind.NETWORK  # which the dispatcher tries once more
        assert "secret word" not in str(caught.value)
        answer = await local.complete(ask(), nothing)
        assert answer.notes == ("engine restarted: it ended with exit code 7 before",)
        assert (await local.complete(ask(), nothing)).notes == ()
    assert len(starts(tmp_path)) == 2


async def test_each_ask_starts_a_crashing_engine_once_at_most(tmp_path: Path) -> None:
    async with provider(tmp_path, "always-crashes") as local:
        for asked in (1, 2):
            with pytest.raises(ProviderError, match="ended with exit code 7"):
                await local.complete(ask(), nothing)
            assert len(starts(tmp_path)) == asked


async def test_a_prompt_longer_than_the_context_is_refused_before_anything_is_started(tmp_path: Path) -> None:
    async with provider(tmp_path) as local:
        with pytest.raises(ProviderError, match="do not fit into the 1,000 of own-model; send less") as caught:
            await local.complete(ask("word " * 1_000), nothing)
    assert caught.value.kind is ErrorKind.TOO_LARGE
    assert caught.value.limit == 1_000
    assert starts(tmp_path) == []


async def test_the_models_of_the_person_are_listed_with_their_context(tmp_path: Path) -> None:
    async with provider(tmp_path) as local:
        [model] = await local.list_models()
    assert (model.model, model.context_tokens) == (MODEL, 1_000)


async def test_a_model_that_is_not_here_is_told(tmp_path: Path) -> None:
    async with provider(tmp_path) as local:
        with pytest.raises(ProviderError, match="no model file for local:other"):
            await local.complete(ask(model="other"), nothing)


async def test_the_demonstration_model_is_asked_as_it_answers_best(tmp_path: Path) -> None:
    async with provider(tmp_path, models=(demo(tmp_path),)) as local:
        asked = json.loads((await local.complete(ask(model=demo_model.NAME), nothing)).text)
        hotter = json.loads((await local.complete(ask(model=demo_model.NAME, temperature=0.9), nothing)).text)
    assert (asked["temperature"], asked["top_p"]) == (0.2, 0.9)
    assert hotter["temperature"] == 0.9


async def test_a_model_of_the_person_is_asked_with_its_own_sampling(tmp_path: Path) -> None:
    async with provider(tmp_path) as local:
        asked = json.loads((await local.complete(ask(), nothing)).text)
    assert (asked["temperature"], asked["top_p"]) == (None, None)
