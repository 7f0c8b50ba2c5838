"""The one tree of errors. Each says what happened, what was kept and what to do.

DelegateError
├── ConfigError              the settings cannot be used as they are
├── InputError               what the caller gave cannot be used (prompt, path, schema, model name)
├── LedgerError              the ledger cannot be read or written
├── ModelFetchError          a model file could not be fetched
├── ModelFileError           a model file is cut, no model, or contradicts itself
├── CallNotFoundError        no call has that id
├── NoCandidateError         nothing that may answer can answer; holds who was passed over and why
├── AllAttemptsFailedError   every candidate was tried; holds every failure, in order
├── UnprovenError            an answer came, and its patch does not apply or its check fails
└── ProviderError            one provider call failed; its kind decides what happens next
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    from decimal import Decimal

    from delegate_mcp.domain.outcome import Attempt, Outcome
    from delegate_mcp.domain.plan import PassedOver
    from delegate_mcp.domain.usage import RateLimit, Usage


class DelegateError(Exception):
    """Base of all errors that a director or a person may read."""

    saved_usd: "Decimal | None" = None
    """Of a call that brought nothing: what the director spent on it, so below zero; None: not known, or no call."""


class ConfigError(DelegateError):
    """The settings cannot be used as they are; the message names the key, where it stands and the nearest right one."""


class InputError(DelegateError):
    """What the caller gave cannot be used; nothing was sent anywhere."""


class LedgerError(DelegateError):
    """The ledger cannot be read or written."""


class ModelFetchError(DelegateError):
    """A model file could not be fetched; the cache is as it was."""


class ModelFileError(DelegateError):
    """A model file cannot be used as it is: cut, no model, or contradicting itself."""


class CallNotFoundError(DelegateError):
    """No call has that id."""


class NoCandidateError(DelegateError):
    """Nothing that may answer can answer."""

    def __init__(
        self, message: str, passed_over: "Sequence[PassedOver]" = (), advice: str = "", until: float | None = None
    ) -> None:
        super().__init__(message)
        self.what = message
        self.passed_over = tuple(passed_over)
        self.advice = advice
        """What to do, in a sentence."""
        self.until = until
        """When asking makes sense again, in Unix seconds, where time heals it and the time is known."""

    def __str__(self) -> str:
        lines = [self.what, *(f"- {row.model}: {row.why}" for row in self.passed_over), self.advice]
        return "\n".join(line for line in lines if line)


class AllAttemptsFailedError(DelegateError):
    """Every candidate was tried, or time ran out; `attempts` holds every failure in order."""

    def __init__(self, message: str, call_id: str, attempts: "Sequence[Attempt]") -> None:
        super().__init__(message)
        self.call_id = call_id
        self.attempts = tuple(attempts)


class UnprovenError(DelegateError):
    """An answer came, and its patch does not apply or its check fails; the files are as they were, the answer is kept.

    The message may be recorded; `detail`, which names files or quotes an output, is for the director alone.
    """

    def __init__(self, message: str, outcome: "Outcome", detail: str = "") -> None:
        super().__init__(message)
        self.outcome = outcome
        """The last answer."""
        self.detail = detail


class ErrorKind(StrEnum):
    """Why a provider call failed. The dispatcher's table says what each kind leads to."""

    RATE_LIMITED = "rate_limited"
    TOO_LARGE = "too_large"
    OVERLOADED = "overloaded"
    TIMEOUT = "timeout"
    NETWORK = "network"
    AUTH = "auth"
    MODEL_GONE = "model_gone"
    REFUSED = "refused"
    BAD_ANSWER = "bad_answer"
    BAD_REQUEST = "bad_request"


Period = Literal["minute", "day", "month"]


class ProviderError(DelegateError):
    """One provider call failed. Facts are fields; the message is for people and never holds a key."""

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        *,
        status: int | None = None,
        retry_after_s: float | None = None,
        window: Period | None = None,
        metric: Literal["requests", "tokens"] | None = None,
        limit: int | None = None,
        scope: Literal["model", "account"] = "model",
        usage: "Usage | None" = None,
        rate_limits: "Sequence[RateLimit]" = (),
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.status = status
        self.retry_after_s = retry_after_s
        """Seconds until the service says it may be asked again; None where it does not say."""
        self.window = window
        """For rate_limited: the period whose limit was hit."""
        self.metric = metric
        self.limit = limit
        """For rate_limited and too_large: the limit that the refusal named."""
        self.scope = scope
        """For rate_limited: whether all models of the account share the limit that was hit."""
        self.usage = usage
        """What was used before the failure, where known."""
        self.rate_limits = tuple(rate_limits)

    @classmethod
    def timeout(cls, message: str) -> Self:
        """Nothing came in time."""
        return cls(ErrorKind.TIMEOUT, message)

    @classmethod
    def network(cls, message: str) -> Self:
        """The service could not be reached or the connection broke."""
        return cls(ErrorKind.NETWORK, message)

    @classmethod
    def bad_answer(cls, message: str, *, usage: "Usage | None" = None) -> Self:
        """An answer came that is none: empty, cut, malformed, or an error in a success."""
        return cls(ErrorKind.BAD_ANSWER, message, usage=usage)
