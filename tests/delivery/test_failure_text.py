"""What a director reads when nothing came of a call."""

from dataclasses import replace

import pytest

from delegate_mcp.delivery.failure_text import failure_reply, failure_text
from delegate_mcp.domain.errors import AllAttemptsFailedError, ErrorKind, InputError, NoCandidateError
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.outcome import Attempt
from delegate_mcp.domain.plan import PassedOver

CALL = "c482917365048"


def failed(
    number: int,
    model: str,
    kind: ErrorKind | None,
    *,
    status: int | None = None,
    message: str | None = None,
    retry_after_s: float | None = None,
) -> Attempt:
    return Attempt(
        number=number,
        model_id=ModelId.parse(model),
        tier="free",
        outcome="failed" if kind else "cancelled",
        error_kind=kind,
        status=status,
        message=message,
        retry_after_s=retry_after_s,
    )


def test_every_failure_is_told_in_order_with_what_to_do() -> None:
    error = AllAttemptsFailedError(
        "No candidate answered.",
        CALL,
        [
            failed(
                1,
                "groq:openai/gpt-oss-120b",
                ErrorKind.RATE_LIMITED,
                status=429,
                retry_after_s=34.2,
                message="TPM\n8000",
            ),
            failed(2, "gemini:gemini-3.8-flash", ErrorKind.TIMEOUT),
            failed(3, "mistral:small", ErrorKind.RATE_LIMITED, status=429, retry_after_s=5651.0),
            failed(4, "ollama:x", None),
        ],
    )
    assert failure_text(error).splitlines() == [
        "No candidate answered. Call c482917365048.",
        "1. groq:openai/gpt-oss-120b: rate limited (429, again in 34 s): TPM 8000",
        "2. gemini:gemini-3.8-flash: timeout",
        "3. mistral:small: rate limited (429, again in 94 min)",
        "4. ollama:x: cancelled",
        'Call again in 34 s, or with on_limit="wait". Ask for less at once, or raise calls.deadline_s in the settings.',
    ]


def test_each_failure_is_one_short_line() -> None:
    error = AllAttemptsFailedError("x", CALL, [failed(1, "groq:m", ErrorKind.AUTH, status=401, message="long " * 100)])
    told = failure_text(error).splitlines()[1]
    assert told.endswith("…")
    assert len(told) < 180


def test_of_very_many_failures_the_first_are_told_and_what_was_answered_is_none() -> None:
    answered = replace(failed(1, "groq:m", None), outcome="ok")
    error = AllAttemptsFailedError("x", CALL, [answered, *(failed(n, "groq:m", ErrorKind.AUTH) for n in range(2, 22))])
    lines = failure_text(error).splitlines()
    assert lines[1].startswith("2. groq:m: auth")
    assert lines[13] == "and 8 more failures"
    assert len(lines) == 15


@pytest.mark.parametrize("kind", list(ErrorKind))
def test_every_kind_of_failure_has_an_advice(kind: ErrorKind) -> None:
    text = failure_text(AllAttemptsFailedError("No candidate answered.", CALL, [failed(1, "groq:m", kind)]))
    assert len(text.splitlines()) == 3
    assert "{" not in text


def test_without_any_attempt_the_doctor_is_named() -> None:
    assert "delegate-mcp doctor" in failure_text(AllAttemptsFailedError("No time was left.", CALL, []))


def test_a_call_that_nothing_may_answer_says_who_was_passed_over_and_why() -> None:
    passed = [PassedOver(f"groq:{number}", "no key (GROQ_API_KEY)") for number in range(10)]
    reply = failure_reply(NoCandidateError("No model may answer a coding task.", passed))
    lines = reply.text.splitlines()
    assert lines[0] == "No model may answer a coding task."
    assert lines[1] == "- groq:0: no key (GROQ_API_KEY)"
    assert lines[9] == "- and 2 more"
    assert "delegate-mcp doctor" in lines[10]
    assert len(reply.meta["delegate"]["passed_over"]) == 10


def test_other_errors_are_told_as_they_are() -> None:
    reply = failure_reply(InputError("The prompt is empty. Say what is to be done."))
    assert reply.text == "The prompt is empty. Say what is to be done."
    assert reply.is_error
    assert reply.meta["delegate"]["error"] == "InputError"


def test_the_attempts_are_there_for_programs_too() -> None:
    error = AllAttemptsFailedError("x", CALL, [failed(1, "groq:m", ErrorKind.OVERLOADED, status=503)])
    facts = failure_reply(error).meta["delegate"]
    assert facts["call_id"] == CALL
    assert facts["attempts"] == [
        {
            "provider": "groq",
            "model": "m",
            "outcome": "failed",
            "error_kind": "overloaded",
            "status": 503,
            "latency_ms": 0.0,
        }
    ]
