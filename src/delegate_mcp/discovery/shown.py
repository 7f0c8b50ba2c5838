"""The JSON of `models://catalog`: what is usable now, and for the rest why not and what to do. Pure."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from delegate_mcp.catalog.catalog import Catalog, Model
from delegate_mcp.catalog.local_names import local_model
from delegate_mcp.discovery.merge import Merged, best_first
from delegate_mcp.discovery.timing import ProviderList
from delegate_mcp.domain.availability import Availability, ProviderState
from delegate_mcp.domain.listed import ListedModel
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.providers.registry import ProviderRow

MOST_NEW = 20
"""So many of a service's new models are shown: a director pays for each line that it reads."""


def models_catalog(
    rows: Sequence[ProviderRow],
    *,
    rated: Catalog,
    found: Merged,
    availability: Availability,
    lists: Mapping[str, ProviderList],
    now: float,
) -> dict[str, Any]:
    """Everything that `models://catalog` shows.

        {"providers": [{"name": "groq", "tier": "free", "usable": true, "why": "key set: …", "mend": "",
                        "data": {"trains": "no", "keeps": "yes", "told": "…", "source": "https://…", "seen": "2025-10"},
                        "list"?: {"age_s"?: 3600, "failures": 0, "error"?: "…"},
                        "models": [{"model": "openai/gpt-oss-20b", "context_tokens": 131072, "output_tokens": 65536,
                                    "quality": 5, "free": true, "capabilities": ["tools", …], "inputs"?: ["text"],
                                    "usd_per_million"?: {"input": "0.10", "output": "0.50"}, "new"?: true}],
                        "gone": ["llama-…"], "further": 312}],
         "roles": {"groq-fast": ["groq:openai/gpt-oss-20b"]},
         "aliases": {"llama-3.1-8b-instant": "groq:openai/gpt-oss-20b"}}

    A provider that cannot be asked has no models here: `why` and `mend` say what would bring them. `new` are free
    models of its list that nobody has rated, the best MOST_NEW of them; `further` counts what it lists beside, which
    can be named too.
    """
    states = availability.states
    return {
        "providers": [
            _provider(row, states[row.name], rated, found, known=known, now=now)
            for row in rows
            if row.name in states
            for known in (lists.get(row.name),)
        ],
        "roles": {name: list(models) for name, models in found.catalog.roles.items()},
        "aliases": {name: str(alias.model_id) for name, alias in found.catalog.aliases.items()},
    }


def _provider(
    row: ProviderRow,
    state: ProviderState,
    rated: Catalog,
    found: Merged,
    *,
    known: ProviderList | None,
    now: float,
) -> dict[str, Any]:
    listed = known or ProviderList()
    told = {model.model: model for model in (*listed.models, *state.listed)}
    gone = sorted(grave.model_id.model for grave in found.gone if grave.model_id.provider == row.name)
    shown = _models(row, state, rated, found) if state.usable else []
    names = {model.model_id.model for model in shown}
    further = len(told.keys() - names) + max(0, listed.listed - len(listed.models))
    return {
        "name": row.name,
        "tier": row.tier,
        "usable": state.usable,
        "why": state.why,
        "mend": state.mend,
        **({} if row.local else {"data": _data(row)}),
        **({"list": _age(known, now)} if state.usable and known is not None else {}),
        "models": [
            _model(model, told.get(model.model_id.model), new=model.model_id in found.newcomers) for model in shown
        ],
        **({"gone": gone} if gone and state.usable else {}),
        **({"further": further} if state.usable and further > 0 else {}),
    }


def _data(row: ProviderRow) -> dict[str, Any]:
    use = row.data_use(row.tier)
    return {"trains": use.trains, "keeps": use.keeps, "told": use.told(), "source": use.source, "seen": use.seen}


def _age(known: ProviderList, now: float) -> dict[str, Any]:
    return {
        **({} if known.found_at is None else {"age_s": max(0, round(now - known.found_at))}),
        "failures": known.failures,
        **({"error": known.error} if known.error else {}),
    }


def _models(row: ProviderRow, state: ProviderState, rated: Catalog, found: Merged) -> list[Model]:
    """Those of the catalog that are still there, and the free ones that nobody has rated."""
    if state.models is not None:
        served = [local_model(found.catalog, ModelId(row.name, name)) for name in state.models]
        return [model for model in served if model is not None]
    gone = {grave.model_id for grave in found.gone}
    there = [
        model
        for model_id, model in found.catalog.models.items()
        if model_id.provider == row.name and model_id not in gone
    ]
    new = [model for model in there if model.model_id in found.newcomers]
    return [model for model in there if model.model_id in rated.models] + sorted(new, key=best_first)[:MOST_NEW]


def _model(model: Model, listed: ListedModel | None, *, new: bool) -> dict[str, Any]:
    price = listed.price if listed is not None else None
    return {
        "model": model.model_id.model,
        "context_tokens": model.context_tokens,
        "output_tokens": model.max_output_tokens,
        "quality": model.quality,
        "free": model.free,
        "capabilities": sorted(model.capabilities),
        **({"inputs": list(listed.inputs)} if listed is not None and listed.inputs else {}),
        **({"usd_per_million": {"input": _usd(price.input), "output": _usd(price.output)}} if price else {}),
        **({"new": True} if new else {}),
    }


def _usd(price: Decimal) -> str:
    return f"{price.normalize():f}"
