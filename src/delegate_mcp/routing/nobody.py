"""What is said where a plan has nobody to ask: who was passed over, why, when there is room again, and what to do."""

from math import ceil

from delegate_mcp.domain.errors import NoCandidateError
from delegate_mcp.domain.plan import RoutePlan
from delegate_mcp.routing.checks import BLIND, NO_LOCAL, NO_PAGE, PAID_OFF
from delegate_mcp.routing.known import Known
from delegate_mcp.routing.times import clock


def require_candidates(drafted: RoutePlan, known: Known) -> None:
    """NoCandidateError where the plan has nobody to ask: it names each candidate, why not, and what to do."""
    if drafted.candidates:
        return
    call = f"({drafted.task_type}, {drafted.complexity}, {drafted.rule})"
    stays = f" It may only be answered on this machine: {drafted.kept_here}." if drafted.kept_here else ""
    healing = [row for row in drafted.passed_over if row.temporary]
    if not healing:
        who = "No model that sees images" if drafted.images else "No model"
        what = f"{who} can take this call {call}.{stays} Nothing was sent."
        raise NoCandidateError(what, drafted.passed_over, _advice(drafted, known))
    until = min((row.until for row in healing if row.until is not None), default=None)
    again = "" if until is None else f" Room again at {clock(until, known.snapshot.taken_at)}."
    what = f"No model has room for this call now {call}.{stays}{again} Nothing was sent."
    raise NoCandidateError(what, drafted.passed_over, _advice(drafted, known, until), until)


def _advice(drafted: RoutePlan, known: Known, until: float | None = None) -> str:
    """The quickest ways to a model that could take it."""
    states = known.availability.states
    providers = dict.fromkeys(
        row.model.partition(":")[0] for row in drafted.passed_over if row.why not in (BLIND, NO_PAGE)
    )
    mends = [state.mend for name in providers if (state := states.get(name)) and not state.usable and state.mend]
    ways = list(dict.fromkeys(mends))[:2]
    if until is not None:
        seconds = max(1, ceil(until - known.snapshot.taken_at))
        ways = [f"ask again in {seconds:,} s, or with on_limit=wait, which waits as long as the call may take", *ways]
    if not ways and any(row.why == NO_LOCAL for row in drafted.passed_over):
        ways.append("`delegate-mcp local pull ministral-3-3b`, or start Ollama, LM Studio, llama-server or vLLM")
    if not ways and any(row.why == PAID_OFF for row in drafted.passed_over):
        ways.append("set budget.daily_usd to the most that paid models may cost you a day")
    if any(row.why == NO_PAGE for row in drafted.passed_over):
        ways.append("name the pages to read (https://… in the prompt, or url:https://… in files)")
    if drafted.images:
        ways.append("run a local model that sees (`ollama pull qwen3-vl`), or say in words what the images show")
    todo = "; or ".join(ways)
    return f"What to do: {todo or 'send less, wait, or name another model'}. `delegate-mcp doctor` tells more."
