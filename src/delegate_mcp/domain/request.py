"""What the host asked for: one tool call, validated in shape, not yet read."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from delegate_mcp.domain.standing import Verdict

OnLimit = Literal["degrade", "wait", "fail"]

AUTO = "auto"
"""As a task type: the classifier decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DelegateRequest:
    """One call of a delegate tool or of `delegate-mcp ask`."""

    prompt: str
    tool: str = "delegate"
    """The tool's name, for the ledger."""
    task_type: str = AUTO
    """A task type of routing/rules.toml, or `auto`."""
    files: tuple[str, ...] = ()
    """Paths and globs, relative to the working directory."""
    save_to: str | None = None
    json_schema: Mapping[str, Any] | None = None
    thread: str | None = None
    """Call id of the turn that this one follows."""
    verdict: Verdict | None = None
    """On the answer to the call that `thread` names."""
    on_limit: OnLimit = "degrade"
    model: str | None = None
    """A model id, a bare model name or an alias; None: the rules choose."""
    votes: int = 1
    """How many models answer; above 1 what most of them say is the answer."""
    max_result_tokens: int | None = None
    """What of the answer the director reads at most; None: results.max_tokens."""
    overwrite: bool = False
    """`save_to` may name a file that is there."""
    edit: bool = False
    """The answer is a patch of `files`; it is applied where it applies cleanly."""
    check: str | None = None
    """A command of the settings' checks that what was written must pass."""
    tries: int = 3
    """How often the model may mend what failed its check, the first answer counted."""
    edit_in: str | None = None
    """A directory in which a CLI backend may edit files; None: it only answers."""
    connection: str = ""
    """Which client connection asked; counts of `budget://current` are kept by it."""
    conversation: str | None = None
    """The host's conversation id where it tells one (CLAUDE_CODE_SESSION_ID)."""
    roots: tuple[Path, ...] | None = None
    """The directories that this call may touch, as its host named them; None: those of the server."""
    arm: str | None = ""
    """The arm of an experiment that it keeps, `name:a`; empty: it has no part in one; None: it may get one."""
    fresh: bool = False
    """Ask, even where the answer to an identical call is kept."""
    spares: bool = True
    """The director would else do the work itself; False: nothing is counted as saved."""
    in_batch: bool = False
    """One item of a batch: the director reads of the batch, not this call's reply."""
    director_input_tokens: int = 0
    """What the director wrote to make this call (estimate)."""
    listing_tokens: int = 0
    """Schemas and instructions that it read before, told with the first call of a connection (estimate)."""
