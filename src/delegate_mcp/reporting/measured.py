"""Recorded calls beside the director's real usage: shares that are measured, not estimated. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

from delegate_mcp.catalog.prices import Prices
from delegate_mcp.domain.usage import ZERO, Usage
from delegate_mcp.ledger.reports import CallRecord
from delegate_mcp.reporting.project import project_label
from delegate_mcp.reporting.sums import Sums, share
from delegate_mcp.reporting.transcripts import Message, Transcripts, together


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectorUse:
    """What the director's model used, as its service counted it."""

    messages: int = 0
    usage: Usage = Usage()
    usd: Decimal = ZERO
    """At list prices; what a plan includes is billed to nobody by the token."""
    unpriced: tuple[str, ...] = ()
    """Models whose price is not known; they count as 0."""

    @property
    def tokens(self) -> int:
        """All of them, what was read from the cache in each turn included."""
        return self.usage.total

    @property
    def new_tokens(self) -> int:
        """Without what was read from the cache."""
        return self.usage.total - self.usage.cache_read_tokens


def used(messages: Iterable[Message], prices: Prices) -> DirectorUse:
    """The sum of the director's messages."""
    by_model = of_models(messages)
    costs = {model: prices.cost(model.partition("[")[0], usage) for model, (_, usage) in by_model.items()}
    return DirectorUse(
        messages=sum(count for count, _ in by_model.values()),
        usage=together(usage for _, usage in by_model.values()),
        usd=sum((cost for cost in costs.values() if cost is not None), ZERO),
        unpriced=tuple(sorted(model for model, cost in costs.items() if cost is None)),
    )


def of_models(messages: Iterable[Message]) -> dict[str, tuple[int, Usage]]:
    """Messages and usage by model."""
    found: dict[str, list[Usage]] = {}
    for message in messages:
        found.setdefault(message.model, []).append(message.usage)
    return {model: (len(usages), together(usages)) for model, usages in sorted(found.items())}


def free_share(sums: Sums, director: DirectorUse, *, new: bool = False) -> float | None:
    """The share of free inference in all tokens, the director's own real ones among them; None where it has none.

    `new`: without what the director read from its cache.
    """
    own = director.new_tokens if new else director.tokens
    return share(sums.free_tokens, sums.tokens + own) if director.messages else None


def tied(records: Sequence[CallRecord], transcripts: Transcripts) -> tuple[CallRecord, ...]:
    """The calls with their conversation, and the project that the conversation took place in, where those are told."""
    names = {project_label(place, named=False): project_label(place) for place in transcripts.directories.values()}

    def tie(record: CallRecord) -> CallRecord:
        conversation = transcripts.conversations.get(record.call.call_id, record.conversation)
        place = transcripts.directories.get(conversation or "")
        own = names.get(record.project or "", record.project)
        return replace(record, conversation=conversation, project=own or (project_label(place) if place else None))

    return tuple(map(tie, records))


def delegating(messages: Iterable[Message], records: Sequence[CallRecord]) -> tuple[list[Message], list[CallRecord]]:
    """The messages of the conversations in which something was delegated, and what that was."""
    conversations = {record.conversation for record in records}
    mine = [message for message in messages if message.conversation in conversations]
    here = {message.conversation for message in mine}
    return mine, [record for record in records if record.conversation in here]


def grouped_messages(transcripts: Transcripts, by: str) -> Mapping[str, list[Message]]:
    """The director's messages by day or project; nothing else groups both."""
    found: dict[str, list[Message]] = {}
    for message in transcripts.messages:
        if by == "day":
            name = datetime.fromtimestamp(message.at, UTC).date().isoformat()
        elif by == "project":
            name = project_label(transcripts.directories[message.conversation])
        else:
            continue
        found.setdefault(name, []).append(message)
    return found
