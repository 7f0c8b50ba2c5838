"""What the lists add to the catalog: newer facts, models nobody has rated yet, and what is gone. Pure.

A free model that the catalog does not know is usable at once: it gets the quality that its name tells, but no more than
CAUTIOUS, the strictest limits that are known of its service, and a place at the end of the roles of NEWCOMERS. Being
measured (`delegate-mcp evaluate`), or a row of its own in catalog.toml, is what brings it forward.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from delegate_mcp.catalog.catalog import Catalog, Model
from delegate_mcp.catalog.local_names import billions, local_model
from delegate_mcp.discovery.timing import ProviderList
from delegate_mcp.domain.limit import Limit
from delegate_mcp.domain.listed import ListedModel
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.ledger.snapshot import Tombstone
from delegate_mcp.providers.model_lists import MOST_MODELS

CAUTIOUS = 5
"""The quality of a model that nobody has rated is taken for no more than this."""
MOST_NEWCOMERS = 8
"""So many models at most enter a role; who has two hundred does not want them all tried."""
LARGE_BILLIONS = 60.0
MOST_KEPT = 2_000
"""Of a longer list those are kept that the catalog knows, then the free ones. The longest there is has some 500."""

_CONTEXT, _OUTPUT = 32_768, 8_192
"""Of a model whose list tells no sizes."""


@dataclass(frozen=True, slots=True)
class Newcomers:
    """A role that takes free models which the catalog does not know."""

    role: str
    takes: Callable[[Model], bool]


NEWCOMERS: tuple[Newcomers, ...] = (
    Newcomers("free-coder", lambda model: _CODER.search(model.model_id.model.lower()) is not None),
    Newcomers("free-large", lambda model: (billions(model.model_id.model) or 0) >= LARGE_BILLIONS),
    Newcomers("free-fast", lambda _: True),
)
_CODER = re.compile(r"code|devstral|pickle")


@dataclass(frozen=True, slots=True)
class Merged:
    """The catalog as the services' lists have it, and what they list no more."""

    catalog: Catalog
    gone: tuple[Tombstone, ...] = ()
    newcomers: frozenset[ModelId] = frozenset()


def merged(catalog: Catalog, lists: Mapping[str, ProviderList]) -> Merged:
    """Lay the lists (provider -> what it lists, those that are believed) over the catalog."""
    if not lists:
        return Merged(catalog)
    models, gone, new = dict(catalog.models), list[Tombstone](), dict[ModelId, Model]()
    limits = {provider: _strictest(catalog, provider) for provider in lists}
    for provider, known in lists.items():
        listed = {model.model: model for model in known.models}
        for model_id, model in catalog.models.items():
            if model_id.provider != provider:
                continue
            if model_id.model in listed:
                models[model_id] = with_facts(model, listed[model_id.model])
            elif known.listed < MOST_MODELS:  # else the list was read in part
                gone.append(Tombstone(model_id, known.found_at or 0.0))
        for row in known.models:
            model_id = ModelId(provider, row.model)
            if model_id not in models and (model := _unrated(catalog, model_id, row, known)) is not None:
                models[model_id] = model if not model.free else replace(model, limits=limits[provider])
                same = (ModelId(provider, alias) for alias in row.aliases)
                if model.free and not any(other in catalog.models or other in new for other in same):
                    new[model_id] = models[model_id]
    return Merged(replace(catalog, models=models, roles=_roles(catalog, new.values())), tuple(gone), frozenset(new))


def kept(catalog: Catalog, provider: str, models: tuple[ListedModel, ...]) -> tuple[ListedModel, ...]:
    """What of a service's list is kept; nobody chooses among more."""
    if len(models) <= MOST_KEPT:
        return models
    ordered = sorted(models, key=lambda row: (ModelId(provider, row.model) not in catalog.models, not row.free))
    return tuple(ordered[:MOST_KEPT])


def with_local(catalog: Catalog, served: Mapping[str, Iterable[ListedModel]]) -> Catalog:
    """The same with what servers of this machine (provider -> its models) tell of theirs."""
    told: dict[ModelId, Model] = {}
    for provider, listed in served.items():
        for row in listed:
            model = local_model(catalog, ModelId(provider, row.model))
            if model is not None and row != ListedModel(model=row.model):
                told[model.model_id] = with_facts(model, row)
    return replace(catalog, models={**catalog.models, **told}) if told else catalog


def with_facts(model: Model, listed: ListedModel) -> Model:
    """The model with what its service tells of it; the rest stays as it was."""
    context = listed.context_tokens or model.context_tokens
    output = min(listed.max_output_tokens or model.max_output_tokens, context)
    able = (model.capabilities - listed.tells) | listed.capabilities
    if (context, output, able) == (model.context_tokens, model.max_output_tokens, model.capabilities):
        return model
    return replace(model, context_tokens=context, max_output_tokens=output, capabilities=able)


def best_first(model: Model) -> tuple[int, int, ModelId]:
    """The order of models that nobody has rated."""
    return (-model.quality, -model.context_tokens, model.model_id)


def _unrated(catalog: Catalog, model_id: ModelId, listed: ListedModel, known: ProviderList) -> Model | None:
    named = local_model(catalog, model_id)
    if named is None:
        return None
    on = datetime.fromtimestamp(known.found_at or 0.0, UTC).date().isoformat()
    context = listed.context_tokens or _CONTEXT
    return Model(
        model_id=model_id,
        context_tokens=context,
        max_output_tokens=min(listed.max_output_tokens or _OUTPUT, context),
        quality=min(CAUTIOUS, named.quality),
        rubric=catalog.measured.get(model_id, {}),
        capabilities=listed.capabilities,
        limits=(),
        free=listed.free,
        source=f"its service's list of {on}; quality by its name, not measured",
    )


def _strictest(catalog: Catalog, provider: str) -> tuple[Limit, ...]:
    """The tightest of each kind of limit that is known of that service."""
    found: dict[tuple[str, str, str], Limit] = {}
    for model_id, model in catalog.models.items():
        for limit in model.limits if model_id.provider == provider else ():
            kind = (limit.metric, limit.period, limit.scope)
            if kind not in found or limit.limit < found[kind].limit:
                found[kind] = limit
    return tuple(found.values())


def _roles(catalog: Catalog, new: Iterable[Model]) -> dict[str, tuple[str, ...]]:
    """The roles with the newcomers at their end, the best first."""
    roles = dict(catalog.roles)
    ordered = sorted(new, key=best_first)
    for row in NEWCOMERS:
        if row.role in roles:
            taken = [str(model.model_id) for model in ordered if row.takes(model)][:MOST_NEWCOMERS]
            roles[row.role] = tuple(dict.fromkeys((*roles[row.role], *taken)))
    return roles
