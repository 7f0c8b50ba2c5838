"""What a call is, before anybody is chosen for it: task type, rule, complexity, and what told them. Pure."""

from dataclasses import dataclass

from delegate_mcp.catalog.table import nearest
from delegate_mcp.domain.brief import Brief
from delegate_mcp.domain.errors import InputError
from delegate_mcp.domain.plan import Complexity
from delegate_mcp.domain.request import AUTO, DelegateRequest
from delegate_mcp.routing import task_types
from delegate_mcp.routing.classifier import Classification, classify
from delegate_mcp.routing.complexity import ComplexityVerdict, judge_complexity
from delegate_mcp.routing.known import Known
from delegate_mcp.routing.overrides import Override
from delegate_mcp.routing.rules import Rule, Rules
from delegate_mcp.routing.scoring import Need
from delegate_mcp.routing.tiers import tier_signs


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What the call is."""

    task_type: str
    kind: str
    """The work itself, by which models are ranked; differs from the task type for private calls."""
    rule: Rule
    verdict: ComplexityVerdict
    confidence: float
    signals: tuple[str, ...]
    """Empty where the caller named the task type."""
    private: bool
    max_output_tokens: int
    images: int
    need: Need
    overrides: tuple[Override, ...]
    """Those of the environment that count for it, the one of the task type before the one of its role."""
    first: str = ""
    """Who stands before the rule's candidates, as the order of the tiers says."""

    @property
    def complexity(self) -> Complexity:
        """Simple, moderate or complex."""
        return self.verdict.complexity


def work_of(brief: Brief, request: DelegateRequest, rules: Rules, known: Known, found: Classification | None) -> Work:
    """Read the request; `found`: its classification, where it is known. InputError: there is no such task type."""
    paths = [sent.path for sent in brief.files]
    asked = request.task_type.strip().lower()
    verdict = judge_complexity(brief.prompt, paths, brief.input_tokens)
    task_type, signals, first = task_types.canonical(asked), tuple[str, ...](), ""
    confidence = 1.0
    if asked in (AUTO, task_types.TIERED):
        found = found or classify(
            brief.prompt, paths, schema=brief.json_schema is not None, input_tokens=brief.input_tokens
        )
        task_type, signals, confidence = found.task_type, found.signals, found.confidence
        if asked == task_types.TIERED and task_type != "private":
            task_type, first, signals = _tier(brief.prompt, found, verdict, rules, known)
    if task_type is None:
        among = (AUTO, task_types.TIERED, *task_types.BY_NAME)
        raise InputError(
            f"There is no task type {request.task_type!r}.{nearest(asked, among)} Known: {', '.join(among)}."
        )
    own = rules.rows[task_type]
    private = brief.private or task_type == "private" or own.local_only
    kind = classify(brief.prompt, paths).task_type if task_type == "private" else task_type
    kind = task_types.BY_NAME[kind].like or kind
    rule = rules.rows["private"] if private and not own.local_only else own
    most = max(rule.max_output_tokens, rules.rows[kind].max_output_tokens) if private else rule.max_output_tokens
    return Work(
        task_type=task_type,
        kind=kind,
        rule=rule,
        verdict=verdict,
        confidence=confidence,
        signals=signals,
        private=private,
        max_output_tokens=most,
        images=len(brief.images),
        need=Need.of(kind, brief.input_tokens + most, schema=brief.json_schema is not None),
        overrides=tuple(
            rules.overrides[name] for name in dict.fromkeys((task_type, own.role)) if name in rules.overrides
        ),
        first=first,
    )


def _tier(
    prompt: str, found: Classification, verdict: ComplexityVerdict, rules: Rules, known: Known
) -> tuple[str, str, tuple[str, ...]]:
    """The first tier whose signs are seen: its task type, who stands first there, and the signs in words."""
    seen = tier_signs(prompt, found.task_type, verdict.complexity, rented=bool(known.rented_up))
    row = next(row for row in rules.tiers if row.takes(seen))
    told = tuple(f"{sign}: {seen[sign]!r}" for sign in row.when if sign in seen)
    return row.take, row.first, told or ("no sign of another tier",)
