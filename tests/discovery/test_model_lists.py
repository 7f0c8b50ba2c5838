"""What each service's list tells, read from the forms in which they answer."""

from decimal import Decimal
from typing import Any

import pytest

from delegate_mcp.domain.listed import ListedModel, ListPrice
from delegate_mcp.providers.model_lists import MOST_MODELS, read_list
from tests.fakes.listing_services import LISTS, openrouter_row


def listed(provider: str, body: object) -> dict[str, ListedModel]:
    """The models by name."""
    found = read_list(provider, body)
    assert found is not None
    return {model.model: model for model in found}


def test_groq_tells_sizes_and_lists_what_does_not_chat_beside() -> None:
    found = listed("groq", LISTS["groq"])
    assert set(found) == {"openai/gpt-oss-20b", "openai/gpt-oss-120b", "moonshotai/kimi-k3"}
    assert found["openai/gpt-oss-120b"] == ListedModel(
        model="openai/gpt-oss-120b", context_tokens=120_000, max_output_tokens=65_536, free=True
    )


def test_gemini_tells_who_thinks_and_gives_flash_and_gemma_away() -> None:
    found = listed("gemini", LISTS["gemini"])
    assert {name: model.free for name, model in found.items()} == {
        "gemini-3.8-flash": True,
        "gemini-4-argon": False,
        "gemma-5-27b-it": True,
    }
    assert found["gemini-3.8-flash"].capabilities == {"reasoning"}
    assert found["gemma-5-27b-it"].tells == frozenset()


def test_openrouter_tells_prices_by_the_token_and_what_each_model_can() -> None:
    found = listed("openrouter", LISTS["openrouter"])
    assert found["anthropic/claude-sonnet-5"].price == ListPrice(Decimal(3), Decimal(15))
    assert not found["anthropic/claude-sonnet-5"].free
    assert found["openai/gpt-oss-120b:free"].free
    assert found["openai/gpt-oss-120b:free"].capabilities == {"tools", "schema", "vision", "reasoning"}
    assert found["openai/gpt-oss-20b:free"].capabilities == {"vision"}
    assert found["openrouter/auto"].price is None  # it varies, so it is not free
    assert not found["openrouter/auto"].free
    assert found["openai/gpt-oss-120b:free"].max_output_tokens == 32_768


def test_a_model_that_only_draws_is_left_out() -> None:
    drawing = openrouter_row("x/flux", architecture={"input_modalities": ["text"], "output_modalities": ["image"]})
    assert listed("openrouter", {"data": [drawing]}) == {}


def test_of_hugging_face_only_what_holds_at_each_live_host_is_believed() -> None:
    model = listed("huggingface", LISTS["huggingface"])["openai/gpt-oss-120b"]
    assert model.context_tokens == 65_536
    assert model.capabilities == {"tools"}
    assert model.tells == {"tools", "schema", "vision"}
    assert model.price == ListPrice(Decimal("0.15"), Decimal("0.75"))  # the dearest
    assert not model.free


def test_mistral_tells_capabilities_and_other_names() -> None:
    found = listed("mistral", LISTS["mistral"])
    assert set(found) == {"mistral-small-2603", "mistral-small-latest"}
    assert found["mistral-small-latest"].aliases == ("mistral-small-2603",)
    assert (found["mistral-small-latest"].capabilities, found["mistral-small-latest"].tells) == (
        {"tools"},
        {"tools", "vision"},
    )


def test_together_tells_kinds_and_prices_by_the_million() -> None:
    assert listed("together", LISTS["together"])["openai/gpt-oss-120b"].price == ListPrice(
        Decimal("0.15"), Decimal("0.6")
    )
    assert set(listed("together", LISTS["together"])) == {"openai/gpt-oss-120b"}


def test_cerebras_is_read_in_the_form_for_keys_and_in_the_public_one() -> None:
    assert listed("cerebras", LISTS["cerebras"])["gpt-oss-120b"].context_tokens is None
    public = {
        "id": "gpt-oss-120b", "deprecated": False, "pricing": {"prompt": "0.00000035", "completion": "0.00000075"},
        "capabilities": {"vision": False, "reasoning": True, "tools": True, "streaming": True},
        "limits": {"max_context_length": 131_072, "max_completion_tokens": 40_960},
    }  # fmt: skip
    model = listed("cerebras", {"data": [public, {"id": "old", "deprecated": True}]})
    assert set(model) == {"gpt-oss-120b"}
    assert (model["gpt-oss-120b"].context_tokens, model["gpt-oss-120b"].max_output_tokens) == (131_072, 40_960)
    assert model["gpt-oss-120b"].capabilities == {"reasoning", "tools"}


def test_opencode_zen_gives_some_away_and_what_speaks_another_protocol_is_left_out() -> None:
    found = listed("opencode-zen", LISTS["opencode-zen"])
    assert {name: model.free for name, model in found.items()} == {
        "big-pickle": True,
        "mimo-v2.5-free": True,
        "kimi-k3": False,
    }


@pytest.mark.parametrize(
    ("provider", "row", "context"),
    [
        ("vllm", {"id": "m", "max_model_len": 4096}, 4096),
        ("lmstudio", {"id": "m", "type": "llm", "max_context_length": 32_768, "state": "not-loaded"}, 32_768),
        ("lmstudio", {"id": "m", "type": "vlm", "max_context_length": 32_768, "loaded_context_length": 4_096}, 4_096),
        ("llama-server", {"id": "m", "meta": {"n_ctx_train": 8_192}}, 8_192),
        ("llama-server", {"id": "m", "meta": {"n_ctx_train": 1_048_576}}, 32_768),  # it may be set to less
        ("llama-server", {"id": "m", "meta": {"n_ctx_train": 1_048_576, "n_ctx": 65_536}}, 65_536),
        ("ollama", {"id": "m", "object": "model", "owned_by": "library"}, None),
        ("openai", {"id": "m", "object": "model"}, None),
        ("deepseek", {"id": "m", "object": "model"}, None),
        ("nvidia", {"id": "m", "object": "model"}, None),
    ],
)
def test_what_servers_and_plain_lists_tell_of_the_context(provider: str, row: Any, context: int | None) -> None:
    assert listed(provider, {"data": [row]})["m"].context_tokens == context


def test_lm_studio_tells_what_sees_and_what_embeds() -> None:
    found = listed("lmstudio", {"data": [{"id": "eyes", "type": "vlm"}, {"id": "nomic", "type": "embeddings"}]})
    assert set(found) == {"eyes"}
    assert found["eyes"].capabilities == {"vision"}


@pytest.mark.parametrize(
    "row",
    [
        {}, {"id": None}, {"id": 7}, {"id": ""}, {"id": "a\nb"}, {"id": "x" * 201}, {"id": " led"}, {"id": ["a"]},
        {"id": "text-embedding-4"}, {"id": "whisper-1"}, {"id": "gpt-image-2"}, {"id": "omni-moderation"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("provider", ["openai", "openrouter", "huggingface", "mistral", "together", "cerebras"])
def test_a_row_that_names_no_chat_model_is_left_out_and_the_rest_is_read(provider: str, row: Any) -> None:
    assert set(listed(provider, {"data": [row, "text", 3, None, ["list"], {"id": "good"}]})) == {"good"}


@pytest.mark.parametrize("value", ["131072", -1, 0, True, 1e400, None, [], {}, float("nan"), 10**30])
def test_a_size_that_is_none_is_not_known(value: object) -> None:
    assert listed("groq", {"data": [{"id": "m", "context_window": value}]})["m"].context_tokens is None


@pytest.mark.parametrize("price", ["free", "", None, True, [], "NaN", "Infinity", "-0.1", {"usd": 1}])
def test_a_price_that_is_none_makes_nothing_free(price: object) -> None:
    row = openrouter_row("m", pricing={"prompt": price, "completion": "0"})
    model = listed("openrouter", {"data": [row]})["m"]
    assert (model.price, model.free) == (None, False)


@pytest.mark.parametrize("body", [None, 3, "text", {}, {"data": None}, {"data": {"id": "m"}}, {"models": []}, ["m"]])
def test_what_is_no_list_is_told_from_an_empty_one(body: object) -> None:
    assert read_list("openai", body) is None
    assert read_list("openai", {"data": []}) == ()


def test_a_name_that_stands_there_twice_counts_once_as_it_came_first() -> None:
    rows = [{"id": "m", "context_window": 1000}, {"id": "m", "context_window": 2000}]
    assert listed("groq", {"data": rows})["m"].context_tokens == 1000


def test_of_more_than_ten_thousand_models_the_rest_is_left_out_with_a_word(caplog: pytest.LogCaptureFixture) -> None:
    rows = [{"id": f"m{number}"} for number in range(MOST_MODELS + 5)]
    assert len(listed("openai", {"data": rows})) == MOST_MODELS
    assert "openai lists more than 10000 models; the first are used" in caplog.text


def test_of_a_long_list_those_that_do_not_chat_take_no_place() -> None:
    rows = [{"id": f"embed-{number}"} for number in range(MOST_MODELS)] + [{"id": "chats"}]
    assert list(listed("openai", {"data": rows})) == ["chats"]
