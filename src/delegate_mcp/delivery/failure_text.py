"""The one text that a director reads when nothing came of a call: every failure in order, and what to do."""

from collections.abc import Sequence
from typing import Any

from delegate_mcp.delivery.facts import attempt_facts, money
from delegate_mcp.delivery.reply import Reply
from delegate_mcp.delivery.untrusted import for_reader
from delegate_mcp.domain.errors import AllAttemptsFailedError, DelegateError, ErrorKind, NoCandidateError, UnprovenError
from delegate_mcp.domain.outcome import Attempt
from delegate_mcp.domain.plan import PassedOver

_ADVICE: dict[ErrorKind, str] = {
    ErrorKind.RATE_LIMITED: 'Call again{when}, or with on_limit="wait".',
    ErrorKind.TOO_LARGE: "Send less, or use delegate_longcontext.",
    ErrorKind.OVERLOADED: "Call again in a minute.",
    ErrorKind.TIMEOUT: "Ask for less at once, or raise calls.deadline_s in the settings.",
    ErrorKind.NETWORK: "Check the connection.",
    ErrorKind.AUTH: "A key or login is not accepted: the user mends it with `delegate-mcp doctor`.",
    ErrorKind.MODEL_GONE: "Take a model from models://catalog, or leave `model` out.",
    ErrorKind.REFUSED: "Word the prompt differently, or do this one yourself.",
    ErrorKind.BAD_ANSWER: "Ask for a shorter or simpler answer, or a simpler json_schema.",
    ErrorKind.BAD_REQUEST: "Try without json_schema, or name another `model`.",
}
"""What a director can do about a kind of failure. A new kind needs a line here."""
_MAX_ADVICE = 3
_MAX_PASSED_OVER = 8
_MAX_TRIED = 12
_MAX_MESSAGE = 140
_DOCTOR = "`delegate-mcp doctor` tells the user what to set up."


def failure_text(error: DelegateError) -> str:
    """An error in the words that the director reads."""
    if isinstance(error, AllAttemptsFailedError):
        tried = [_attempt_line(attempt) for attempt in error.attempts if attempt.outcome != "ok"]
        if (more := len(tried) - _MAX_TRIED) > 0:
            tried[_MAX_TRIED:] = [f"and {more} more failures"]
        return "\n".join([f"{error} Call {error.call_id}.", *tried, *_advice(error.attempts)])
    if isinstance(error, NoCandidateError):
        return "\n".join([error.what, *_passed_over_lines(error.passed_over), error.advice or _DOCTOR])
    if isinstance(error, UnprovenError):
        return f"{error} {error.detail}".rstrip()
    return str(error) or f"The call failed ({type(error).__name__})."


def failure_reply(error: DelegateError) -> Reply:
    """The reply to a call that failed."""
    text = failure_text(error)
    facts: dict[str, Any] = {"error": type(error).__name__, "message": text, "attempts": []}
    if isinstance(error, AllAttemptsFailedError):
        facts |= {"call_id": error.call_id, "attempts": attempt_facts(error.attempts)}
    if isinstance(error, UnprovenError):
        facts |= {"call_id": error.outcome.call_id, "attempts": attempt_facts(error.outcome.attempts)}
    if isinstance(error, NoCandidateError):
        facts["passed_over"] = [{"model": passed.model, "why": passed.why} for passed in error.passed_over]
    if error.saved_usd is not None:
        facts |= {"saved_usd": money(error.saved_usd), "saved_is_estimate": True}
    return Reply(text, {"delegate": facts}, is_error=True)


def _attempt_line(attempt: Attempt) -> str:
    kind = "cancelled" if attempt.error_kind is None else attempt.error_kind.value.replace("_", " ")
    facts = [str(attempt.status)] if attempt.status else []
    if attempt.retry_after_s is not None:
        facts.append(f"again in {_seconds(attempt.retry_after_s)}")
    said = " ".join(for_reader(attempt.message or "").split())
    if len(said) > _MAX_MESSAGE:
        said = said[: _MAX_MESSAGE - 1] + "…"
    told = f"{attempt.number}. {attempt.model_id}: {kind}" + (f" ({', '.join(facts)})" if facts else "")
    return f"{told}: {said}" if said else told


def _advice(attempts: Sequence[Attempt]) -> list[str]:
    """One sentence for each kind of failure, the commonest kinds first."""
    kinds = [attempt.error_kind for attempt in attempts if attempt.error_kind is not None]
    waits = [attempt.retry_after_s for attempt in attempts if attempt.retry_after_s is not None]
    when = f" in {_seconds(min(waits))}" if waits else " later"
    ordered = sorted(dict.fromkeys(kinds), key=lambda kind: -kinds.count(kind))
    told = [_ADVICE[kind].format(when=when) for kind in ordered[:_MAX_ADVICE]]
    return [" ".join(told)] if told else [_DOCTOR]


def _passed_over_lines(passed_over: Sequence[PassedOver]) -> list[str]:
    lines = [f"- {passed.model}: {passed.why}" for passed in passed_over[:_MAX_PASSED_OVER]]
    more = len(passed_over) - _MAX_PASSED_OVER
    return [*lines, f"- and {more} more"] if more > 0 else lines


def _seconds(seconds: float) -> str:
    """A wait as a person says it."""
    if seconds < 120:  # noqa: PLR2004 - two minutes
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{round(minutes / 60)} h"  # noqa: PLR2004 - two hours
