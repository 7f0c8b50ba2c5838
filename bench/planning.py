"""Planning one call with 200 models in the catalog, by rules alone: classification, candidates, checks and reasons.

Processor time, which is all that planning takes: what else runs on the machine is none of its business.
`--profile` prints where the time goes.
"""

import cProfile
import pstats
import statistics
import sys
import time
from pathlib import Path

if not __package__:  # run as a file: put the repository on the path in place of this folder
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from bench.figure import Figure, table
from delegate_mcp.catalog.catalog import load_catalog
from delegate_mcp.discovery.merge import merged, with_local
from delegate_mcp.discovery.timing import ProviderList
from delegate_mcp.domain.availability import Availability, ProviderState
from delegate_mcp.domain.brief import Brief, Message
from delegate_mcp.domain.listed import ListedModel
from delegate_mcp.domain.request import DelegateRequest
from delegate_mcp.domain.standing import Standing, Tally
from delegate_mcp.ledger.snapshot import LedgerSnapshot, ModelUse
from delegate_mcp.providers.registry import PROVIDERS
from delegate_mcp.routing.equals import Experience
from delegate_mcp.routing.known import Known
from delegate_mcp.routing.planner import draft
from delegate_mcp.routing.rules import load_rules
from delegate_mcp.routing.task_types import BY_NAME

MODELS, LOCAL, CALLS = 200, 40, 400
NOW = 1_795_000_000.0
TAUGHT = Standing(Tally(20.0, 5.0, NOW), Tally(4.0, 1.0, NOW))
"""What use has shown of every model: enough that each plan draws its order."""
PROMPTS = (
    "What is the capital of France?",
    "Write a Python function that merges two sorted lists, with unit tests.",
    "Summarize the following notes in five bullet points: " + "the meeting went on about the budget. " * 40,
    "Think step by step: three trains leave at different times and speeds, which arrives first and why?",
    "Extract name, date and amount from this invoice as JSON: ACME, 3 May, 412.50 EUR.",
)


def scene() -> Known:
    """All services have keys and list 200 models between them; 40 models run on this machine."""
    catalog = load_catalog()
    listing = [row.name for row in PROVIDERS if row.wire in {"groq", "gemini", "openai"} and not row.local]
    each = -(-(MODELS - len(catalog.models)) // len(listing))
    lists = {
        name: ProviderList(
            models=(
                *(ListedModel(model=known.model, free=True) for known in catalog.models if known.provider == name),
                *(ListedModel(model=f"maker/model-{number}-{number * 7}b", free=True) for number in range(1, each + 1)),
            ),
            found_at=NOW,
        )
        for name in listing
    }
    local = tuple(ListedModel(model=f"qwen3:{number}b", context_tokens=32_768) for number in range(1, LOCAL + 1))
    found = merged(catalog, lists)
    states = {row.name: ProviderState(name=row.name, usable=not row.local, why="key set") for row in PROVIDERS}
    names = tuple(model.model for model in local)
    states["ollama"] = ProviderState(name="ollama", usable=True, why="running", models=names, listed=local)
    used = {model_id: ModelUse(3, 900, 40, 9_000, 1, 500, NOW - 30) for model_id in found.catalog.models}
    return Known(
        catalog=with_local(found.catalog, {"ollama": local}),
        availability=Availability(states),
        snapshot=LedgerSnapshot(taken_at=NOW, use=used, gone=found.gone),
        experience=Experience(standings={(model_id, kind): TAUGHT for model_id in used for kind in BY_NAME}),
    )


def _brief(prompt: str, number: int) -> Brief:
    # No two prompts are alike, so that nothing is answered from a memory of the last.
    text = f"{prompt} ({number})"
    return Brief(messages=(Message("user", text),), prompt=text, input_tokens=len(text) // 4)


def plans_ms(known: Known, calls: int = CALLS) -> list[float]:
    """How long each of so many plans took."""
    rules, took = load_rules(), list[float]()
    for number in range(calls):
        brief = _brief(PROMPTS[number % len(PROMPTS)], number)
        request = DelegateRequest(prompt=brief.prompt)
        began = time.process_time()
        draft(brief, request, rules=rules, known=known)
        took.append((time.process_time() - began) * 1000)
    return took


def measure() -> list[Figure]:
    known = scene()
    plans_ms(known, 20)  # patterns are compiled at first use
    took = sorted(plans_ms(known))
    return [
        Figure(
            name=f"planning a call, {MODELS} models in the catalog",
            unit="ms",
            ours=statistics.median(took),
            at_most=2.0,
            note=f"p95 {took[int(len(took) * 0.95)]:.2f} ms; all services usable, {LOCAL} models on this machine",
        )
    ]


def profile() -> None:
    """Print where the time goes."""
    known = scene()
    plans_ms(known, 20)
    profiler = cProfile.Profile()
    profiler.runcall(plans_ms, known)
    pstats.Stats(profiler).sort_stats("cumulative").print_stats(25)


if __name__ == "__main__":
    if "--profile" in sys.argv:
        profile()
    else:
        print(table(measure()))
