"""What the settings make of the tables: a person's own machines, limits, tiers and keys."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from delegate_mcp.catalog.catalog import Catalog, Model
from delegate_mcp.config.keys import Key, find_key
from delegate_mcp.config.loading import Loaded
from delegate_mcp.config.settings import Settings
from delegate_mcp.domain.limit import Limit
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.providers.row import ProviderRow


def own_models(catalog: Catalog, settings: Settings) -> Catalog:
    """The catalog with the machines that this person rents, and the limits of their accounts for the free tiers'."""
    models = dict(catalog.models)
    for name, own in settings.rented.items():
        model_id = ModelId("rented", name)
        models[model_id] = Model(
            model_id=model_id,
            context_tokens=own.context_tokens,
            max_output_tokens=own.context_tokens // 2,
            quality=own.quality,
            rubric={},
            capabilities=frozenset({"schema"}),
            limits=(),
            free=False,
            source="your settings",
        )
    for model_id, model in catalog.models.items():
        own = settings.provider(model_id.provider).limits
        if own is not None:
            limits = tuple(Limit(row.metric, row.period, row.limit, row.scope) for row in own)
            models[model_id] = replace(model, limits=limits)
    return replace(catalog, models=models)


def own_row(row: ProviderRow, settings: Settings) -> ProviderRow:
    """The row as it is for this person: the tier of their key there, and their own hosts."""
    if row.local:
        return replace(row, own_hosts=settings.privacy.own_hosts)
    own = settings.provider(row.name)
    tier = "paid" if own.bill_api else own.tier
    return replace(row, tier=tier) if tier else row


def own_keys(rows: Sequence[ProviderRow], loaded: Loaded, environ: Mapping[str, str]) -> dict[str, Key]:
    """The keys of these providers that are set, by provider."""
    found = {
        row.name: find_key(row.name, row.key_names, settings=loaded.settings, environ=environ, dotenv=loaded.dotenv)
        for row in rows
    }
    return {name: key for name, key in found.items() if key is not None}
