"""From a brief to its route plan: task type, rule, candidates in order, and why others are passed over. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from delegate_mcp.catalog.catalog import DEMO_MODEL, LOCAL_WILDCARD, Catalog, Model
from delegate_mcp.catalog.table import nearest
from delegate_mcp.domain.availability import Availability
from delegate_mcp.domain.brief import Brief
from delegate_mcp.domain.errors import InputError
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.plan import AskOptions, Candidate, Complexity, PassedOver, RoutePlan, Tier
from delegate_mcp.domain.request import DelegateRequest
from delegate_mcp.ledger.base import LedgerSnapshot
from delegate_mcp.providers.data_use import DataPolicy
from delegate_mcp.routing import task_types
from delegate_mcp.routing.checks import Case, lasting_reason, pause
from delegate_mcp.routing.classifier import Classification, classify
from delegate_mcp.routing.complexity import judge_complexity
from delegate_mcp.routing.known import Demo, Known
from delegate_mcp.routing.naming import Named, resolve, successor
from delegate_mcp.routing.nobody import require_candidates
from delegate_mcp.routing.rules import Rule, RuleCandidate, Rules

QUALITY_FLOOR = 5
"""A task type whose floor reaches this asks for the better of an alias's two successors."""

LOCAL_CANDIDATES = 8
"""So many local models at most, the best for the work; who has two hundred does not want them all tried."""

_NO_LOCAL = "no local model is there: start Ollama, LM Studio, llama-server or vLLM, or set local.model to a GGUF file"
_DEMO_ONLY = "a demonstration: it answers where nothing else is set up, when named, or with local.demo_model = 'always'"


@dataclass(frozen=True, slots=True)
class _Work:
    """What the call is."""

    task_type: str
    kind: str
    """The work itself, by which models are ranked; differs from the task type for private calls."""
    rule: Rule
    complexity: Complexity
    confidence: float
    signals: tuple[str, ...]
    """Empty where the caller named the task type."""
    private: bool
    max_output_tokens: int


@dataclass(frozen=True, slots=True)
class _Entry:
    """One place of the rule's list after its roles are spelled out."""

    asked: RuleCandidate
    model: Model
    demo: bool = False
    named: Named | None = None
    """The name that led to the model, where it is an alias or the model of before."""
    by_caller: bool = False


def plan(
    brief: Brief,
    request: DelegateRequest,
    *,
    rules: Rules,
    catalog: Catalog,
    availability: Availability,
    snapshot: LedgerSnapshot,
    demo: Demo = "auto",
    paid: bool = False,
    tiers: Mapping[str, Tier] | None = None,
    embedded_context_tokens: int | None = None,
    key_marks: Mapping[str, str] | None = None,
    data_policy: DataPolicy = "any",
    agreed: Mapping[str, DataPolicy] | None = None,
) -> RoutePlan:
    """Order the candidates. InputError: the task type or the model is unknown; NoCandidateError: nobody can answer."""
    known = Known(
        catalog=catalog,
        availability=availability,
        snapshot=snapshot,
        demo=demo,
        paid=paid,
        tiers=tiers or {},
        embedded_context_tokens=embedded_context_tokens,
        key_marks=key_marks or {},
        data_policy=data_policy,
        agreed=agreed or {},
    )
    drafted = draft(brief, request, rules=rules, known=known)
    require_candidates(drafted, known)
    return drafted


def draft(brief: Brief, request: DelegateRequest, *, rules: Rules, known: Known) -> RoutePlan:
    """The plan even where it has no candidate, for showing."""
    work = _work(brief, request, rules)
    passed: list[PassedOver] = []
    candidates: dict[ModelId, Candidate] = {}
    entries = _named_entry(request.model, work, known) if request.model else _entries(work, known, passed)
    for entry in _with_successors(entries, work, known):
        model_id = entry.model.model_id
        if model_id in candidates:
            continue
        case = _case(entry, brief, work, known)
        name, after = str(model_id), len(candidates)
        if why := lasting_reason(case):
            passed.append(PassedOver(name, why, after=after))
        elif request.on_limit == "degrade" and (now := pause(case)):
            passed.append(PassedOver(name, now.why, temporary=True, until=now.until, short=now.short, after=after))
        else:
            candidates[model_id] = _candidate(entry, case, work)
    # Said once more at the end, so that no mistake above can let a private call out.
    kept = tuple(row for row in candidates.values() if not work.private or known.is_local(row.model_id))
    return RoutePlan(
        task_type=work.task_type,
        complexity=work.complexity,
        confidence=work.confidence,
        rule=work.rule.name,
        reason=_reason(work, kept) + (f"; on this machine: {brief.kept_here}" if brief.kept_here else ""),
        candidates=kept,
        passed_over=tuple(_once(passed, candidates)),
        private=work.private,
        kept_here=brief.kept_here,
    )


def _work(brief: Brief, request: DelegateRequest, rules: Rules) -> _Work:
    paths = [sent.path for sent in brief.files]
    asked = request.task_type
    found: Classification | None = None
    task_type = task_types.canonical(asked)
    if asked.strip().lower() == task_types.AUTO:
        found = classify(brief.prompt, paths, schema=brief.json_schema is not None, input_tokens=brief.input_tokens)
        task_type = found.task_type
    if task_type is None:
        among = (task_types.AUTO, *task_types.BY_NAME)
        raise InputError(f"There is no task type {asked!r}.{nearest(asked, among)} Known: {', '.join(among)}.")
    private = brief.private or task_type == "private" or rules.rows[task_type].local_only
    kind = task_type if task_type != "private" else classify(brief.prompt, paths).task_type
    rule = rules.rows["private"] if private and not rules.rows[task_type].local_only else rules.rows[task_type]
    return _Work(
        task_type,
        kind,
        rule,
        judge_complexity(brief.prompt, paths, brief.input_tokens).complexity,
        found.confidence if found else 1.0,
        found.signals if found else (),
        private,
        max(rule.max_output_tokens, rules.rows[kind].max_output_tokens) if private else rule.max_output_tokens,
    )


def _entries(work: _Work, known: Known, passed: list[PassedOver]) -> Iterator[_Entry]:
    for asked in work.rule.candidates:
        if work.complexity not in asked.complexity:
            continue
        for name, model_id, alias in _spell_out(asked.use, work, known):
            if name == LOCAL_WILDCARD:
                yield from _local_entries(asked, work, known, passed)
            elif model_id is not None and (model := known.model(model_id)) is not None:
                yield _Entry(asked, model, named=alias)
            else:
                passed.append(PassedOver(name, "not a model that can chat on this machine"))


def _with_successors(entries: Iterator[_Entry], work: _Work, known: Known) -> Iterator[_Entry]:
    """Each entry, and behind a model that is gone the one that took its role."""
    for entry in entries:
        yield entry
        if known.gone(entry.model.model_id) is None:
            continue
        named = successor(entry.model.model_id, known, quality=_asks_quality(work.rule))
        model = None if named is None else known.model(named.model_id)
        if model is not None:
            yield replace(entry, model=model, named=named)


def _spell_out(use: str, work: _Work, known: Known) -> Iterator[tuple[str, ModelId | None, Named | None]]:
    """The names behind a role, an alias or a model id."""
    if alias := known.catalog.aliases.get(use):
        better = alias.quality if _asks_quality(work.rule) else None
        yield use, better or alias.model_id, Named(better or alias.model_id, use, alias.why)
        return
    for name in known.catalog.roles.get(use, (use,)):
        yield name, None if name == LOCAL_WILDCARD else ModelId.parse(name), None


def _local_entries(asked: RuleCandidate, work: _Work, known: Known, passed: list[PassedOver]) -> Iterator[_Entry]:
    best_first = sorted(known.local_models(), key=lambda model: -model.quality_for(work.kind))
    for model in best_first[:LOCAL_CANDIDATES]:
        yield _Entry(asked, model)
    demo = known.model(DEMO_MODEL)
    if demo is not None and known.demo_answers():
        yield _Entry(asked, demo, demo=True)
    elif not best_first:
        passed.append(PassedOver(asked.use, _NO_LOCAL))
        if known.demo_there():
            passed.append(PassedOver(str(DEMO_MODEL), _DEMO_ONLY))


def _asks_quality(rule: Rule) -> bool:
    return max(rule.floor.values()) >= QUALITY_FLOOR


def _named_entry(name: str, work: _Work, known: Known) -> Iterator[_Entry]:
    named = resolve(name, known, private=work.private, quality=_asks_quality(work.rule))
    model = known.model(named.model_id)
    if model is None:
        raise InputError(f"{named.model_id} does not chat, or does not run on this machine. Name another model.")
    # What the rule asks of this model where it names it; a model that it does not name is asked plainly.
    rows = (
        asked
        for asked in work.rule.candidates
        for _, model_id, _ in _spell_out(asked.use, work, known)
        if model_id == named.model_id and work.complexity in asked.complexity and not asked.needs_pages
    )
    yield _Entry(
        next(rows, RuleCandidate(use=str(named.model_id))),
        model,
        demo=named.model_id == DEMO_MODEL,
        named=named,
        by_caller=True,
    )


def _case(entry: _Entry, brief: Brief, work: _Work, known: Known) -> Case:
    return Case(
        model=entry.model,
        asked=entry.asked,
        brief=brief,
        known=known,
        task_type=work.kind,
        floor=None if entry.demo or entry.by_caller else work.rule.floor[work.complexity],
        private=work.private,
        max_output_tokens=work.max_output_tokens,
        windows=known.windows(entry.model),
    )


def _candidate(entry: _Entry, case: Case, work: _Work) -> Candidate:
    model, asked = entry.model, entry.asked
    told = "named by the caller" if entry.by_caller else asked.use
    why = f"{told}, quality {model.quality_for(work.kind)} of 10 for {work.kind}"
    if entry.named and entry.named.why:
        why = f"{why}; {entry.named.asked_as} {entry.named.why}"
    reasons = "reasoning" in model.capabilities
    return Candidate(
        model_id=model.model_id,
        tier=case.known.tier(model.model_id, model),
        why="demo model" if entry.demo else why,
        options=AskOptions(
            reasoning_effort=asked.reasoning_effort if reasons else None,
            temperature=asked.temperature,
            web_search=asked.web_search,
            max_output_tokens=case.room(),
        ),
        demo=entry.demo,
        asked_as=entry.named.asked_as if entry.named else None,
        limits=model.limits,
        reset=case.known.day_reset(model.model_id),
    )


def _once(passed: list[PassedOver], chosen: Mapping[ModelId, Candidate]) -> list[PassedOver]:
    """Each model once, and none that became a candidate in another place of the rule."""
    names = {str(model_id) for model_id in chosen}
    return list({row.model: row for row in reversed(passed) if row.model not in names}.values())[::-1]


def _reason(work: _Work, candidates: tuple[Candidate, ...]) -> str:
    how = "as asked" if not work.signals else f"found by {', '.join(work.signals[:3])}"
    if not candidates:
        return f"{work.task_type} ({how}), {work.complexity}: nobody can answer"
    first, more = candidates[0], len(candidates) - 1
    then = f", then {more} more" if more else ""
    return f"{work.task_type} ({how}), {work.complexity}: {first.model_id} ({first.why}){then}"
