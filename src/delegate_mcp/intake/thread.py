"""Earlier turns of a thread: read from the kept calls, so that any model in any process can go on."""

from dataclasses import dataclass

from delegate_mcp.domain.brief import Message
from delegate_mcp.domain.errors import InputError
from delegate_mcp.domain.usage import estimate_tokens
from delegate_mcp.ledger.results import ResultStore, StoredCall

MAX_TURNS = 20
MAX_TOKENS = 24_000


@dataclass(frozen=True, slots=True)
class Thread:
    """What was said before, oldest first."""

    messages: tuple[Message, ...] = ()
    private: bool = False
    """Any turn was private: the thread stays on this machine for good."""
    notes: tuple[str, ...] = ()


def earlier_turns(
    call_id: str, store: ResultStore, *, max_turns: int = MAX_TURNS, max_tokens: int = MAX_TOKENS
) -> Thread:
    """The thread that ends with this call; the oldest turns are left out where it is long. Reads the disk.

    The newest turn is always there, whatever its size: a follow-up without it would be about nothing.
    InputError: no such call is kept.
    """
    newest = store.read(call_id)
    if newest is None:
        raise InputError(
            f"thread: no answered call {call_id!r} is kept (answers are kept for results.keep_days). Take the id from "
            "an earlier reply, or start anew without `thread`."
        )
    calls = _chain(newest, store)
    private = any(call.private for call in calls)
    kept: list[StoredCall] = []
    size = 0
    for call in calls[:max_turns]:
        size += estimate_tokens(call.sent_text) + estimate_tokens(call.answer)
        if kept and size > max_tokens:
            break
        kept.append(call)
    messages = [
        message
        for call in reversed(kept)
        for message in (Message("user", call.sent_text), Message("assistant", call.answer))
    ]
    dropped = len(calls) - len(kept)
    notes: list[str] = []
    if dropped:
        notes.append(f"{dropped} old turns dropped: the thread is longer than {max_turns} turns or {max_tokens} tokens")
    if calls[-1].parent is not None:
        notes.append(f"old turns gone: {calls[-1].parent} and what was before it is no longer kept")
    return Thread(tuple(messages), private, tuple(notes))


def _chain(newest: StoredCall, store: ResultStore) -> list[StoredCall]:
    """The call and those before it, newest first, as far as they are kept."""
    calls = [newest]
    seen = {newest.call_id}
    while (parent := calls[-1].parent) is not None and parent not in seen:
        call = store.read(parent)
        if call is None:
            break
        seen.add(parent)
        calls.append(call)
    return calls
