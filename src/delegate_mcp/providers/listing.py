"""The JSON of `models://catalog`: what is usable now, and for the rest why not and what to do. Pure."""

from collections.abc import Sequence
from typing import Any

from delegate_mcp.catalog.catalog import Catalog, Model
from delegate_mcp.catalog.local_names import local_model
from delegate_mcp.domain.availability import Availability, ProviderState
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.providers.registry import ProviderRow


def models_catalog(rows: Sequence[ProviderRow], catalog: Catalog, availability: Availability) -> dict[str, Any]:
    """Everything that `models://catalog` shows.

        {"providers": [{"name": "groq", "tier": "free", "usable": true, "why": "key set: …", "mend": "",
                        "data": {"trains": "no", "keeps": "yes", "told": "…", "source": "https://…", "seen": "2025-10"},
                        "models": [{"model": "openai/gpt-oss-20b", "context_tokens": 131072, "quality": 5,
                                    "free": true, "capabilities": ["tools", …]}]}],
         "roles": {"groq-fast": ["groq:openai/gpt-oss-20b"]},
         "aliases": {"llama-3.1-8b-instant": "groq:openai/gpt-oss-20b"}}

    A provider that cannot be asked has no models here: `why` and `mend` say what would bring them.
    """
    states = availability.states
    return {
        "providers": [_provider(row, states[row.name], catalog) for row in rows if row.name in states],
        "roles": {name: list(models) for name, models in catalog.roles.items()},
        "aliases": {name: str(alias.model_id) for name, alias in catalog.aliases.items()},
    }


def _provider(row: ProviderRow, state: ProviderState, catalog: Catalog) -> dict[str, Any]:
    return {
        "name": row.name,
        "tier": row.tier,
        "usable": state.usable,
        "why": state.why,
        "mend": state.mend,
        **({} if row.local else {"data": _data(row)}),
        "models": [_model(model) for model in _models(row, state, catalog)] if state.usable else [],
    }


def _data(row: ProviderRow) -> dict[str, Any]:
    use = row.data_use(row.tier)
    return {"trains": use.trains, "keeps": use.keeps, "told": use.told(), "source": use.source, "seen": use.seen}


def _models(row: ProviderRow, state: ProviderState, catalog: Catalog) -> list[Model]:
    known = [model for model_id, model in catalog.models.items() if model_id.provider == row.name]
    if state.models is None:
        return known
    served = [local_model(catalog, ModelId(row.name, name)) for name in state.models]
    return [model for model in served if model is not None]


def _model(model: Model) -> dict[str, Any]:
    return {
        "model": model.model_id.model,
        "context_tokens": model.context_tokens,
        "quality": model.quality,
        "free": model.free,
        "capabilities": sorted(model.capabilities),
    }
