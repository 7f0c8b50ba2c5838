"""Every way in which a CLI backend fails, one row each; played by the stand-in programs of `tests/fakes/cli`.

To add one: a function in `tests/fakes/cli/program.py` and a row here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from delegate_mcp.domain.errors import ErrorKind as K
from tests.fakes.faults.kinds import Expected

BACKEND = "claude"
MODEL_ID = "claude:haiku"


@dataclass(frozen=True, slots=True)
class CliFault:
    """One way to fail."""

    name: str
    what: str
    kind: Expected
    """What is recorded of the attempt; None: the answer came all the same."""
    behaviour: str = ""
    """A function of `program.py`; empty: there is no program."""
    vanishes: bool = False
    """It is uninstalled after it was seen."""
    lasts: bool = False
    """Nothing but the deadline ends it."""

    @property
    def waits(self) -> bool:
        """Whether a limit in time ends it."""
        return self.lasts

    @property
    def ends(self) -> str:
        """How the call ends: with its answer, with that of the next candidate, or with an error."""
        if self.lasts:
            return "error"
        return "answer" if self.kind is None and not self.passed_over else "fallback"

    @property
    def passed_over(self) -> bool:
        """Seen to be absent before it is asked."""
        return not self.behaviour


CLI_FAULTS: tuple[CliFault, ...] = (
    CliFault("absent", "not installed", None),
    CliFault("vanishes", "uninstalled since it was seen", K.AUTH, "answers", vanishes=True),
    CliFault("logged_out", "not logged in", K.AUTH, "is_logged_out"),
    CliFault("too_old", "does not know an option", K.AUTH, "is_too_old"),
    CliFault("rate_limited", "its API answers 429", K.RATE_LIMITED, "is_rate_limited"),
    CliFault("plan_spent", "the plan's limit is reached", K.RATE_LIMITED, "has_used_up_its_plan"),
    CliFault("overloaded", "its API answers 529", K.OVERLOADED, "is_overloaded"),
    CliFault("no_such_model", "no such model", K.MODEL_GONE, "has_no_such_model"),
    CliFault("refuses", "declines the content", K.REFUSED, "refuses"),
    CliFault("says_nothing", "exits 0 with nothing", K.BAD_ANSWER, "says_nothing"),
    CliFault("empty_answer", "exits 0 with an empty answer", K.BAD_ANSWER, "says_an_empty_answer"),
    CliFault("killed", "killed in the middle of the answer", K.BAD_ANSWER, "is_killed"),
    CliFault("garbage", "prints garbage", K.BAD_ANSWER, "writes_garbage"),
    CliFault("fails", "exits 3 and says why on stderr", K.BAD_ANSWER, "fails_and_repeats_the_prompt"),
    CliFault("out_of_turns", "ends without a result", K.BAD_ANSWER, "runs_out_of_turns"),
    CliFault("floods", "writes without end", K.BAD_ANSWER, "writes_without_an_end"),
    CliFault("leaves_a_child", "answers and leaves a child behind", None, "leaves_a_child"),
    CliFault("hangs", "hangs with a child", K.TIMEOUT, "never_ends", lasts=True),
    CliFault(
        "ignores_term", "hangs and ignores SIGTERM", K.TIMEOUT, "never_ends_and_ignores_the_request_to", lasts=True
    ),
)

CLI_BY_NAME: Mapping[str, CliFault] = MappingProxyType({fault.name: fault for fault in CLI_FAULTS})
