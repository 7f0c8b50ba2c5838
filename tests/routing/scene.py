"""A scene for the planner: who is set up, what the ledger knows, and one call."""

from collections.abc import Mapping, Sequence
from typing import Any

from delegate_mcp.catalog.catalog import Catalog, load_catalog
from delegate_mcp.domain.availability import Availability, ProviderState
from delegate_mcp.domain.brief import Brief, FileSent, Message
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.plan import RoutePlan
from delegate_mcp.domain.request import DelegateRequest, OnLimit
from delegate_mcp.ledger.snapshot import LedgerSnapshot
from delegate_mcp.providers import registry
from delegate_mcp.routing.planner import plan
from delegate_mcp.routing.rules import Rules, load_rules

NOW = 1_795_000_000.0
EMPTY = LedgerSnapshot(taken_at=NOW)
LOCAL = {"ollama": ("qwen3-coder:30b", "gemma3:27b", "llama3.2:3b")}

COMPLEX = """Redesign the distributed scheduler so that workers survive a network partition. It must be thread-safe,
must keep the protocol's wire format and should come with unit tests.
- leases expire without a clock that all share
- a worker that returns must not run a task twice
- explain the trade-offs"""
"""A coding prompt that is complex by any measure."""


def available(*usable: str, local: Mapping[str, Sequence[str]] | None = None) -> Availability:
    """Those providers usable, local servers with their models, all others without a key."""
    served = local or {}
    return Availability(
        {
            row.name: ProviderState(
                name=row.name,
                usable=row.name in usable or row.name in served,
                why="key set" if row.name in usable or row.name in served else "no key",
                mend=f"set up {row.name}",
                models=tuple(served[row.name]) if row.name in served else None,
            )
            for row in registry.PROVIDERS
        }
    )


def planned(
    prompt: str = "What is the capital of France?",
    *,
    on: Availability,
    task_type: str = "auto",
    model: str | None = None,
    private: bool = False,
    tokens: int = 50,
    brief: Mapping[str, Any] | None = None,
    snapshot: LedgerSnapshot = EMPTY,
    rules: Rules | None = None,
    catalog: Catalog | None = None,
    on_limit: OnLimit = "degrade",
    votes: int = 1,
    **settings: Any,
) -> RoutePlan:
    """The plan of one call."""
    messages = (Message("user", prompt),)
    fields: dict[str, Any] = {"messages": messages, "prompt": prompt, "input_tokens": tokens, "private": private}
    return plan(
        Brief(**fields | dict(brief or {})),
        DelegateRequest(prompt=prompt, task_type=task_type, model=model, on_limit=on_limit, votes=votes),
        rules=rules or load_rules(),
        catalog=catalog or load_catalog(),
        availability=on,
        snapshot=snapshot,
        **settings,
    )


def names(drafted: RoutePlan) -> list[str]:
    """The candidates, as `provider:model`."""
    return [str(candidate.model_id) for candidate in drafted.candidates]


def why_not(drafted: RoutePlan) -> dict[str, str]:
    """Who was passed over, and why."""
    return {row.model: row.why for row in drafted.passed_over}


def file(path: str) -> FileSent:
    """A small file of the manifest."""
    return FileSent(path, 10, 40)


GROQ_20B = ModelId("groq", "openai/gpt-oss-20b")
