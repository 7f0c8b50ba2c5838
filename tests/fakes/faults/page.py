"""The tables of docs/failure.md, made from the code: what each kind leads to, and what each fault is taken for."""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from delegate_mcp.dispatch.reactions import REACTIONS
from delegate_mcp.domain.errors import ErrorKind
from delegate_mcp.ledger.health import BREAKS_AFTER, EFFECTS, GONE_S, LONGEST_OPEN_S, OPEN_S, STRIKES_S
from tests.fakes.faults.cli import CLI_FAULTS
from tests.fakes.faults.dialects import DIALECTS
from tests.fakes.faults.kinds import FAULTS, Expected, Fault

PAGE = Path(__file__).resolve().parents[3] / "docs" / "failure.md"

_MEANS: Mapping[ErrorKind, str] = MappingProxyType(
    {
        ErrorKind.RATE_LIMITED: "a limit of the service is reached",
        ErrorKind.TOO_LARGE: "the request can never fit this model",
        ErrorKind.OVERLOADED: "the service cannot answer right now",
        ErrorKind.TIMEOUT: "nothing came in time",
        ErrorKind.NETWORK: "no connection, or it broke",
        ErrorKind.AUTH: "the key, the login or the account is not accepted",
        ErrorKind.MODEL_GONE: "the service has no such model (any more)",
        ErrorKind.REFUSED: "the content was declined",
        ErrorKind.BAD_ANSWER: "what came is no answer: empty, cut, malformed",
        ErrorKind.BAD_REQUEST: "our request is wrong, anywhere",
    }
)
_THEN = {
    "next": "the next candidate",
    "retry": "the same once more after a moment, then the next candidate",
    "stop": "an error: no other service would take it",
}
_ENDS = {"fallback": "the next candidate's answer", "error": "an error", "answer": "its own answer"}


def kinds() -> str:
    """One row a kind: what it means, what follows in the call, and for later calls."""
    head = ("kind", "means", "in this call", "for later calls, of every process")
    return _table(head, ([f"`{kind}`", _MEANS[kind], _THEN[REACTIONS[kind].then], _later(kind)] for kind in ErrorKind))


def faults() -> str:
    """One row a fault of a service."""
    head = ("the service …", "is taken for", "and the call ends in")
    return _table(head, ([fault.what, _taken_for(fault), _ends(fault)] for fault in FAULTS))


def cli_faults() -> str:
    """One row a fault of a CLI."""
    head = ("the CLI …", "is taken for", "and the call ends in")
    return _table(
        head,
        (
            [fault.what, "passed over" if fault.passed_over else _kind(fault.kind), _ENDS[fault.ends]]
            for fault in CLI_FAULTS
        ),
    )


TABLES: Mapping[str, Callable[[], str]] = MappingProxyType(
    {"failure-kinds": kinds, "faults": faults, "cli-faults": cli_faults}
)


def filled(text: str) -> str:
    """The page with its tables made anew; KeyError: a mark names no table."""

    def made(found: re.Match[str]) -> str:
        return f"{found[1]}\n{TABLES[found[2]]()}\n<!-- /made -->"

    return re.sub(r"(?s)(<!-- made:([\w-]+) -->)\n.*?<!-- /made -->", made, text)


def _later(kind: ErrorKind) -> str:
    effect = EFFECTS[kind]
    steps = ", ".join(map(_span, STRIKES_S))
    told = {
        "cool_down": f"the model cools down for as long as the service says, and by the strikes in a row: {steps}",
        "turn_off": "the provider is off until its key changes",
        "bury": f"the model counts as gone for {_span(GONE_S)}",
    }
    parts = [told[effect.does]] if effect.does else []
    if not effect.alive:
        parts.append(
            f"{BREAKS_AFTER} in a row open the provider's breaker for {_span(OPEN_S)}, up to {_span(LONGEST_OPEN_S)}; "
            "then one call at a time tries it"
        )
    return "; ".join(parts) or "nothing"


def _taken_for(fault: Fault) -> str:
    others = {backend: kind for backend, kind in fault.differs.items() if kind is not fault.kind}
    told = "".join(f"; {backend}: {_kind(kind)}" for backend, kind in others.items())
    return _kind(fault.kind) + told


def _ends(fault: Fault) -> str:
    ends = {backend: fault.ends(backend) for backend in DIALECTS if backend not in fault.not_on}
    usual = max(ends.values(), key=[*ends.values()].count)
    others = "".join(f"; {backend}: {_ENDS[how]}" for backend, how in ends.items() if how != usual)
    return _ENDS[usual] + others


def _kind(kind: Expected) -> str:
    return "no failure" if kind is None else f"`{kind}`"


def _span(seconds: float) -> str:
    for unit, length in (("day", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:g} {unit}"
    return f"{seconds:g} s"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = [*head]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rows))
