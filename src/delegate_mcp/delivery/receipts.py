"""What a director reads in place of an answer that went to files: which they are, how much, and how they begin."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from delegate_mcp.delivery.save import Saved
from delegate_mcp.delivery.size_budget import page
from delegate_mcp.delivery.untrusted import for_reader, framed

_MAX_FILES = 20
_HEADS = ("diff --git ", "new file mode ", "deleted file mode ", "--- ")
"""Lines of a diff that say what the receipt has said; of one file its name too."""
_DIFF_TOKENS = 150
"""Of the diff, where the caller names no size: enough to see what was done, not to read it all."""


@dataclass(frozen=True, slots=True)
class EditedFile:
    """One file of a patch that was applied."""

    shown: str
    state: Literal["changed", "new", "removed"]
    added: int
    removed: int

    def __str__(self) -> str:
        state = "" if self.state == "changed" else f" {self.state}"
        return f"{for_reader(self.shown)}{state} +{self.added} -{self.removed}"


@dataclass(frozen=True, slots=True)
class Edited:
    """A patch that was applied."""

    files: tuple[EditedFile, ...]
    diff: str
    """Of all of it."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What it took until what was written stood."""

    tries: int
    check: str | None = None
    """The command that it passed; None: nothing was to be run."""
    seconds: float = 0.0
    """Of the command's last run."""

    def __str__(self) -> str:
        parts = ["check passed"] if self.check is not None else []
        parts += [f"{self.tries} tries"] if self.tries > 1 else []
        return ", ".join(parts)

    def facts(self) -> dict[str, Any]:
        """For programs."""
        run = None if self.check is None else {"command": self.check, "passed": True, "seconds": round(self.seconds, 1)}
        return {"tries": self.tries, "check": run}


def edit_facts(edited: Edited) -> list[dict[str, Any]]:
    """For programs."""
    return [{"path": row.shown, "state": row.state, "added": row.added, "removed": row.removed} for row in edited.files]


def save_receipt(saved: Saved, proof: Proof | None) -> str:
    """What was saved, and its first lines."""
    notes = [f" ({note})" for note in ("the code block alone" if saved.block_only else "", str(proof or "")) if note]
    lines = f"{saved.lines:,} line{'' if saved.lines == 1 else 's'}"
    head = f"Saved {saved.shown}: {saved.size_bytes:,} bytes, {lines}{''.join(notes)}. It begins:"
    return f"{head}\n{framed(chr(10).join(saved.first_lines))}"


def edit_receipt(edited: Edited, proof: Proof | None, max_tokens: int | None) -> str:
    """Which files were changed and how much, and the beginning of the diff."""
    count = len(edited.files)
    told = f" ({proof})" if proof is not None and str(proof) else ""
    rows = [str(row) for row in edited.files[:_MAX_FILES]]
    if count > _MAX_FILES:
        rows.append(f"and {count - _MAX_FILES} more")
    head = f"Edited {count} {'file' if count == 1 else 'files'}{told}:"
    heads = (*_HEADS, "+++ ") if count == 1 else _HEADS
    lines = [line for line in edited.diff.split("\n") if not line.startswith(heads)]
    return "\n".join([head, *rows, "", _shown(lines, max_tokens or _DIFF_TOKENS)])


def _shown(lines: Sequence[str], max_tokens: int) -> str:
    found = page(for_reader("\n".join(lines)), 0, max_tokens)
    more = "" if found.next_offset is None else "\n…"
    return f"{framed(found.text.rstrip())}{more}"
