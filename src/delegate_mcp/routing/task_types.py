"""The kinds of work that are told apart, and which tool stands for which.

To add a task type: add a row here and a table of the same name in `rules.toml`; the signs by which `auto` lands there
stand in `signals.py`, `phrases_*.py` and `hints.py`.
"""

from dataclasses import dataclass
from typing import Literal

from delegate_mcp.domain.request import AUTO

TIERED = "tiered"
"""In a request: the order of the tiers in `rules.toml` decides."""


@dataclass(frozen=True, slots=True)
class TaskType:
    """One kind of work."""

    name: str
    also: tuple[str, ...] = ()
    """Other names by which it may be asked for."""
    like: str = ""
    """The task type whose quality numbers count for it; empty: its own."""
    stretches: bool = True
    """A prompt over 32K tokens becomes long_context where the classifier chose this type."""
    same_answer: Literal["always", "in_a_form", "never"] = "in_a_form"
    """Whether what was answered may stand for an identical call (`answering/cache`): always, where a `json_schema` \
asks for facts, or never, since the world goes on."""


TASK_TYPES: tuple[TaskType, ...] = (
    TaskType("quick", ("question", "qa")),
    TaskType("summarization", ("summary", "summarize"), same_answer="always"),
    TaskType("compaction", ("compact",), same_answer="always"),
    TaskType("reasoning", ("math", "analysis")),
    TaskType("tool_calling", ("tools", "function_calling")),
    TaskType("coding", ("code",), stretches=False),
    TaskType("code_review", ("debug", "debugging", "review"), stretches=False),
    TaskType("long_context", ("longcontext",), same_answer="always"),
    TaskType("reflection", ("memory",)),
    TaskType("research", ("web_research", "web"), same_answer="never"),
    TaskType("private", ("local",), stretches=False),
    TaskType("instruction_routing", ("routing",), same_answer="always"),
    TaskType("rewriting", ("rewrite", "translation")),
    TaskType("decomposition", ("planning",)),
    TaskType("tool_use_formatting", same_answer="always"),
    TaskType("structure_assessment"),
    TaskType("error_quality_scoring", ("scoring", "grading"), same_answer="always"),
    TaskType("rationale_generation", ("rationale",)),
    TaskType("parameter_extraction", ("extraction",), same_answer="always"),
    TaskType("classification", ("classify",), same_answer="always"),
    TaskType("architecture", ("tier1", "tier_1", "design"), "reasoning", stretches=False),
    TaskType("execution", ("tier2", "tier_2"), "coding", stretches=False),
    TaskType("tasks", ("tier3", "tier_3", "routine"), "quick"),
    TaskType("orchestration", ("orchestrate",), "decomposition", stretches=False),
    TaskType("implementation", ("implement",), "coding", stretches=False),
)

BY_NAME = {row.name: row for row in TASK_TYPES}
_ALSO = {other: row.name for row in TASK_TYPES for other in row.also}

TOOL_TASK_TYPES = {
    "delegate": AUTO,
    "delegate_quick": "quick",
    "delegate_reasoning": "reasoning",
    "delegate_code": "coding",
    "delegate_longcontext": "long_context",
    "delegate_private": "private",
}
"""Tool -> the task type it stands for."""


def canonical(name: str) -> str | None:
    """The task type of that name or other name, in any spelling of case and hyphens; None where there is none."""
    plain = name.strip().lower().replace("-", "_").replace(" ", "_")
    return plain if plain in BY_NAME else _ALSO.get(plain)


def task_type_of(name: str) -> str:
    """The task type of a tool (`quick`, `delegate_code`), or the name itself, which may be a task type or `auto`."""
    return TOOL_TASK_TYPES.get(f"delegate_{name.removeprefix('delegate_')}", name)
