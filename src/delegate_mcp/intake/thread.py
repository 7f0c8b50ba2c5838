"""Earlier turns of a thread: read from the kept calls, so that any model in any process can go on.

Where they grow beyond `calls.thread_tokens`, the older ones are to be condensed (`answering/compaction.py`); what was
condensed before is kept beside a call of the thread, and stands for it and all before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from delegate_mcp.domain.brief import Message, OldTurns
from delegate_mcp.domain.errors import InputError
from delegate_mcp.domain.usage import estimate_tokens
from delegate_mcp.ledger.results import CondensedTurns, ResultStore, StoredCall

MAX_TURNS = 20
"""As many are sent as they were."""
_MOST_READ = 100
"""So many turns of a thread that was never condensed are looked at; still older ones are dropped."""
_VERBATIM = 0.5
"""Where older turns are condensed, the newest fill this part of the tokens: it then takes a while to be so again."""
_BEFORE = "What was said before, condensed:\n\n"
_TAKEN = "Noted."


@dataclass(frozen=True, slots=True)
class Thread:
    """What was said before, oldest first."""

    messages: tuple[Message, ...] = ()
    private: bool = False
    """Any turn was private: the thread stays on this machine for good."""
    notes: tuple[str, ...] = ()
    old: OldTurns | None = None
    """Of these messages the first are to be condensed."""


def earlier_turns(call_id: str, store: ResultStore, max_tokens: int, *, most_read: int = _MOST_READ) -> Thread:
    """The thread that ends with this call. Reads the disk. InputError: no such call is kept.

    The newest turn is always there as it was, whatever its size: a follow-up without it would be about nothing.
    """
    newest = store.read(call_id)
    if newest is None:
        raise InputError(
            f"thread: no answered call {call_id!r} is kept (answers are kept for results.keep_days). Take the id from "
            "an earlier reply, or start anew without `thread`."
        )
    calls, before = _chain(newest, store)
    private = any(call.private for call in calls) or (before is not None and before.private)
    dropped = len(calls) - most_read
    calls = calls[:most_read]
    notes: list[str] = []
    if dropped > 0:
        notes.append(f"{dropped} old turns dropped: the thread is longer than {most_read} turns")
    old = _old(calls, before, max_tokens)
    if before is not None and old is None:
        notes.append(f"old turns condensed: {before.turns} turns up to {before.call_id}, by {before.model}")
    elif before is None and calls[-1].parent is not None and dropped <= 0:
        notes.append(f"old turns gone: {calls[-1].parent} and what was before it is no longer kept")
    messages = [message for call in reversed(calls) for message in _messages(call)]
    if before is not None and dropped <= 0:
        messages[:0] = stands_for(before.text)
    return Thread(tuple(messages), private, tuple(notes), old)


def stands_for(condensed: str) -> tuple[Message, Message]:
    """Condensed turns as messages."""
    return Message("user", _BEFORE + condensed), Message("assistant", _TAKEN)


def newest_within(messages: Sequence[Message], max_tokens: int) -> int:
    """How many of the newest messages, in whole turns, are within so many tokens and `MAX_TURNS`; the newest always."""
    kept = size = 0
    while kept < min(len(messages), 2 * MAX_TURNS):
        turn = messages[len(messages) - kept - 2 : len(messages) - kept]
        size += sum(_size(message) for message in turn)
        if kept and size > max_tokens:
            break
        kept += 2
    return kept


def _old(calls: Sequence[StoredCall], before: CondensedTurns | None, max_tokens: int) -> OldTurns | None:
    """The turns to be condensed; None: the thread is not too long, or there is nothing but its newest turn."""
    sizes = [sum(map(_size, _messages(call))) for call in calls]
    total = sum(sizes) + (estimate_tokens(before.text) if before else 0)
    if len(calls) == 1 or (total <= max_tokens and len(calls) <= MAX_TURNS):
        return None
    newest, size = 1, sizes[0]
    while newest < min(len(calls) - 1, MAX_TURNS // 2) and size + sizes[newest] <= max_tokens * _VERBATIM:
        size += sizes[newest]
        newest += 1
    old = calls[newest:]
    return OldTurns(
        messages=2 * len(old) + (2 if before else 0),
        calls=len(old) + (before.turns if before else 0),
        newest=old[0].call_id,
        saved_at=old[0].saved_at,
        private=any(call.private for call in old) or (before is not None and before.private),
        condensed=before is not None,
    )


def _messages(call: StoredCall) -> tuple[Message, Message]:
    return Message("user", call.sent_text, call.images), Message("assistant", call.answer)


def _size(message: Message) -> int:
    return estimate_tokens(message.text) + sum(image.tokens for image in message.images)


def _chain(newest: StoredCall, store: ResultStore) -> tuple[list[StoredCall], CondensedTurns | None]:
    """The call and those before it, newest first, as far as they are kept or something stands for them."""
    calls = [newest]
    seen = {newest.call_id}
    while (parent := calls[-1].parent) is not None and parent not in seen:
        if (condensed := store.read_condensed(parent)) is not None:
            return calls, condensed
        call = store.read(parent)
        if call is None:
            break
        seen.add(parent)
        calls.append(call)
    return calls, None
