"""The reply that a director reads: the answer, then one bracketed line of at most 20 tokens; facts go to `meta`.

The line is `[model call-id what-the-director-must-know]`. Spaces, not dots, stand between its parts: each token of it
is paid for in every call.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from delegate_mcp.delivery.facts import call_facts
from delegate_mcp.delivery.receipts import Edited, Proof, edit_facts, edit_receipt, save_receipt
from delegate_mcp.delivery.save import Saved
from delegate_mcp.delivery.size_budget import Page
from delegate_mcp.delivery.untrusted import MARGIN, framed
from delegate_mcp.domain.brief import FileSent
from delegate_mcp.domain.errors import ErrorKind
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.outcome import Attempt, Outcome
from delegate_mcp.domain.plan import PassedOver
from delegate_mcp.domain.usage import ZERO
from delegate_mcp.ledger.results import StoredCall

LINE_TOKENS = 20
_FRAME_TOKENS = 7
"""Brackets, the space and the call id."""
_LETTERS_A_TOKEN = 3
_CUT_FINER = {"smollm": 3}
"""Tokens of words that are cut finer than that. To add one: the test of the twenty tokens names it."""
_PIECES = re.compile(r"[^\W\d_]+|\d+|[\W_]")
_WORDS = re.compile(r"[^\W\d_]+|\d{1,3}|[^\w ]|_| (?=\d)")


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back to the host."""

    text: str
    """For the director."""
    meta: dict[str, Any] = field(default_factory=dict[str, Any])
    """`{"delegate": {…}}`, for programs."""
    is_error: bool = False
    answer: str = ""
    """The whole answer without the line, for a caller that pays for no tokens (`ask --json`)."""


@dataclass(frozen=True, slots=True)
class Digest:
    """What a director that has spent its tokens reads in place of an answer."""

    text: str
    by: str
    """The model that made it; empty: it is the answer's head."""
    of_tokens: int
    """The answer's own size (estimate)."""


def build_reply(
    outcome: Outcome,
    answer: str,
    *,
    page: Page,
    saved: Saved | None = None,
    files: Sequence[FileSent] = (),
    notes: Sequence[str] = (),
    saved_usd: Decimal = ZERO,
    not_saved: str | None = None,
    edited: Edited | None = None,
    proof: Proof | None = None,
    edit_tokens: int | None = None,
    digest: Digest | None = None,
) -> Reply:
    """The reply to an answered call. `answer` is all of it, `page` its head.

    With `saved` or `edited` a receipt stands for both, of a diff no more than `edit_tokens`. `not_saved`: why the
    answer could not go to its file; it is told before the answer, which the director then reads after all.
    """
    facts = call_facts(outcome, saved_usd=saved_usd, files=files, notes=notes)
    facts["degraded"] = degraded(outcome)
    if saved is not None:
        facts["saved"] = {"path": str(saved.path), "bytes": saved.size_bytes, "lines": saved.lines}
    if edited is not None:
        facts["edited"] = edit_facts(edited)
    if proof is not None:
        facts |= proof.facts()
    told = list(_told(outcome, None if saved or edited or digest else page, notes))
    if digest is not None:
        facts["digest"] = {"by": digest.by or None, "of_tokens": digest.of_tokens, "of_chars": len(answer)}
        told.insert(0, f"{'digest' if digest.by else 'head'} of {len(answer)} chars")
    line = status_line(outcome.candidate.model_id, outcome.call_id, told)
    if not_saved is not None:
        facts["not_saved"] = not_saved
    if saved is not None:
        shown = save_receipt(saved, proof)
    elif edited is not None:
        shown = edit_receipt(edited, proof, edit_tokens)
    else:
        text = framed(digest.text) if digest else _marked(answer, page)
        shown = "\n\n".join(part for part in (not_saved, text, str(proof or "")) if part)
    if outcome.tally:
        facts["votes"] = outcome.tally
        shown = f"{shown}\n\n{framed(outcome.tally)}"
    return Reply(f"{shown}\n\n{line}", {"delegate": facts}, answer=answer)


def build_result_reply(stored: StoredCall, page: Page) -> Reply:
    """A page of an answer that was kept, for `delegate_result`."""
    model = ModelId.parse(stored.model) if stored.model else None
    line = status_line(model, stored.call_id, [_cut(page)] if page.next_offset is not None else [])
    facts = dict(stored.meta) | {
        "call_id": stored.call_id,
        "offset": page.offset,
        "next_offset": page.next_offset,
        "total_chars": page.total_chars,
    }
    text = _marked(stored.answer, page) or f"The answer ends at {page.total_chars}."
    return Reply(f"{text}\n\n{line}", {"delegate": facts}, answer=stored.answer)


def _marked(answer: str, page: Page) -> str:
    """What a page shows, marked as data where it, with what stands around it, sounds like orders."""
    end = len(answer) if page.next_offset is None else page.next_offset
    return framed(page.text, answer[max(0, page.offset - MARGIN) : end + MARGIN])


def degraded(outcome: Outcome) -> bool:
    """Whether a model of the rule's earlier choice would have answered, had it had room at that moment."""
    return bool(_had_no_room(outcome)) or any(
        attempt.error_kind is ErrorKind.RATE_LIMITED for attempt in _elsewhere(outcome)
    )


def status_line(model: ModelId | None, call_id: str, told: Sequence[str]) -> str:
    """The bracketed line: as much of `told` (the most important first) and of the model's name as 20 tokens hold."""
    names = list(_names(model))
    room = LINE_TOKENS - _FRAME_TOKENS - _name_tokens(names[-1])
    kept: list[str] = []
    for note in told:
        tokens = len(_WORDS.findall(f" {note}")) + (1 if kept else 0)
        if tokens <= room or not kept:  # the first is never dropped: it may be where to read on
            kept.append(note)
            room -= tokens
    room += _name_tokens(names[-1])
    name = next((name for name in names if _name_tokens(name) <= room), "")
    return f"[{' '.join(part for part in (name, call_id, ', '.join(kept)) if part)}]"


def _told(outcome: Outcome, page: Page | None, notes: Sequence[str]) -> Iterator[str]:
    """What the director must know, the most important first."""
    if page is not None and page.next_offset is not None:
        yield _cut(page)
    if outcome.completion.finish_reason == "length":
        yield "unfinished"
    if outcome.candidate.demo:
        yield "demo model"
        yield from (passed.why for passed in outcome.plan.passed_over[:1])  # why nothing better answered: no key
    if outcome.repeated is not None:
        yield "cached"
    elsewhere = _elsewhere(outcome)
    if elsewhere and (kind := elsewhere[0].error_kind):
        yield f"fallback: {kind.value.replace('_', ' ')}"
    if passed := _had_no_room(outcome):
        yield f"degraded: {passed[0].short}" if passed[0].short else "degraded"
    yield from (note.partition(":")[0] for note in notes)


def _elsewhere(outcome: Outcome) -> list[Attempt]:
    """The attempts at other models; questions of our own beside the answer are none."""
    return [row for row in outcome.attempts if row.model_id != outcome.candidate.model_id and not row.aside]


def _had_no_room(outcome: Outcome) -> list[PassedOver]:
    """Who stands before the one that answered in the rule's order and could not be asked just then."""
    if outcome.repeated is not None:
        return []
    place = next(
        (place for place, row in enumerate(outcome.plan.candidates) if row.model_id == outcome.candidate.model_id), 0
    )
    return [passed for passed in outcome.plan.passed_over if passed.temporary and passed.after <= place]


def _cut(page: Page) -> str:
    """How far the director has read: the number to give to delegate_result."""
    return f"cut {page.next_offset}/{page.total_chars}"


def _names(model: ModelId | None) -> Iterator[str]:
    """A model's name, the fullest first, each next one shorter."""
    if model is None:
        yield ""
        return
    short = model.model.rpartition("/")[2].partition(":")[0].removesuffix(".gguf")
    if model.provider not in short:
        yield f"{model.provider}:{short}"
    parts = short.split("-")
    for count in range(len(parts), 0, -1):
        yield "-".join(parts[:count])
    yield short.partition("-")[0].partition(".")[0]


def _name_tokens(name: str) -> int:
    """Tokens of a model's name, rather too many than too few."""
    pieces: list[str] = _PIECES.findall(name.lower())
    return sum(_CUT_FINER.get(piece, -(-len(piece) // _LETTERS_A_TOKEN)) for piece in pieces)
