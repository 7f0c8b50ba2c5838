"""Every provider, one row each.

What a service does with prompts (`data`) is taken from its own terms, with the page and the month; what they do not say
plainly stays unknown, which counts as the worst.

To add a service with an OpenAI-compatible API: add a row to `registry_clouds.py` with `wire="openai"`, its base URL and
the names of its key, and to `model_lists.FORMS` where its list of models tells more than names.
To add a CLI: add a row to `registry_programs.py` with `wire="cli"`, and its command line to `providers/cli_rows.py`.
A new wire protocol is a new module and a new line in `provider_set.WIRES`. Then give the models to
`catalog/catalog.toml`.
"""

from delegate_mcp.providers.registry_clouds import CLOUDS
from delegate_mcp.providers.registry_local import LOCAL
from delegate_mcp.providers.registry_programs import PROGRAMS
from delegate_mcp.providers.row import ProviderRow, Wire

__all__ = ["BY_NAME", "PROVIDERS", "ProviderRow", "Wire"]

PROVIDERS: tuple[ProviderRow, ...] = (*CLOUDS, *PROGRAMS, *LOCAL)

BY_NAME = {row.name: row for row in PROVIDERS}
