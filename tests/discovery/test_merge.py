"""What the lists add to the catalog."""

import time
from decimal import Decimal

from delegate_mcp.catalog.catalog import load_catalog
from delegate_mcp.discovery.merge import CAUTIOUS, MOST_NEWCOMERS, NEWCOMERS, Merged, merged, with_local
from delegate_mcp.discovery.timing import ProviderList
from delegate_mcp.domain.listed import ListedModel, ListPrice
from delegate_mcp.domain.model_id import ModelId

CATALOG = load_catalog()
NOW = 1_800_000_000.0


def laid_over(provider: str, *models: ListedModel, keep: bool = True) -> Merged:
    """The catalog under a list with these models, and with all that it has of the provider unless not kept."""
    own = [ListedModel(model=m.model) for m in CATALOG.models if m.provider == provider] if keep else []
    listed = {model.model: model for model in (*own, *models)}
    return merged(CATALOG, {provider: ProviderList(models=tuple(listed.values()), found_at=NOW)})


def test_every_role_that_takes_newcomers_is_one_of_the_catalog() -> None:
    assert {row.role for row in NEWCOMERS} <= CATALOG.roles.keys()


def test_without_lists_the_catalog_stays_as_it_is() -> None:
    assert merged(CATALOG, {}) == Merged(CATALOG)


def test_the_services_own_word_on_sizes_and_capabilities_is_believed_over_the_catalog() -> None:
    told = ListedModel(
        model="openai/gpt-oss-120b", context_tokens=100_000, max_output_tokens=200_000,
        capabilities=frozenset({"vision"}), tells=frozenset({"vision", "tools"}),
    )  # fmt: skip
    model = laid_over("groq", told).catalog.models[ModelId("groq", "openai/gpt-oss-120b")]
    before = CATALOG.models[model.model_id]
    assert model.context_tokens == 100_000
    assert model.max_output_tokens == 100_000  # never more than fits
    assert model.capabilities == {"schema", "reasoning", "vision"}  # tools were told of, and are not among them
    assert (model.quality, model.rubric, model.limits, model.free) == (
        before.quality,
        before.rubric,
        before.limits,
        before.free,
    )


def test_what_the_service_lists_no_more_is_gone_and_other_providers_are_left_alone() -> None:
    found = laid_over("groq", ListedModel(model="openai/gpt-oss-20b"), keep=False)
    gone = {grave.model_id for grave in found.gone}
    assert gone == {m for m in CATALOG.models if m.provider == "groq"} - {ModelId("groq", "openai/gpt-oss-20b")}
    assert {grave.since for grave in found.gone} == {NOW}


def test_a_free_model_that_appears_enters_the_roles_with_a_cautious_quality_and_the_strictest_limits() -> None:
    new = ListedModel(model="moonshotai/kimi-k9-700b", context_tokens=262_144, max_output_tokens=16_384, free=True)
    found = laid_over("gemini", new)
    model_id = ModelId("gemini", new.model)
    model = found.catalog.models[model_id]
    assert model.quality <= CAUTIOUS
    assert {(limit.metric, limit.period): limit.limit for limit in model.limits}["requests", "day"] == 20
    assert "not measured" in model.source
    assert found.newcomers == {model_id}
    assert found.catalog.roles["free-large"][-1] == str(model_id)
    assert found.catalog.roles["free-fast"][-1] == str(model_id)
    assert str(model_id) not in found.catalog.roles["free-coder"]
    assert found.catalog.roles["free-large"][:-1] == CATALOG.roles["free-large"]


def test_one_whose_name_speaks_of_code_enters_the_coders() -> None:
    found = laid_over("groq", ListedModel(model="mistral/devstral-9-24b", free=True))
    assert found.catalog.roles["free-coder"][-1] == "groq:mistral/devstral-9-24b"


def test_a_model_for_money_can_be_named_but_enters_no_role() -> None:
    paid = ListedModel(model="x/large", price=ListPrice(Decimal(3), Decimal(15)))
    found = laid_over("openrouter", paid)
    assert not found.catalog.models[ModelId("openrouter", "x/large")].free
    assert found.catalog.roles == CATALOG.roles
    assert found.newcomers == frozenset()


def test_another_name_of_a_model_that_is_known_is_no_newcomer() -> None:
    names = ("mistral-small-latest", "mistral-small-2603")
    rows = [ListedModel(model=one, aliases=(other,), free=True) for one, other in (names, names[::-1])]
    found = laid_over("mistral", *rows)
    assert found.newcomers == frozenset()
    assert ModelId("mistral", "mistral-small-2603") in found.catalog.models  # it can be named all the same


def test_of_hundreds_of_free_models_a_role_takes_the_best_few() -> None:
    many = [ListedModel(model=f"x/small-{number}-1b", free=True) for number in range(300)]
    found = laid_over("groq", *many, ListedModel(model="x/good-32b", free=True))
    entered = found.catalog.roles["free-fast"][len(CATALOG.roles["free-fast"]) :]
    assert len(entered) == MOST_NEWCOMERS
    assert entered[0] == "groq:x/good-32b"


def test_ten_thousand_models_are_laid_over_in_little_time() -> None:
    many = [ListedModel(model=f"x/m{number}", aliases=(f"y/m{number}",), free=True) for number in range(10_000)]
    began = time.process_time()
    assert len(laid_over("openrouter", *many).newcomers) == 10_000
    assert time.process_time() - began < 3  # looking through all for each of them takes ten seconds


def test_what_a_server_of_this_machine_tells_of_its_models_is_believed() -> None:
    served = {"vllm": (ListedModel(model="Qwen/Qwen3-32B", context_tokens=4_096), ListedModel(model="silent"))}
    catalog = with_local(CATALOG, served)
    assert catalog.models[ModelId("vllm", "Qwen/Qwen3-32B")].context_tokens == 4_096
    assert ModelId("vllm", "silent") not in catalog.models  # its name says all that is known
    assert with_local(CATALOG, {}) is CATALOG
