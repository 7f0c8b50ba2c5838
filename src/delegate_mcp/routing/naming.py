"""From the model that a caller named to a model id: `provider:model`, a bare name, an alias, a local model."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

from delegate_mcp.catalog.catalog import DEMO_MODEL, Alias
from delegate_mcp.catalog.local_names import plain_name
from delegate_mcp.domain.errors import InputError
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.providers import registry
from delegate_mcp.routing.known import Known

_NEAREST = 3


@dataclass(frozen=True, slots=True)
class Named:
    """A resolved name."""

    model_id: ModelId
    asked_as: str | None = None
    """The retired or aliased name that led here."""
    why: str = ""
    """Why that name leads here, where it is an alias."""


def resolve(name: str, known: Known, *, private: bool, quality: bool) -> Named:
    """The model of that name; InputError names the nearest three. `quality`: the task asks for more than bulk work."""
    asked = name.strip()
    found = _exact(asked, known) or _local(asked, known, private=private) or _alias(asked, known, quality=quality)
    found = found or _bare(asked, known)
    if found is None:
        raise InputError(f"There is no model {asked!r}. {_hint(asked, known)}")
    if private and not known.is_local(found.model_id):
        raise InputError(
            f"A private call cannot go to {found.model_id}: it does not run on this machine. "
            "Name a local model, or none, or use another tool."
        )
    return found


def successor(gone: ModelId, known: Known, *, quality: bool) -> Named | None:
    """The model that took the role of one that is gone, as the alias table knows it; itself not gone."""
    seen = {gone}
    at = gone
    while True:
        named = next(
            (
                named
                for name in (str(at), at.model, at.model.rpartition("/")[2])
                if (named := _alias(name, known, quality=quality))
            ),
            None,
        )
        if named is None or named.model_id in seen:
            return None
        if known.gone(named.model_id) is None:
            return Named(named.model_id, str(gone), named.why)
        seen.add(named.model_id)
        at = named.model_id


def _exact(asked: str, known: Known) -> Named | None:
    provider, colon, model = asked.partition(":")
    row = registry.BY_NAME.get(provider)
    if row is None or not (colon and model):
        return None
    model_id = ModelId(provider, model)
    if model_id in known.catalog.models:
        return Named(model_id)
    state = known.availability.states.get(provider)
    listed = state.models if state is not None else None
    # What a local server serves is its own to say; one that is not running is told as such, not as a wrong name.
    if row.local and known.model(model_id) is not None and (listed is None or model in listed):
        return Named(model_id) if model_id.provider != DEMO_MODEL.provider else None
    return None


def _local(asked: str, known: Known, *, private: bool) -> Named | None:
    provider, _, model = asked.partition(":")
    row = registry.BY_NAME.get(provider)
    if row is not None and not row.local:
        return None
    wanted = plain_name(model if row is not None else asked)
    among = [found.model_id for found in known.local_models() if row is None or found.model_id.provider == provider]
    same = [model_id for model_id in among if plain_name(model_id.model) == wanted]
    # A bare name that a cloud has under exactly this spelling means that one, unless the call is private.
    if same and (private or row is not None or next(_spelled(asked, known), None) is None):
        return Named(same[0])
    if wanted == plain_name(DEMO_MODEL.model):
        return Named(DEMO_MODEL)
    return None


def _alias(asked: str, known: Known, *, quality: bool) -> Named | None:
    provider, _, rest = asked.partition(":")
    row = registry.BY_NAME.get(provider)
    alias: Alias | None = known.catalog.aliases.get(asked)
    if alias is None and row is not None and not row.local:
        alias = known.catalog.aliases.get(rest)
    if alias is None:
        return None
    return Named(alias.quality if quality and alias.quality else alias.model_id, asked, alias.why)


def _bare(asked: str, known: Known) -> Named | None:
    among = list(_spelled(asked, known))
    usable = [model_id for model_id in among if known.availability.usable(model_id.provider)]
    return Named((usable or among)[0]) if among else None


def _spelled(asked: str, known: Known) -> Iterator[ModelId]:
    """Cloud and CLI models of that name, with or without the part before the last slash."""
    wanted = asked.lower()
    for model_id in known.catalog.models:
        name = model_id.model.lower()
        if wanted in (
            name,
            name.rsplit("/", 1)[-1],
            name.removesuffix(":free"),
            name.rsplit("/", 1)[-1].removesuffix(":free"),
        ):
            yield model_id


def _hint(asked: str, known: Known) -> str:
    local = [str(model.model_id) for model in known.local_models()]
    names = [*map(str, known.catalog.models), *known.catalog.aliases, *local]
    by_tail: dict[str, str] = {}
    for name in names:
        by_tail.setdefault(name.split(":", 1)[-1].rsplit("/", 1)[-1].lower(), name)
        by_tail.setdefault(name.lower(), name)
    near = difflib.get_close_matches(asked.lower(), by_tail, n=2 * _NEAREST, cutoff=0.0)
    three = list(dict.fromkeys(by_tail[key] for key in near))[:_NEAREST]
    return f"Nearest: {', '.join(three)}. `delegate-mcp models` lists all."
