"""MODEL_OVERRIDE_<ROLE or TASK_TYPE> in the environment: a model that stands before a row's candidates. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from delegate_mcp.catalog.table import nearest
from delegate_mcp.routing import task_types

PREFIX = "MODEL_OVERRIDE_"


@dataclass(frozen=True, slots=True)
class Override:
    """One variable."""

    variable: str
    model: str
    """As it was written; the planner finds out whom it means."""


def overrides_of(environ: Mapping[str, str], known: Iterable[str]) -> tuple[dict[str, Override], tuple[str, ...]]:
    """Task type or role -> its override, and what could not be used. An empty value is none."""
    among = tuple(dict.fromkeys(known))
    found: dict[str, Override] = {}
    mistakes: list[str] = []
    for variable in sorted(environ):
        model = environ[variable].strip()
        if not variable.upper().startswith(PREFIX) or not model:
            continue
        said = variable[len(PREFIX) :].lower()
        name = said if said in among else task_types.canonical(said)
        if name is None:
            mistakes.append(
                f"{variable}: there is no role or task type {said!r}.{nearest(said, among)} It is left out."
            )
        else:
            found[name] = Override(variable, model)
    return found, tuple(mistakes)
