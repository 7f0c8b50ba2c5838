"""What a call that ended shows of the models that were asked for it. Pure.

| what came of an attempt | worth | presence |
| --- | --- | --- |
| an answer | | good, less the share of the call's time that it took, which is bad |
| an answer in the JSON schema that was asked for | good | the same |
| an answer that is none (`bad_answer`), or `refused` | bad | |
| `network`, `timeout`, `overloaded` | | bad |
| `rate_limited`, `auth`, `too_large`, `model_gone`, `bad_request`, cancelled | | |
| what it wrote was put to the proof (`check`, a patch) and stood | good | |
| the same, and it did not stand | bad | |

A verdict (`domain/standing.py`) counts as VERDICT_WEIGHT answers of worth. What was asked on the way to the answer
(condensing, digests, parts of a long text, a judge) is other work than the call's and shows nothing; so does an answer
from the cache.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from delegate_mcp.domain.errors import ErrorKind
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.outcome import Attempt
from delegate_mcp.domain.standing import Piece

_NOT_WORTH_IT = frozenset({ErrorKind.BAD_ANSWER, ErrorKind.REFUSED})
_AWAY = frozenset({ErrorKind.NETWORK, ErrorKind.TIMEOUT, ErrorKind.OVERLOADED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A call as far as it shows something."""

    task_type: str
    attempts: Sequence[Attempt]
    deadline_s: float
    """The time that it had."""
    schema: bool = False
    """JSON of a schema was asked for; what was accepted meets it."""
    proved: Sequence[tuple[ModelId, bool]] = ()
    """Whose answers were put to the proof, and whether they stood."""


def pieces_of(call: Ended) -> tuple[Piece, ...]:
    """What it shows, a piece an attempt and a proof."""
    return (*_of_attempts(call), *_of_proofs(call))


def _of_attempts(call: Ended) -> Iterator[Piece]:
    for attempt in call.attempts:
        if attempt.aside:
            continue
        model_id, kind = attempt.model_id, attempt.error_kind
        if attempt.outcome == "ok":
            late = min(1.0, attempt.latency_ms / 1000 / call.deadline_s)
            yield Piece(
                model_id=model_id,
                task_type=call.task_type,
                worth_good=float(call.schema),
                presence_good=1 - late,
                presence_bad=late,
            )
        elif kind in _NOT_WORTH_IT:
            yield Piece(model_id=model_id, task_type=call.task_type, worth_bad=1.0)
        elif kind in _AWAY:
            yield Piece(model_id=model_id, task_type=call.task_type, presence_bad=1.0)


def _of_proofs(call: Ended) -> Iterator[Piece]:
    for model_id, stood in call.proved:
        yield Piece(model_id=model_id, task_type=call.task_type, worth_good=float(stood), worth_bad=float(not stood))
